from psycopg2.errors import CheckViolation

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestGuard(LoyaltyCommon):
    """What a client sends can neither hide a movement nor break the jobs of others."""

    def test_a_context_from_outside_does_not_keep_the_ledger_back(self):
        card = self.env['loyalty.card'].create(
            {'program_id': self.program.id, 'partner_id': self.member.id}
        )
        card.with_context(loyalty_ledger_deferred=True).points = 500
        self.assertAlmostEqual(sum(card.history_ids.mapped('qty')), 500)

    @mute_logger('odoo.sql_db')
    def test_numbers_out_of_any_range_are_refused(self):
        for record, values in (
            (self.program, {'tier_window_months': 99999}),
            (self.gold, {'min_value': 1e13}),
        ):
            with self.subTest(values), self.assertRaises(CheckViolation), self.cr.savepoint():
                record.write(values)
                record.flush_recordset()
