from odoo.tests import tagged
from odoo.tools import SQL

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestSelfcheck(AftersalesCommon):
    def setUp(self):
        super().setUp()
        self.env['aftersales.request'].search([]).action_recompute_sla()
        self.checks = self.env['crm.selfcheck'].sudo()

    def test_checks_are_registered(self):
        codes = {check.code for check in self.checks._get_checks()}
        expected = {'aftersales.deadlines', 'aftersales.warranty', 'aftersales.owners'}
        self.assertLessEqual(expected, codes)

    def test_deadlines(self):
        self._create_policy()
        self.env['aftersales.request'].search([]).action_recompute_sla()
        request = self._create_request()
        self.assertEqual(self.checks._check_aftersales_deadlines()[0], True)
        self.env.cr.execute(
            SQL(
                "UPDATE aftersales_request SET sla_deadline = sla_deadline + interval '1 s'"
                " WHERE id = %s",
                request.id,
            )
        )
        self.env.invalidate_all()
        ok, message, count = self.checks._check_aftersales_deadlines()
        self.assertEqual((ok, count), (False, 1))
        self.assertIn(request.number, message)
        self.assertIn("Recompute Clocks", message)
        request.action_recompute_sla()
        self.assertTrue(self.checks._check_aftersales_deadlines()[0])

    def test_warranty(self):
        self.env['aftersales.unit'].create(
            [
                {
                    'product_id': self.product.id,
                    'partner_id': self.customer.id,
                    'warranty_months': months,
                    'date_delivered': day,
                }
                for months in (0, 1, 6, 11, 12, 24, 48)
                for day in (False, '2024-02-29', '2025-08-31', '2026-01-31', '2026-12-31')
            ]
        )
        self.unit.warranty_months = 24
        self.unit.date_delivered = '2026-01-31'
        wrong = self.checks._check_aftersales_warranty()[2]
        for broken in (
            "aftersales_unit SET warranty_end = warranty_end + 1 WHERE id = %s",
            "aftersales_unit SET warranty_start = warranty_start + 1 WHERE id = %s",
            "aftersales_warranty SET state = 'void' WHERE unit_id = %s",
            "aftersales_warranty SET months = months + 1 WHERE unit_id = %s",
        ):
            with self.subTest(broken=broken), self.env.cr.savepoint() as savepoint:
                self.env.cr.execute(SQL(f'UPDATE {broken}', self.unit.id))
                ok, message, count = self.checks._check_aftersales_warranty()
                self.assertEqual((ok, count), (False, wrong + 1))
                self.assertIn(self.unit.ref, message)
                savepoint.rollback()
