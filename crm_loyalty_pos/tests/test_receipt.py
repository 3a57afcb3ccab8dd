from odoo.fields import Command
from odoo.tests import tagged

from .common import TillCommon


@tagged('post_install', '-at_install')
class TestTillReceipt(TillCommon):
    """What a till sends along, and what it is told for the receipt."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program.redeem_earned = False
        cls.rule = cls.env['loyalty.rule'].create(
            {
                'program_id': cls.program.id,
                'mode': 'with_code',
                'code': 'kettle-day',
                'reward_point_mode': 'order',
                'reward_point_amount': 50,
            }
        )

    def test_code_gives_points(self):
        order = self.sell(loyalty_rule_ids=[Command.link(self.rule.id)])
        self.assertEqual(order.loyalty_points[0]['won'], 150)
        self.assertEqual(self.sell().loyalty_points[0]['won'], 100)

    def test_no_codes_where_nobody_asks_for_them(self):
        sale = self.prepare_sale(
            [self.prepare_line()], loyalty_rule_ids=[Command.link(self.rule.id)]
        )
        order = self.order_by_phone(sale)
        self.assertEqual(order.loyalty_points[0]['won'], 100)

    def sell_to_members(self, number, **values):
        """Sell, with a reward, to so many members, and refund the goods; return all orders."""
        orders = self.env['pos.order']
        for index in range(number):
            partner = self.create_partner(f"Member {index}")
            card = self.create_card(partner, points=100)
            lines = self.prepare_line(50, 2), self.prepare_reward(card)
            order = self.sell(*lines, partner=partner, **values)
            goods = order.lines.filtered(lambda line: line.qty == 2)
            orders |= order | self.refund(order, {goods: 1})
        return orders

    def test_many_orders(self):
        """How often the database is asked does not grow with the orders a till loads."""
        for to_invoice in (False, True):
            counts = []
            for number in (1, 2, 5):
                orders = self.sell_to_members(number, to_invoice=to_invoice)
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                orders.with_user(self.cashier).mapped('loyalty_points')
                counts.append(self.env.cr.sql_log_count - before)
            with self.subTest(to_invoice=to_invoice):
                self.assertEqual(counts[1], counts[2])

    def test_refund(self):
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(50, 2), self.prepare_reward(card))
        reward = order.lines.filtered('reward_id')
        self.assertEqual(card.points, 100)
        refund = self.refund(order, {order.lines - reward: 1})
        [stat] = refund.loyalty_points
        self.assertEqual((stat['taken_back'], stat['given_back'], stat['balance']), (50, 0, 50))
        refund = self.refund(order, {order.lines - reward: 1, reward: 1})
        [stat] = refund.loyalty_points
        self.assertEqual((stat['won'], stat['spent']), (0, 0))
        self.assertEqual((stat['taken_back'], stat['given_back'], stat['balance']), (50, 100, 100))
        self.assertNotIn('taken_back', order.loyalty_points[0])

    def test_refund_of_points_that_are_not_released(self):
        self.program.release_delay_days = 7
        order = self.sell()
        self.assertEqual(order.loyalty_points[0]['won'], 100)
        refund = self.refund(order, {order.lines: 1})
        self.assertEqual(refund.loyalty_points[0]['taken_back'], 100)

    def test_refund_and_exchange(self):
        order = self.sell()
        back = self.prepare_line(qty=-1, refunded_orderline_id=order.lines.id)
        [stat] = self.sell(back, self.prepare_line(150)).loyalty_points
        self.assertEqual((stat['won'], stat['taken_back'], stat['balance']), (150, 100, 150))

    def test_refund_after_a_merge(self):
        order = self.sell()
        refund = self.refund(order, {order.lines: 1})
        survivor = self.create_partner("Twin")
        self.create_card(survivor, points=10)
        self.env['base.partner.merge.automatic.wizard'].create({})._merge(
            (self.member | survivor).ids, survivor
        )
        refund.invalidate_recordset()
        [stat] = refund.loyalty_points
        self.assertEqual((stat['taken_back'], stat['balance']), (100, 10))

    def test_no_till_says_what_a_refund_took_back(self):
        order = self.sell(loyalty_returned={'1': [5, 5]})
        self.assertFalse(order.loyalty_returned)
