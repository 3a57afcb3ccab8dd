from datetime import date, timedelta
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Datetime
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestSaleOrder(AftersalesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product_plain = cls.env['product.product'].create({'name': "Screw"})
        cls.product_tracked = cls.env['product.product'].create(
            {'name': "Valve", 'aftersales_track_units': True}
        )
        # handed over by the order, also where transfers hand goods over
        (cls.product | cls.product_plain | cls.product_tracked).type = 'service'
        cls.user_sale = cls._create_user('aftersales_sale', 'sales_team.group_sale_salesman')
        cls.order = cls._create_order(
            (cls.product, 2), (cls.product_tracked, 1), (cls.product_plain, 5)
        )

    @classmethod
    def _create_order(cls, *lines, **values):
        return cls.env['sale.order'].create(
            {
                'partner_id': cls.customer.id,
                'user_id': cls.user_sale.id,
                'order_line': [
                    Command.create({'product_id': product.id, 'product_uom_qty': quantity})
                    for product, quantity in lines
                ],
                **values,
            }
        )

    def _confirm(self, order, moment='2026-03-02 10:00:00'):
        with freeze_time(moment):
            order.action_confirm()

    def test_one_unit_per_piece_of_products_that_are_registered(self):
        self._confirm(self.order)
        self.assertTrue(self.order.aftersales_has_missing_units)
        self.order.with_user(self.user_sale).action_create_aftersales_units()
        units = self.order.order_line.aftersales_unit_ids
        self.assertEqual(sorted(units.mapped('product_id.name')), ["Pump", "Valve"])
        self.assertEqual(len(units), 3)
        pumps = units.filtered(lambda unit: unit.product_id == self.product)
        self.assertEqual(pumps.mapped('warranty_end'), [date(2028, 3, 1)] * 2)
        self.assertEqual(pumps.partner_id, self.customer)
        self.assertEqual(pumps.sale_order_id, self.order)
        self.assertEqual(set(pumps.mapped('state')), {'active'})
        self.assertEqual(self.order.aftersales_unit_count, 3)

    def test_twice_makes_no_doubles(self):
        self._confirm(self.order)
        for _run in range(3):
            self.order.action_create_aftersales_units()
        self.assertEqual(self.order.aftersales_unit_count, 3)
        self.order.invalidate_recordset(['aftersales_has_missing_units'])
        self.assertFalse(self.order.aftersales_has_missing_units)

    def test_missing_pieces_are_counted_not_prepared(self):
        self._confirm(self.order)
        self.order.action_create_aftersales_units()
        lines = self.order.order_line
        pump = lines[0].aftersales_unit_ids.sorted('sale_line_position')[0]
        with patch.object(
            self.registry['sale.order.line'],
            '_prepare_unit_vals',
            side_effect=AssertionError("not needed to show the button"),
        ):
            for change, expected in (
                (lambda: pump.unlink(), True),
                (lambda: lines[0].write({'product_uom_qty': 1}), True),
                (lambda: lines[0].write({'product_uom_qty': 0}), False),
                (lambda: lines[1].write({'product_uom_qty': 10}), True),
            ):
                change()
                self.order.invalidate_recordset(['aftersales_has_missing_units'])
                self.assertEqual(self.order.aftersales_has_missing_units, expected)

    def test_more_pieces_make_only_the_new_ones(self):
        self._confirm(self.order)
        self.order.action_create_aftersales_units()
        units = self.order.order_line.aftersales_unit_ids
        units[0].action_retire()
        units[1].active = False
        self.order.order_line[0].product_uom_qty = 3
        self.order.action_create_aftersales_units()
        self.assertEqual(
            self.env['aftersales.unit']
            .with_context(active_test=False)
            .search_count([('sale_order_id', '=', self.order.id)]),
            4,
        )

    def test_the_database_refuses_the_same_piece_twice(self):
        self._confirm(self.order)
        self.order.action_create_aftersales_units()
        line = self.order.order_line[0]
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError):
            self.env['aftersales.unit'].create(line._prepare_unit_vals(1))

    def test_quotation_is_refused(self):
        self.assertFalse(self.order.aftersales_has_missing_units)
        with self.assertRaises(UserError):
            self.order.action_create_aftersales_units()

    def test_order_of_others_is_refused(self):
        self._confirm(self.order)
        stranger = self._create_user('aftersales_sale_2', 'sales_team.group_sale_salesman')
        with self.assertRaises(AccessError):
            self.order.with_user(stranger).action_create_aftersales_units()

    def test_dozens_are_pieces(self):
        dozen = self.env.ref('uom.product_uom_dozen')
        order = self._create_order((self.product, 1))
        order.order_line.product_uom_id = dozen
        self._confirm(order)
        order.action_create_aftersales_units()
        self.assertEqual(order.aftersales_unit_count, 12)

    def test_promised_later_is_not_delivered_yet(self):
        order = self._create_order(
            (self.product, 1), commitment_date=Datetime.now() + timedelta(days=9)
        )
        order.action_confirm()
        order.action_create_aftersales_units()
        unit = order.order_line.aftersales_unit_ids
        self.assertEqual(unit.state, 'draft')
        self.assertFalse(unit.warranty_end)

    def test_delivery_day_is_local(self):
        self.company.resource_calendar_id.tz = 'Asia/Shanghai'
        order = self._create_order((self.product, 1))
        self._confirm(order, '2026-03-02 20:00:00')
        order.action_create_aftersales_units()
        self.assertEqual(order.order_line.aftersales_unit_ids.date_delivered, date(2026, 3, 3))

    def test_policy_of_the_company_that_sells(self):
        """Pieces are registered or not wherever the user happens to be working."""
        here, other = self.company, self.company_2
        policy = self.env['aftersales.warranty.policy'].create({'name': "P", 'months': 12})
        self.product_plain.with_company(other).aftersales_warranty_policy_id = policy
        for seller, expected in ((other, 5), (here, 0)):
            order = self.env['sale.order'].create(
                {
                    'company_id': seller.id,
                    'partner_id': self.customer.id,
                    'order_line': [
                        Command.create({'product_id': self.product_plain.id, 'product_uom_qty': 5})
                    ],
                }
            )
            for working in (here, other):
                lines = order.order_line.with_company(working)
                with self.subTest(seller=seller.name, working=working.name):
                    self.assertEqual(len(lines._prepare_missing_units_vals()), expected)

    # ------------------------------------------------------------
    # Cancelled orders
    # ------------------------------------------------------------

    def test_cancelled_order_leaves_no_warranty(self):
        self._confirm(self.order)
        self.order.action_create_aftersales_units()
        units = self.order.order_line.aftersales_unit_ids
        self.order.with_user(self.user_sale)._action_cancel()
        self.assertEqual(set(units.mapped('state')), {'retired'})
        self.assertEqual(set(units.mapped('warranty_state')), {'none'})
        self.assertFalse(
            units.search([('id', 'in', units.ids), ('warranty_state', '=', 'in_warranty')])
        )

    def test_cancelled_order_with_archived_pieces(self):
        self._confirm(self.order)
        self.order.action_create_aftersales_units()
        units = self.order.order_line.aftersales_unit_ids
        units.active = False
        self.order._action_cancel()
        self.assertEqual(set(units.mapped('state')), {'retired'})
        self.order.action_draft()
        self._confirm(self.order)
        self.assertEqual(set(units.mapped('state')), {'active'})

    def test_order_confirmed_again(self):
        self._confirm(self.order)
        self.order.action_create_aftersales_units()
        units = self.order.order_line.aftersales_unit_ids
        scrapped = units[0]
        scrapped.action_retire()
        ends = {unit: unit.warranty_end for unit in units}
        self.order._action_cancel()
        self.order.action_draft()
        self._confirm(self.order)
        self.assertEqual(scrapped.state, 'retired', "retired by staff, before")
        for unit in units - scrapped:
            self.assertEqual((unit.state, unit.warranty_end), ('active', ends[unit]))
        self.order.action_create_aftersales_units()
        self.assertEqual(self.order.order_line.aftersales_unit_ids, units, "no piece twice")

    def test_cancelling_touches_no_other_order(self):
        self._confirm(self.order)
        self.order.action_create_aftersales_units()
        other = self._create_order((self.product, 1))
        self._confirm(other)
        other._action_cancel()
        self.assertEqual(set(self.order.order_line.aftersales_unit_ids.mapped('state')), {'active'})

    def test_requests_of_the_order(self):
        self._confirm(self.order)
        self.order.action_create_aftersales_units()
        unit = self.order.order_line.aftersales_unit_ids[0]
        request = self._create_request(unit_id=unit.id)
        self.assertEqual(request.sale_order_id, self.order)
        self.assertEqual(self.order.aftersales_request_count, 1)
        action = self.order.action_view_aftersales_requests()
        self.assertEqual(self.env['aftersales.request'].search(action['domain']), request)
