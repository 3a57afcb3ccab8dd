from datetime import date

from freezegun import freeze_time

from odoo.tests import tagged

from .common import DeliveryCase

DELIVERED = '2026-03-02 10:00:00'
EXCHANGED = '2026-09-02 10:00:00'


@tagged('post_install', '-at_install')
class TestExchange(DeliveryCase):
    """Core's *Return for Exchange*: a swap does not begin the warranty anew."""

    def _ask_for_exchange(self, picking, exchanged=1):
        """Return the picking of the return."""
        action = self.start_return(picking, exchanged).action_create_exchanges()
        return self.env['stock.picking'].browse(action['res_id'])

    def _deliver_and_ask(self, product, quantity=1, lots=(), exchanged=1):
        """Deliver, and ask for a return with exchange.

        :return: order, picking of the return
        """
        order = self.order((product, quantity))
        with freeze_time(DELIVERED):
            picking = self.deliver(order, lots=lots)
        return order, self._ask_for_exchange(picking, exchanged)

    def _finish(self, picking, lots=()):
        if lots:
            self.set_lots(picking.move_ids, lots)
        picking.move_ids.picked = True
        with freeze_time(EXCHANGED):
            picking._action_done()

    def _get_exchange(self, order):
        outgoing = order.picking_ids.filtered(lambda each: each.picking_type_code == 'outgoing')
        return outgoing.filtered(lambda each: each.state not in ('done', 'cancel'))

    def _check_swapped(self, order):
        old, new = self.env['aftersales.unit'].search(
            [('sale_order_id', '=', order.id)], order='id'
        )
        self.assertEqual((old.state, new.state), ('retired', 'active'))
        self.assertEqual(old.replaced_by_id, new)
        self.assertEqual(new.warranty_end, date(2028, 3, 1), "not anew")
        self.assertEqual(new.date_delivered, date(2026, 9, 2))
        self.assertEqual(order.order_line.qty_delivered, 1)
        self.assertFalse(order.aftersales_has_missing_units)

    def test_back_first(self):
        order, returned = self._deliver_and_ask(self.by_serial, lots=self.serials[0])
        self._finish(returned, self.serials[0])
        old = self.get_units(order)
        self.assertEqual((old.state, old.warranty_end), ('in_service', date(2028, 3, 1)))
        self._finish(self._get_exchange(order), self.serials[1])
        self._check_swapped(order)

    def test_given_first(self):
        order, returned = self._deliver_and_ask(self.by_serial, lots=self.serials[0])
        self._finish(self._get_exchange(order), self.serials[1])
        self.assertEqual(self.get_units(order).mapped('state'), ['active', 'active'])
        self._finish(returned, self.serials[0])
        self._check_swapped(order)

    def test_without_number(self):
        """Which of the pieces it was nobody can tell: the product goes on as it is."""
        order, returned = self._deliver_and_ask(self.plain)
        self._finish(returned)
        self._finish(self._get_exchange(order))
        (unit,) = self.get_units(order)
        self.assertEqual((unit.state, unit.warranty_end), ('active', date(2027, 3, 1)))

    def test_without_number_and_given_first(self):
        order, returned = self._deliver_and_ask(self.plain)
        self._finish(self._get_exchange(order))
        self._finish(returned)
        units = self.get_units(order)
        self.assertEqual(sorted(units.mapped('state')), ['active', 'retired'])
        in_use = units.filtered(lambda unit: unit.state == 'active')
        self.assertEqual(in_use.warranty_end, date(2027, 3, 1))

    def test_in_two_steps(self):
        self.warehouse.delivery_steps = 'pick_ship'
        order = self.order((self.by_serial, 1))
        with freeze_time(DELIVERED):
            self.deliver(order, lots=self.serials[0])
            shipped = self.deliver(order, lots=self.serials[0])
        returned = self._ask_for_exchange(shipped)
        self._finish(returned, self.serials[0])
        for _step in ('pick', 'ship'):
            open_ones = order.picking_ids.filtered(lambda p: p.state not in ('done', 'cancel'))
            self._finish(open_ones, self.serials[1])
        self._check_swapped(order)

    def test_one_of_several(self):
        order, returned = self._deliver_and_ask(self.by_serial, 2, self.serials[:2])
        self._finish(returned, self.serials[1])
        self._finish(self._get_exchange(order), self.serials[2])
        units = self.get_units(order)
        self.assertEqual(units.mapped('serial'), ['S-1', 'S-2', 'S-3'])
        self.assertEqual(units.mapped('state'), ['active', 'retired', 'active'])
        self.assertEqual(units[1].replaced_by_id, units[2])

    def _get_backorder(self, picking):
        return self.env['stock.picking'].search([('backorder_id', '=', picking.id)])

    def _check_both_swapped(self, order):
        units = self.get_units(order)
        lots = self.serials[:2] | self.more_serials
        self.assertEqual(units.lot_id, lots)
        self.assertEqual(units.mapped('state'), ['retired', 'retired', 'active', 'active'])
        self.assertEqual(set(units[2:].mapped('warranty_end')), {date(2028, 3, 1)})

    def test_back_and_given_in_parts(self):
        self.more_serials = self._stock_lots(self.by_serial, 'S-8', 'S-9')
        order, returned = self._deliver_and_ask(self.by_serial, 2, self.serials[:2], exchanged=2)
        exchange = self._get_exchange(order)
        self._finish(returned, self.serials[0])
        self._finish(exchange, self.more_serials[0])
        self._finish(self._get_backorder(returned), self.serials[1])
        self.assertEqual(self.get_units(order)[1].state, 'in_service', "waits for the other one")
        self._finish(self._get_backorder(exchange), self.more_serials[1])
        self._check_both_swapped(order)

    def test_given_first_and_back_in_parts(self):
        self.more_serials = self._stock_lots(self.by_serial, 'S-8', 'S-9')
        order, returned = self._deliver_and_ask(self.by_serial, 2, self.serials[:2], exchanged=2)
        self._finish(self._get_exchange(order), self.more_serials)
        self._finish(returned, self.serials[0])
        self._finish(self._get_backorder(returned), self.serials[1])
        self._check_both_swapped(order)

    def test_a_copy_of_the_delivery_is_no_exchange(self):
        order, _returned = self._deliver_and_ask(self.by_serial, lots=self.serials[0])
        copy = self._get_exchange(order).copy()
        self.assertFalse(copy.move_ids.aftersales_exchange_of_id)

    def test_a_wrong_day_holds_no_delivery_up(self):
        order, returned = self._deliver_and_ask(self.by_serial, lots=self.serials[0])
        old = self.get_units(order)
        self._finish(returned, self.serials[0])
        old.date_delivered = '2027-03-02'
        self._finish(self._get_exchange(order), self.serials[1])
        self.assertEqual(self.get_units(order).mapped('state'), ['retired', 'active'])
        self.assertIn("after it was delivered", old.message_ids[0].body)

    def test_exchange_that_is_called_off(self):
        order, returned = self._deliver_and_ask(self.by_serial, lots=self.serials[0])
        self._finish(returned, self.serials[0])
        self._get_exchange(order).action_cancel()
        self.assertEqual(self.get_units(order).state, 'retired')
        self.assertEqual(self.get_units(order).warranty_state, 'none')

    def test_exchange_that_was_called_off_before(self):
        order, returned = self._deliver_and_ask(self.by_serial, lots=self.serials[0])
        self._get_exchange(order).action_cancel()
        self._finish(returned, self.serials[0])
        self.assertEqual(self.get_units(order).state, 'retired')

    def test_what_another_has_meanwhile_holds_no_delivery_up(self):
        order, returned = self._deliver_and_ask(self.by_serial, lots=self.serials[0])
        self._finish(returned, self.serials[0])
        self.get_units(order).partner_id = self.stranger
        self._finish(self._get_exchange(order), self.serials[1])
        old, new = self.get_units(order)
        self.assertEqual((old.state, new.state), ('retired', 'active'))
        self.assertFalse(old.replaced_by_id)

    def test_exchange_that_comes_back_is_a_return(self):
        order, returned = self._deliver_and_ask(self.by_serial, lots=self.serials[0])
        self._finish(returned, self.serials[0])
        exchange = self._get_exchange(order)
        self._finish(exchange, self.serials[1])
        self.send_back(exchange, lots=self.serials[1])
        self.assertEqual(self.get_units(order).mapped('state'), ['retired', 'retired'])

    def test_what_the_order_still_owes_is_no_exchange(self):
        order = self.order((self.by_serial, 2))
        with freeze_time(DELIVERED):
            first = self.deliver(order, lots=self.serials[0])
        self._ask_for_exchange(first)
        moves = self._get_exchange(order).move_ids
        self.assertEqual(moves.mapped('product_uom_qty'), [1, 1])
        self.assertEqual(len(moves.filtered('aftersales_exchange_of_id')), 1)
