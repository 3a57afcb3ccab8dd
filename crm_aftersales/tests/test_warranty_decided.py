from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .test_warranty import WarrantyCommon


@tagged('post_install', '-at_install')
class TestWarrantyDecided(WarrantyCommon):
    """What was declared void, or lost with the owner, no later event brings back."""

    def _declare_void(self, warranties):
        vals = {'warranty_ids': [Command.set(warranties.ids)], 'reason': "Opened by a stranger"}
        self.env['aftersales.warranty.void'].with_user(self.user_manager).create(vals).action_void()

    def _sell_care(self, unit, day='2026-03-02 10:00:00', **values):
        care = self.env['product.product'].create(
            {
                'name': "Care",
                'type': 'service',
                'invoice_policy': 'order',
                'aftersales_extension_months': 12,
                **values,
            }
        )
        line = {'product_id': care.id, 'aftersales_unit_id': unit.id}
        order = self.env['sale.order'].create(
            {'partner_id': self.customer.id, 'order_line': [Command.create(line)]}
        )
        with freeze_time(day):
            order.action_confirm()
        return order

    def test_declared_void(self):
        self._create_warranty_policy(months=12, statutory_months=24)
        unit = self._create_unit(date_delivered='2026-01-10')
        self._declare_void(unit.warranty_ids)
        self.assertEqual(set(unit.warranty_ids.mapped('ended_by')), {'declared'})
        unit.date_invoiced = '2026-01-09'
        unit.with_user(self.user_technician).date_installed = '2026-01-12'
        unit.warranty_months = 36
        self.assertFalse(self._granted(unit))
        # the service desk changes its mind
        unit.warranty_start = '2026-01-10'
        self.assertEqual(self._granted(unit).mapped('layer'), ['base', 'statutory'])
        unit.warranty_months = 0
        unit.warranty_months = 24
        self.assertIn('base', self._granted(unit).mapped('layer'), "corrections go on")

    def test_one_layer_declared_void(self):
        self._create_warranty_policy(months=12, statutory_months=24)
        unit = self._create_unit(date_delivered='2026-01-10')
        self._declare_void(unit.warranty_ids.filtered(lambda row: row.layer == 'base'))
        unit.date_delivered = '2026-01-12'
        granted = self._granted(unit)
        self.assertEqual((granted.layer, granted.date_start), ('statutory', date(2026, 1, 12)))

    def test_emptied_while_the_customer_has_it(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        unit.warranty_start = False
        unit.date_invoiced = '2026-01-09'
        self.assertFalse(self._granted(unit))
        waiting = self._create_unit(date_delivered='2026-01-10')
        waiting.write({'date_delivered': False, 'warranty_start': False})
        waiting.date_delivered = '2026-02-10'
        self.assertEqual(self._granted(waiting).date_start, date(2026, 2, 10))

    def test_not_transferable(self):
        self._create_warranty_policy(transferable=False)
        unit = self._create_unit(date_delivered='2026-01-10')
        unit._transfer(self.stranger, date(2026, 2, 1))
        unit.date_invoiced = '2026-01-09'
        unit.date_installed = '2026-01-12'
        self.assertEqual(unit.warranty_ids.mapped('state'), ['transferred'])

    def test_replaced(self):
        old = self._create_unit(date_delivered='2026-01-10')
        new = self._create_unit(date_delivered='2026-02-10')
        old._replace_warranty(new, date(2026, 2, 10))
        # in the same transaction: the database has to know that the old one is over
        old.date_invoiced = '2026-01-09'
        new.date_invoiced = '2026-02-09'
        self.assertFalse(self._granted(old))
        self.assertEqual(self._granted(new).date_end, date(2028, 1, 9))

    def test_retired(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        with freeze_time('2026-03-10 09:00:00'):
            unit.action_retire()
            self.env.flush_all()
        self.assertEqual(unit._get_warranty_answer(date(2026, 3, 10)).state, 'covered')
        answer = unit._get_warranty_answer(date(2026, 3, 11))
        self.assertEqual((answer.state, bool(answer.warranty)), ('not_covered', False))
        self.assertIn("retired", answer.reason)

    def test_technicians_grant_nothing(self):
        unit = self._create_unit(date_delivered='2022-01-10')
        mine = unit.with_user(self.user_technician)
        for vals in (
            {'warranty_months': 240},
            {'warranty_start': False},
            {'warranty_start': '2026-01-10'},
            {'date_delivered': '2026-01-10'},
            {'date_invoiced': '2026-01-10'},
            {'product_id': self.motor.id},
        ):
            with self.subTest(vals), self.assertRaises(AccessError):
                mine.write(vals)
        # what stays as it was may come along
        mine.write({'warranty_months': 24, 'date_delivered': '2022-01-10', 'note': "Seen"})
        self.assertEqual(self._granted(unit).date_end, date(2024, 1, 9))
        invoiced = self._create_unit(state='draft', date_invoiced='2026-01-10')
        invoiced.with_user(self.user_technician).action_deliver()
        new = {'product_id': self.product.id, 'partner_id': self.customer.id}
        for vals in ({'warranty_months': 240}, {'warranty_start': '2026-01-10'}):
            with self.subTest(vals), self.assertRaises(AccessError):
                mine.create({**new, **vals})
        self.assertEqual(mine.create({**new, 'warranty_months': 24}).warranty_months, 24)
        unit.with_user(self.user_service).warranty_months = 60
        self.assertEqual(self._granted(unit).date_end, date(2027, 1, 9))

    def test_orders_with_an_extension_ask_whose_it_is(self):
        """The column is there as soon as one is sold; without an answer nothing is extended."""
        order = self._sell_care(self._create_unit(date_delivered='2026-01-12'))
        self.assertTrue(order.aftersales_has_extensions)
        self.assertFalse(order.copy({'order_line': []}).aftersales_has_extensions)

    def test_extension_declared_void(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        order = self._sell_care(unit)
        self._declare_void(order.order_line.aftersales_warranty_ids)
        order._create_invoices().action_post()
        self.assertEqual(order.order_line.aftersales_warranty_ids.mapped('state'), ['void'])

    def test_extension_that_goes_on_with_another_piece(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        order = self._sell_care(unit)
        new = self._create_unit(date_delivered='2026-03-10')
        unit._replace_warranty(new, date(2026, 3, 10))
        order.order_line._settle_extended_warranties()
        alive = order.order_line.aftersales_warranty_ids.filtered(lambda row: row._is_alive())
        self.assertEqual(alive.unit_id, new)

    def test_not_started_and_not_transferable(self):
        policy = self._create_warranty_policy(transferable=False)
        unit = self._create_unit(date_delivered='2023-01-10')
        order = self._sell_care(unit, aftersales_warranty_policy_id=policy.id)
        extension = order.order_line.aftersales_warranty_ids
        self.assertEqual(extension.state, 'draft')
        unit._transfer(self.stranger, date(2026, 3, 10))
        self.assertEqual((extension.state, extension.ended_by), ('void', 'transfer'))
        self.assertEqual(unit._get_warranty_answer(date(2026, 3, 12)).state, 'not_covered')
        order.order_line._settle_extended_warranties()
        self.assertEqual(order.order_line.aftersales_warranty_ids, extension)

    @mute_logger('odoo.sql_db')
    def test_ended_by_transfer_has_days(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        vals = {**unit.warranty_ids.copy_data()[0], 'date_start': False, 'date_end': False}
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.env['aftersales.warranty'].sudo().create({**vals, 'state': 'transferred'})
