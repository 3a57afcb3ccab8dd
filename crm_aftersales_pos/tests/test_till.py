from datetime import date
from uuid import uuid4

from freezegun import freeze_time

from odoo.fields import Command, Datetime
from odoo.tests import tagged

from odoo.addons.crm_aftersales.tests.common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestTill(AftersalesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.by_serial, cls.plain, cls.unregistered = cls.env['product.product'].create(
            [
                {
                    'name': name,
                    'is_storable': tracking != 'none',
                    'type': 'consu',
                    'tracking': tracking,
                    'aftersales_warranty_months': months,
                    'list_price': 100,
                    'taxes_id': False,
                    'available_in_pos': True,
                }
                for name, tracking, months in (
                    ("Drill", 'serial', 24),
                    ("Kettle", 'none', 12),
                    ("Screw", 'none', 0),
                )
            ]
        )
        journal = cls.env['account.journal'].search(
            [('type', '=', 'bank'), ('company_id', '=', cls.company.id)], limit=1
        )
        cls.method = cls.env['pos.payment.method'].create(
            {'name': "Card", 'journal_id': journal.id}
        )
        cls.till = cls.env['pos.config'].create(
            {'name': "Till", 'payment_method_ids': [Command.set(cls.method.ids)]}
        )
        cls.till.open_ui()
        cls.till.current_session_id.set_opening_control(0, None)
        cls.cashier = cls._create_user(
            'aftersales_cashier',
            # core makes lots with the rights of who sells them
            'base.group_user,point_of_sale.group_pos_user,stock.group_stock_user',
        )

    def prepare_line(self, product, qty=1, numbers=(), **values):
        return Command.create(
            {
                'uuid': str(uuid4()),
                'product_id': product.id,
                'qty': qty,
                'price_unit': 100,
                'price_subtotal': 100 * qty,
                'price_subtotal_incl': 100 * qty,
                'tax_ids': [Command.clear()],
                'pack_lot_ids': [Command.create({'lot_name': number}) for number in numbers],
                **values,
            }
        )

    def sell(self, *lines, partner=None, **values):
        """Send an order as the till does, as the cashier."""
        total = sum(line[2]['price_subtotal_incl'] for line in lines)
        sale = {
            'uuid': str(uuid4()),
            'access_token': str(uuid4()),
            'state': 'paid',
            'date_order': Datetime.to_string(Datetime.now()),
            'session_id': self.till.current_session_id.id,
            'partner_id': self.customer.id if partner is None else partner,
            'pricelist_id': self.till.pricelist_id.id,
            'lines': list(lines),
            'amount_total': total,
            'amount_tax': 0,
            'amount_paid': total,
            'amount_return': 0,
            'payment_ids': [
                Command.create(
                    {
                        'uuid': str(uuid4()),
                        'payment_method_id': self.method.id,
                        'amount': total,
                        'name': Datetime.to_string(Datetime.now()),
                    }
                )
            ],
            'last_order_preparation_change': '{}',
            'to_invoice': False,
            **values,
        }
        self.env['pos.order'].with_user(self.cashier).sync_from_ui([sale])
        return self.env['pos.order'].search([('uuid', '=', sale['uuid'])])

    def get_units(self, order):
        units = self.env['aftersales.unit'].search([('pos_order_id', '=', order.id)])
        return units.sorted('pos_line_position')

    def refund(self, order, qty=1, numbers=()):
        line = order.lines[0]
        return self.sell(
            self.prepare_line(line.product_id, -qty, numbers, refunded_orderline_id=line.id)
        )

    def test_one_number_scanned_twice(self):
        order = self.sell(
            self.prepare_line(self.by_serial, numbers=['D-1']),
            self.prepare_line(self.by_serial, numbers=['d1']),
        )
        self.assertEqual(order.state, 'paid')
        units = self.get_units(order)
        self.assertCountEqual(units.mapped('serial'), ['D-1', False])
        self.assertEqual(units.mapped('state'), ['active', 'active'])

    def test_sold_again_before_the_customer_was_known(self):
        """Two orders that get their customer together: the number is where it was sold last."""
        first = self.sell(self.prepare_line(self.by_serial, numbers=['D-1']), partner=False)
        self.refund(first, numbers=['D-1'])
        second = self.sell(self.prepare_line(self.by_serial, numbers=['D-1']), partner=False)
        (first | second).write({'partner_id': self.customer.id})
        self.assertEqual(self.get_units(first).state, 'retired')
        units = self.get_units(second)
        self.assertEqual((units.state, units.serial), ('active', 'D-1'))

    def test_number_of_dashes_is_no_number(self):
        other = self.env['aftersales.unit'].create(
            {'product_id': self.by_serial.id, 'partner_id': self.stranger.id, 'state': 'active'}
        )
        self.sell(self.prepare_line(self.by_serial, numbers=['--']))
        self.assertEqual(other.state, 'active')

    def test_queries_do_not_grow_with_the_lines(self):
        """An order of many products asks as much as one of few."""
        for tracking in ('none', 'serial'):
            with self.subTest(tracking):
                counts = []
                for number in (1, 3, 13):
                    products = self.env['product.product'].create(
                        [
                            {'name': f"Tool {n}", 'is_storable': True, 'tracking': tracking}
                            for n in range(number)
                        ]
                    )
                    order = self.sell(
                        *(
                            self.prepare_line(product, numbers=[f'{number}-{product.id}'])
                            for product in products
                        )
                    )
                    products.aftersales_warranty_months = 12
                    self.env.flush_all()
                    self.env.invalidate_all()
                    before = self.cr.sql_log_count
                    order._register_units()
                    self.env.flush_all()
                    # each draws its number from the sequence
                    counts.append(self.cr.sql_log_count - before - number)
                    self.assertEqual(len(self.get_units(order)), number)
                self.assertLessEqual(counts[2], counts[1])

    def test_pieces_with_their_serials(self):
        with freeze_time('2026-03-02 10:00:00'):
            order = self.sell(
                self.prepare_line(self.by_serial, 2, ('D-1', 'D-2')),
                self.prepare_line(self.unregistered, 3),
            )
        units = self.get_units(order)
        self.assertEqual(units.mapped('serial'), ['D-1', 'D-2'])
        self.assertEqual(units.partner_id, self.customer)
        self.assertEqual(units.mapped('date_delivered'), [date(2026, 3, 2)] * 2)
        self.assertEqual(set(units.mapped('state')), {'active'})
        self.assertEqual(units.mapped('warranty_end'), [date(2028, 3, 1)] * 2)
        self.assertEqual(order.with_user(self.user_manager).sudo().aftersales_unit_count, 2)

    def test_nobody_known_nothing_registered(self):
        order = self.sell(self.prepare_line(self.plain, 2), partner=False)
        self.assertFalse(self.get_units(order))
        order.partner_id = self.customer
        self.assertEqual(len(self.get_units(order)), 2)

    def test_another_customer(self):
        order = self.sell(self.prepare_line(self.plain, 2))
        units = self.get_units(order)
        resold = units[1]
        resold._transfer(self.customer_company)
        resold._transfer(self.env['res.partner'].create({'name': "Buyer"}))
        order.partner_id = self.stranger
        self.assertEqual(units[0].partner_id, self.stranger)
        self.assertEqual(units[0].owner_ids.partner_id, self.stranger, "corrected on the day")
        self.assertEqual(resold.partner_id.name, "Buyer")
        self.assertEqual(self.get_units(order), units)

    def test_another_customer_has_the_warranty(self):
        self.plain.aftersales_warranty_policy_id = self.env['aftersales.warranty.policy'].create(
            {'name': "Till", 'months': 12, 'transferable': False}
        )
        with freeze_time('2026-03-02 10:00:00'):
            order = self.sell(self.prepare_line(self.plain))
        with freeze_time('2026-03-05 10:00:00'):
            order.partner_id = self.stranger
        unit = self.get_units(order)
        self.assertEqual(
            (unit.owner_ids.partner_id, unit.owner_ids.date_from), (self.stranger, date(2026, 3, 2))
        )
        self.assertEqual(unit.warranty_end, date(2027, 3, 1))

    def test_registered_once(self):
        order = self.sell(self.prepare_line(self.plain, 2))
        order._register_units()
        order.partner_id = self.customer
        self.assertEqual(len(self.get_units(order)), 2)

    def test_day_is_local(self):
        self.customer.customer_tz_choice = 'Asia/Shanghai'
        with freeze_time('2026-03-02 20:00:00'):
            order = self.sell(self.prepare_line(self.plain))
        self.assertEqual(self.get_units(order).date_delivered, date(2026, 3, 3))

    def test_a_refund_takes_back_what_was_scanned(self):
        order = self.sell(self.prepare_line(self.by_serial, 2, ('D-1', 'D-2')))
        units = self.get_units(order)
        refund = self.refund(order, numbers=('d 2',))
        self.assertEqual(units.mapped('state'), ['active', 'retired'])
        self.assertEqual(units[1].warranty_state, 'none')
        refund._register_units()
        self.assertEqual(units[0].state, 'active', "taken back once")

    def test_a_refund_leads_to_what_it_took_back(self):
        sale = self.sell(self.prepare_line(self.by_serial, 2, ('D-1', 'D-2')))
        refund = self.refund(sale, numbers=('D-2',))
        orders = (sale | refund).with_user(self.user_manager).sudo()
        self.assertEqual(orders.mapped('aftersales_unit_count'), [2, 1])
        domain = refund.action_view_aftersales_units()['domain']
        self.assertEqual(self.env['aftersales.unit'].search(domain).mapped('serial'), ['D-2'])

    def test_a_refund_of_goods_without_number(self):
        order = self.sell(self.prepare_line(self.plain, 3))
        self.refund(order, 2)
        states = self.get_units(order).mapped('state')
        self.assertEqual(sorted(states), ['active', 'retired', 'retired'])

    def test_sold_again(self):
        order = self.sell(self.prepare_line(self.by_serial, 1, ('D-1',)))
        again = self.sell(self.prepare_line(self.by_serial, 1, ('D-1',)), partner=self.stranger.id)
        self.assertEqual(self.get_units(order).state, 'retired')
        self.assertEqual(self.get_units(again).partner_id, self.stranger)

    def test_shipped_later(self):
        self.till.ship_later = True
        with freeze_time('2026-03-02 10:00:00'):
            order = self.sell(self.prepare_line(self.plain, 1), shipping_date='2026-03-09')
        unit = self.get_units(order)
        self.assertEqual((unit.state, unit.date_delivered), ('draft', False))
        with freeze_time('2026-03-10 10:00:00'):
            picking = order.picking_ids
            picking.move_ids.quantity = 1
            picking.move_ids.picked = True
            picking._action_done()
        self.assertEqual((unit.state, unit.date_delivered), ('active', date(2026, 3, 10)))

    def test_invoiced_at_the_till(self):
        with freeze_time('2026-03-02 10:00:00'):
            order = self.sell(self.prepare_line(self.plain), to_invoice=True)
        self.assertEqual(order.account_move.state, 'posted')
        self.assertEqual(self.get_units(order).date_invoiced, date(2026, 3, 2))

    def test_a_settled_order_hands_its_pieces_over(self):
        if 'sale_order_line_id' not in self.env['pos.order.line']._fields:
            self.skipTest("pos_sale is not installed")
        sale = self.env['sale.order'].create(
            {
                'partner_id': self.customer.id,
                'order_line': [Command.create({'product_id': self.plain.id, 'product_uom_qty': 2})],
            }
        )
        sale.action_confirm()
        sale.action_create_aftersales_units()
        units = sale.order_line.aftersales_unit_ids
        self.assertEqual(set(units.mapped('state')), {'draft'})
        order = self.sell(
            self.prepare_line(
                self.plain,
                2,
                sale_order_line_id=sale.order_line.id,
                sale_order_origin_id=sale.id,
            )
        )
        self.assertEqual(self.get_units(order), units.sorted('pos_line_position'))
        self.assertEqual(set(units.mapped('state')), {'active'})
        self.assertFalse(sale.aftersales_has_missing_units)
