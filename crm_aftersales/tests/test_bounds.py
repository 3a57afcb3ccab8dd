from psycopg2.errors import CheckViolation

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger


@tagged('post_install', '-at_install')
class TestBounds(TransactionCase):
    """Settings that no calendar can follow are refused, before others fail on them."""

    @mute_logger('odoo.sql_db')
    def test_numbers_no_calendar_knows_are_refused(self):
        product = self.env['product.template'].create({'name': "Any"})
        warranty = self.env['aftersales.warranty.policy'].create(
            {'name': "Any", 'rule_ids': [Command.create({})]}
        )
        for record, values in (
            (self.env.company, {'aftersales_reopen_days': 10**7}),
            (self.env.company, {'aftersales_reopen_days': -1}),
            (product, {'aftersales_warranty_months': 200000}),
            (self.env.company, {'aftersales_meter_days': -1}),
            (warranty, {'months': 1201}),
            (warranty, {'meter_limit': -1}),
            (warranty.rule_ids, {'percent': 101}),
        ):
            with self.subTest(values), self.assertRaises(CheckViolation), self.cr.savepoint():
                record.write(values)
                record.flush_recordset()

    def test_targets_no_calendar_is_looked_through_for(self):
        policy = self.env['aftersales.sla.policy'].create({'name': "Any"})
        for name in ('response', 'next_response', 'on_site', 'resolution'):
            with self.subTest(name), self.assertRaises(ValidationError):
                policy[f'{name}_hours'] = 5001
