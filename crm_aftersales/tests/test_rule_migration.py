from pathlib import Path

from odoo.modules.migration import load_script
from odoo.tests import tagged

from .common import AftersalesCommon

SCRIPT = Path(__file__).parents[1] / 'migrations/19.0.1.2.0/post-requests.py'
OWN = """['|',
                ('user_id', '=', user.id),
                '&', ('user_id', '=', False), ('team_id.member_ids', 'in', user.ids)]"""


@tagged('post_install', '-at_install')
class TestRuleMigration(AftersalesCommon):
    """Record rules as version 19.0.1.1.0 left them, or somebody after it."""

    def _migrate(self, name, domain):
        rule = self.env.ref(f'crm_aftersales.{name}')
        rule.domain_force = domain
        self.env.flush_all()
        load_script(SCRIPT.as_posix(), 'post_requests').migrate(self.env.cr, '19.0.1.1.0')
        rule.invalidate_recordset()
        return rule

    def test_shipped_rule_lets_helpers_in(self):
        for name, start in (
            ('aftersales_request_rule_own', ''),
            (
                'sale_order_rule_own',
                "['|', ('order_line.aftersales_unit_ids', '!=', False),"
                " ('partner_id.commercial_partner_id.aftersales_request_ids', 'any', ",
            ),
            (
                'sale_order_line_rule_own',
                "['|', ('order_id.order_line.aftersales_unit_ids', '!=', False),"
                " ('order_id.partner_id.commercial_partner_id.aftersales_request_ids', 'any', ",
            ),
        ):
            with self.subTest(name):
                domain = self._migrate(name, f'{start}{OWN})]' if start else OWN).domain_force
                self.assertIn("('helper_ids', 'in', user.ids)", domain)
                self.assertEqual('order_line' in domain, bool(start))

    def test_rule_somebody_changed_stays(self):
        """Also where it contains the old text: blanks are part of it."""
        changed = f"{OWN} + ([('type_id.code', 'not in', ['praise'])] if user.id != 2 else [])"
        with self.assertLogs('odoo.addons.crm_aftersales', 'WARNING') as logs:
            rule = self._migrate('aftersales_request_rule_own', changed)
        self.assertEqual(rule.domain_force, changed)
        self.assertIn('aftersales_request_rule_own', logs.output[0])
        self.env['aftersales.request'].with_user(self.user_technician).search([], limit=1)
