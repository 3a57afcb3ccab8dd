from datetime import date
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from ..hooks import post_init_hook
from .common import DeliveryCase

SIGNATURE = (
    b'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk'
    b'+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
)


@tagged('post_install', '-at_install')
class TestDelivery(DeliveryCase):
    def test_serials_become_units(self):
        with freeze_time('2026-03-02 10:00:00'):
            order = self.order((self.by_serial, 2), (self.unregistered, 3))
            self.assertFalse(self.get_units(order))
            self.deliver_all(order, 'S-1', 'S-2')
        units = self.get_units(order)
        self.assertEqual(units.mapped('serial'), ['S-1', 'S-2'])
        self.assertEqual(units.lot_id, self.serials[:2])
        self.assertEqual(set(units.mapped('state')), {'active'})
        self.assertEqual(units.mapped('date_delivered'), [date(2026, 3, 2)] * 2)
        self.assertEqual(units.mapped('warranty_end'), [date(2028, 3, 1)] * 2)
        self.assertEqual(units.partner_id, self.customer)
        self.assertFalse(order.aftersales_has_missing_units)

    def test_serial_of_a_former_customer_on_a_piece_registered_ahead(self):
        for registered in (False, True):
            with self.subTest(registered=registered), self.env.cr.savepoint() as savepoint:
                first = self.order((self.by_serial, 1))
                picking = self.deliver(first, lots=self.serials[0])
                self.send_back(picking, lots=self.serials[:1], to_refund=False)
                second = self.order((self.by_serial, 1), partner_id=self.stranger.id)
                if registered:
                    second.action_create_aftersales_units()
                self.deliver(second, lots=self.serials[0])
                self.env.flush_all()
                self.assertEqual(self.get_units(first).state, 'retired')
                unit = self.get_units(second)
                self.assertEqual((unit.serial, unit.state), ('S-1', 'active'))
                savepoint.rollback()
                self.env.invalidate_all()

    def deliver_all(self, order, *serials):
        picking = order.picking_ids
        picking.action_assign()
        lines = picking.move_line_ids.filtered(lambda line: line.product_id == self.by_serial)
        for line, serial in zip(lines, serials, strict=True):
            line.lot_id = self.serials.filtered(lambda lot, name=serial: lot.name == name)
        picking.move_ids.picked = True
        picking._action_done()

    def test_warehouse_staff_needs_no_rights_on_units(self):
        user = self._create_user('aftersales_stock', 'stock.group_stock_user')
        order = self.order((self.by_serial, 1))
        self.deliver(order, lots=self.serials[0], user=user)
        self.assertEqual(self.get_units(order).serial, 'S-1')

    def test_units_of_the_confirmation_are_not_doubled(self):
        order = self.order((self.by_serial, 3))
        order.action_create_aftersales_units()
        units = self.get_units(order)
        self.assertEqual(set(units.mapped('state')), {'draft'}, "not delivered yet")
        self.assertFalse(any(units.mapped('date_delivered')))
        units[1].serial = 's 3'  # the sticker was read before
        self.deliver(order, lots=self.serials)
        self.assertEqual(self.get_units(order), units)
        self.assertEqual(units.mapped('serial'), ['S-1', 'S-3', 'S-2'])
        self.assertEqual(set(units.mapped('state')), {'active'})

    def test_partial_delivery_and_backorder(self):
        order = self.order((self.by_serial, 3))
        with freeze_time('2026-03-02 10:00:00'):
            self.deliver(order, lots=self.serials[0])
        self.assertEqual(self.get_units(order).mapped('serial'), ['S-1'])
        order.action_create_aftersales_units()
        self.assertEqual(self.get_units(order).mapped('state'), ['active', 'draft', 'draft'])
        with freeze_time('2026-04-02 10:00:00'):
            self.deliver(order, lots=self.serials[1:])
        units = self.get_units(order)
        self.assertEqual(units.mapped('serial'), ['S-1', 'S-2', 'S-3'])
        self.assertEqual(
            units.mapped('date_delivered'), [date(2026, 3, 2)] + [date(2026, 4, 2)] * 2
        )

    def test_several_pieces_of_a_lot(self):
        order = self.order((self.by_lot, 3))
        self.deliver(order)
        units = self.get_units(order)
        self.assertEqual(len(units), 3)
        self.assertEqual(units.lot_id, self.lot)
        self.assertFalse(any(units.mapped('serial')))
        self.assertEqual(self.lot.aftersales_unit_count, 3)
        action = self.lot.action_view_aftersales_units()
        self.assertEqual(self.env['aftersales.unit'].search(action['domain']), units.sorted())

    def test_certificate_names_the_lot(self):
        report = self.env['ir.actions.report'].with_user(self.user_technician)
        for product, number in ((self.by_lot, 'L-1'), (self.by_serial, 'S-1')):
            order = self.order((product, 1))
            self.deliver(order)
            warranties = self.get_units(order).warranty_ids
            html = report._render_qweb_html('crm_aftersales.report_warranty', warranties.ids)[0]
            self.assertEqual(html.decode().count(number), 1)

    def test_goods_without_number_in_dozens(self):
        dozen = self.env.ref('uom.product_uom_dozen')
        self._stock(self.plain, 10)
        order = self.order((self.plain, 1), product_uom_id=dozen.id)
        self.deliver(order)
        self.assertEqual(len(self.get_units(order)), 12)

    def test_registered_before_by_hand_keep_their_day(self):
        order = self.order((self.plain, 1))
        order.action_create_aftersales_units()
        unit = self.get_units(order)
        unit.write({'state': 'active', 'date_delivered': '2026-01-05'})
        self.deliver(order)
        self.assertEqual(self.get_units(order), unit)
        self.assertEqual(unit.date_delivered, date(2026, 1, 5))

    def test_deliveries_before_the_addon_are_registered_by_the_button(self):
        order = self.order((self.by_serial, 2))
        with freeze_time('2026-03-02 10:00:00'):
            self.deliver(order, lots=self.serials[0])
        self.get_units(order).unlink()
        order.action_create_aftersales_units()
        units = self.get_units(order)
        self.assertEqual(units.mapped('serial'), ['S-1', False])
        self.assertEqual(units.mapped('date_delivered'), [date(2026, 3, 2), False])

    def test_the_site_is_the_delivery_address(self):
        site = self.env['res.partner'].create(
            {'name': "Beach House", 'type': 'delivery', 'parent_id': self.customer_company.id}
        )
        order = self.order((self.plain, 1), partner_shipping_id=site.id)
        self.deliver(order)
        self.assertEqual(self.get_units(order).site_partner_id, site)

    def test_only_final_steps_hand_over(self):
        self.warehouse.delivery_steps = 'pick_ship'
        order = self.order((self.plain, 1))
        pick = order.picking_ids.filtered(lambda p: p.state == 'assigned') or order.picking_ids[0]
        pick.action_assign()
        pick.move_ids.picked = True
        pick._action_done()
        self.assertFalse(self.get_units(order))
        self.deliver(order)
        self.assertEqual(len(self.get_units(order)), 1)

    # ------------------------------------------------------------
    # The day
    # ------------------------------------------------------------

    def test_day_is_local(self):
        self.customer.customer_tz_choice = 'Asia/Shanghai'
        order = self.order((self.plain, 1))
        with freeze_time('2026-03-02 20:00:00'):
            self.deliver(order)
        self.assertEqual(self.get_units(order).date_delivered, date(2026, 3, 3))

    def test_day_of_signature(self):
        order = self.order((self.plain, 1))
        with freeze_time('2026-03-02 10:00:00'):
            order.picking_ids.signature = SIGNATURE
        with freeze_time('2026-03-04 10:00:00'):
            self.deliver(order)
        self.assertEqual(self.get_units(order).date_delivered, date(2026, 3, 2))

    def test_signed_after_the_transfer(self):
        order = self.order((self.plain, 2))
        with freeze_time('2026-03-02 10:00:00'):
            picking = self.deliver(order)
        units = self.get_units(order)
        units[1].date_delivered = '2026-03-03'  # somebody knew better
        with freeze_time('2026-03-05 10:00:00'):
            picking.signature = SIGNATURE
        self.assertEqual(units.mapped('date_delivered'), [date(2026, 3, 5), date(2026, 3, 3)])
        self.assertEqual(units[0].warranty_start, date(2026, 3, 5))
        with freeze_time('2026-03-07 10:00:00'):
            picking.signature = SIGNATURE
        self.assertEqual(units[0].date_delivered, date(2026, 3, 5), "signed once")

    # ------------------------------------------------------------
    # Back
    # ------------------------------------------------------------

    def test_a_return_takes_the_piece_back(self):
        order = self.order((self.by_serial, 2))
        picking = self.deliver(order, lots=self.serials[:2])
        units = self.get_units(order)
        self.send_back(picking, lots=self.serials[1])
        self.assertEqual(units.mapped('state'), ['active', 'retired'])
        self.assertEqual(units[1].warranty_state, 'none')
        self.assertFalse(order.aftersales_has_missing_units)

    def test_a_return_of_goods_without_number(self):
        order = self.order((self.plain, 3))
        picking = self.deliver(order)
        self.send_back(picking, quantity=2)
        states = self.get_units(order).mapped('state')
        self.assertEqual(sorted(states), ['active', 'retired', 'retired'])

    def test_sold_again_to_somebody_else(self):
        order = self.order((self.by_serial, 1))
        picking = self.deliver(order, lots=self.serials[0])
        self.send_back(picking, lots=self.serials[0])
        again = self.order((self.by_serial, 1), partner_id=self.stranger.id)
        self.deliver(again, lots=self.serials[0])
        self.assertEqual(self.get_units(order).state, 'retired')
        self.assertEqual(self.get_units(again).partner_id, self.stranger)

    def test_sold_again_without_a_return(self):
        unit = self.env['aftersales.unit'].create(
            {
                'product_id': self.by_serial.id,
                'serial': 's1',
                'partner_id': self.stranger.id,
            }
        )
        order = self.order((self.by_serial, 1))
        self.deliver(order, lots=self.serials[0])
        self.assertEqual(unit.state, 'retired')
        self.assertIn(order.name, unit.message_ids[0].body)
        self.assertEqual(self.get_units(order).serial, 'S-1')

    def test_sold_again_ends_the_warranty_of_who_had_it(self):
        order = self.order((self.by_serial, 1))
        with freeze_time('2026-03-02 10:00:00'):
            picking = self.deliver(order, lots=self.serials[0])
        self.send_back(picking, lots=self.serials[0], to_refund=False)
        former = self.get_units(order)
        self.deliver(self.order((self.by_serial, 1)), lots=self.serials[0])
        self.assertEqual((former.state, former.warranty_state), ('retired', 'none'))
        ended = former.warranty_ids
        self.assertEqual((ended.state, ended.ended_by), ('transferred', 'transfer'))

    def test_a_return_that_leaves_the_order_alone_is_for_service(self):
        order = self.order((self.by_serial, 1))
        with freeze_time('2026-03-02 10:00:00'):
            picking = self.deliver(order, lots=self.serials[0])
        unit = self.get_units(order)
        returned = self.send_back(picking, lots=self.serials[0], to_refund=False)
        self.assertEqual(unit.state, 'in_service')
        self.assertEqual(unit.warranty_end, date(2028, 3, 1))
        with freeze_time('2026-05-02 10:00:00'):
            self.send_back(returned, lots=self.serials[0], to_refund=False)
        self.assertEqual(self.get_units(order), unit)
        self.assertEqual((unit.state, unit.date_delivered), ('active', date(2026, 3, 2)))

    def test_cancelling_leaves_what_was_delivered(self):
        order = self.order((self.by_serial, 2))
        self.deliver(order, lots=self.serials[0])
        order.action_create_aftersales_units()
        order._action_cancel()
        self.assertEqual(self.get_units(order).mapped('state'), ['active', 'retired'])

    def test_registered_once_without_serial_numbers(self):
        order = self.order((self.plain, 3), (self.by_lot, 3))
        picking = self.deliver(order)
        order.action_create_aftersales_units()
        self.assertEqual(len(self.get_units(order)), 6)
        self.send_back(picking, quantity=1)
        order.order_line.move_ids._register_units()
        states = self.get_units(order).mapped('state')
        self.assertEqual(sorted(states), ['active'] * 4 + ['retired'] * 2)

    def test_what_is_lent_or_in_service_stays_so(self):
        order = self.order((self.by_serial, 2))
        order.action_create_aftersales_units()
        units = self.get_units(order)
        units[0].write({'state': 'loaned', 'serial': 'S-1'})
        self.deliver(order, lots=self.serials[:2])
        self.assertEqual(units.mapped('state'), ['loaned', 'active'])
        self.assertEqual(units.lot_id, self.serials[:2])

    # ------------------------------------------------------------
    # Before the addon came
    # ------------------------------------------------------------

    def forget_transfers(self, units, *names):
        """Leave products as they are where nobody follows transfers."""
        self.env.flush_all()
        query = 'UPDATE aftersales_unit SET stock_move_id = NULL, lot_id = NULL'
        for name in names:
            query += f', {name} = NULL'
        self.env.cr.execute(f'{query} WHERE id IN %s', [tuple(units.ids)])
        self.env.invalidate_all()

    def test_delivered_before(self):
        order = self.order((self.by_serial, 3), (self.plain, 3), (self.by_lot, 2))
        serials, plain, lots = order.order_line
        picking = order.picking_ids
        for move in picking.move_ids:
            move.quantity = 2
        picking.move_ids.picked = True
        picking._action_done()
        order.action_create_aftersales_units()
        units = self.get_units(order)
        moves = {unit: (unit.stock_move_id, unit.lot_id) for unit in units}
        units.state = 'active'  # nobody knew better
        known, unknown = serials.aftersales_unit_ids.sorted('sale_line_position')[:2]
        self.forget_transfers(units)
        self.forget_transfers(unknown, 'serial', 'serial_norm')
        unknown.sale_line_position = 0
        post_init_hook(self.env)
        unknown.sale_line_position = 2
        self.assertEqual(unknown.serial, unknown.lot_id.name)
        for unit in unknown | known | plain.aftersales_unit_ids | lots.aftersales_unit_ids:
            self.assertEqual((unit.stock_move_id, unit.lot_id), moves[unit])
        self.assertEqual(len(serials._prepare_missing_units_vals()), 0)
        order._action_cancel()
        states = plain.aftersales_unit_ids.sorted('sale_line_position').mapped('state')
        self.assertEqual(states, ['active', 'active', 'retired'])

    def test_returned_before(self):
        order = self.order((self.plain, 3))
        picking = self.deliver(order)
        units = self.get_units(order)
        self.forget_transfers(units)
        self.send_back(picking, quantity=2)
        self.forget_transfers(units, 'stock_return_move_id')
        units.state = 'active'
        post_init_hook(self.env)
        self.assertEqual(len(units.filtered('stock_move_id')), 1)

    def test_confirming_again_restores_nothing_that_came_back(self):
        order = self.order((self.plain, 1))
        picking = self.deliver(order)
        self.send_back(picking)
        order._action_cancel()
        order.action_draft()
        order.action_confirm()
        self.assertEqual(self.get_units(order)[0].state, 'retired')

    # ------------------------------------------------------------
    # One piece, one number
    # ------------------------------------------------------------

    def test_the_database_knows_a_serial_once(self):
        order = self.order((self.by_serial, 1))
        self.deliver(order, lots=self.serials[0])
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError):
            self.env['aftersales.unit'].create(
                {
                    'product_id': self.by_serial.id,
                    'lot_id': self.serials[0].id,
                    'partner_id': self.stranger.id,
                }
            )

    def test_form_takes_the_serial_of_the_lot(self):
        form = Form(self.env['aftersales.unit'].with_user(self.user_technician))
        form.product_id = self.by_serial
        form.partner_id = self.stranger
        form.lot_id = self.serials[2]
        self.assertEqual(form.serial, 'S-3')
        self.assertEqual(form.save().lot_is_serial, True)

    def test_the_same_number_twice_in_a_transfer(self):
        """Core tells X-1 from x 1: the transfer is done, and the last one has the number."""
        lots = self._stock_lots(self.by_serial, 'X-1', 'x 1')
        order = self.order((self.by_serial, 1), (self.by_serial, 1))
        picking = order.picking_ids
        picking.move_ids.move_line_ids.unlink()
        for move, lot in zip(picking.move_ids, lots, strict=True):
            move.move_line_ids = [
                Command.create({'product_id': self.by_serial.id, 'lot_id': lot.id, 'quantity': 1})
            ]
        picking.move_ids.picked = True
        picking._action_done()
        units = self.get_units(order).sorted('id')
        self.assertEqual(units.mapped('serial'), ['X-1', 'x 1'])
        self.assertEqual(units.mapped('state'), ['retired', 'active'])

    def test_queries_do_not_grow_with_the_pieces_of_a_line(self):
        counts = []
        for number in (3, 13):
            lots = self._stock_lots(self.by_serial, *(f'M-{number}-{n}' for n in range(number)))
            order = self.order((self.by_serial, number))
            order.action_create_aftersales_units()
            self.env.flush_all()
            self.env.invalidate_all()
            moves = order.order_line.move_ids
            with patch.object(type(moves), '_register_units', lambda moves: None):
                self.deliver(order, lots=lots)
            before = self.cr.sql_log_count
            moves._register_units()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - before)
            self.assertEqual(set(self.get_units(order).mapped('state')), {'active'})
        self.assertLessEqual(counts[1], counts[0])

    def _deliver_unregistered(self, number, tracking):
        """Deliver one piece each of products that are registered from now on."""
        products = self.env['product.product'].create(
            [
                {'name': f"Part {tracking} {number} {n}", 'is_storable': True, 'tracking': tracking}
                for n in range(number)
            ]
        )
        for product in products:
            if tracking == 'serial':
                self._stock_lots(product, f'{tracking}-{number}')
            else:
                self._stock(product, 1)
        order = self.order(*((product, 1) for product in products))
        self.deliver(order)
        self.assertFalse(self.get_units(order))
        products.aftersales_warranty_months = 12
        return order

    def _count_registering(self, order):
        """Return how many queries it takes to register what was delivered."""
        moves = order.order_line.move_ids
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.cr.sql_log_count
        moves._register_units()
        self.env.flush_all()
        queries = self.cr.sql_log_count - before
        self.assertEqual(len(self.get_units(order)), len(order.order_line))
        self.assertEqual(set(self.get_units(order).mapped('state')), {'active'})
        return queries

    def test_queries_do_not_grow_with_the_moves(self):
        """A delivery of many products asks as much as one of few."""
        for tracking in ('none', 'serial'):
            with self.subTest(tracking):
                counts = [
                    self._count_registering(self._deliver_unregistered(number, tracking))
                    - number  # each draws its number from the sequence
                    for number in (1, 3, 13)
                ]
                self.assertLessEqual(counts[2], counts[1])

    def test_queries_do_not_grow_with_pieces_registered_ahead(self):
        for tracking in ('none', 'serial'):
            with self.subTest(tracking):
                counts = []
                for number in (1, 3, 13):
                    order = self._deliver_unregistered(number, tracking)
                    self.env['aftersales.unit'].create(
                        [
                            {
                                **line._prepare_unit_vals(1),
                                'state': 'draft',
                                'date_delivered': False,
                            }
                            for line in order.order_line
                        ]
                    )
                    counts.append(self._count_registering(order))
                self.assertLessEqual(counts[2], counts[1])
