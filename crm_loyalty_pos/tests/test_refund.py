from odoo.fields import Command
from odoo.tests import tagged

from .common import TillCommon


@tagged('post_install', '-at_install')
class TestTillRefund(TillCommon):
    """Refunds take back what the order gave, at its rate; core takes nothing."""

    def test_v3_refunded_one_by_one(self):
        self.program.rule_ids.write({'reward_point_mode': 'order', 'reward_point_amount': 100})
        order = self.sell(self.prepare_line(33.33, 3))
        card = self.get_card()
        balances = []
        for _piece in range(3):
            self.refund(order, {order.lines: 1})
            balances.append(card.points)
        self.assertEqual(balances, [66.66, 33.33, 0])
        self.assertEqual(
            self.get_kinds(card),
            [('earn', 100), ('unearn', -33.34), ('unearn', -33.33), ('unearn', -33.33)],
        )
        self.assert_balanced(card)

    def test_original_rate(self):
        order = self.sell()
        self.program.rule_ids.reward_point_amount = 3
        self.refund(order, {order.lines: 1})
        self.assertEqual(self.get_card().points, 0)

    def test_v8_refund_after_the_points_were_spent(self):
        order = self.sell()
        card = self.get_card()
        self.sell(self.prepare_line(5), self.prepare_reward(card, 5))
        self.assertEqual(card.points, 5)
        self.refund(order, {order.lines: 1})
        self.assertEqual((card.points, card.points_debt), (-95, 95))
        self.assert_balanced(card)

    def test_reward_that_is_refunded(self):
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card))
        goods, reward = order.lines.sorted(lambda line: line.reward_id.id or 0)
        self.refund(order, {goods: 1, reward: 1})
        self.assertEqual(card.points, 100)
        self.assertEqual(
            self.get_kinds(card)[1:],
            [('earn', 120), ('burn', -100), ('unearn', -120), ('unburn', 100)],
        )
        self.assert_balanced(card)

    def test_reward_refunded_as_a_till_sends_it(self):
        """It names no reward, and amounts have the sign of the sale."""
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card))
        back = [
            self.prepare_line(line.price_unit, -1, line.product_id, refunded_orderline_id=line.id)
            for line in order.lines
        ]
        sale = self.prepare_sale(back, is_refund=True)
        for _command, _id, line in sale['lines']:
            line['price_subtotal'] *= -1
            line['price_subtotal_incl'] *= -1
        self.send(sale)
        self.assertEqual(self.get_kinds(card)[-1], ('unburn', 100))
        self.assert_balanced(card)

    def test_reward_that_is_refunded_in_part(self):
        self.reward.write({'reward_type': 'product', 'reward_product_id': self.goods.id})
        card = self.create_card(points=200)
        order = self.sell(
            self.prepare_line(33.33, 2),
            self.prepare_reward(card, 66.66, 200, qty=2),
        )
        reward = order.lines.filtered('reward_id')
        self.refund(order, {reward: 1})
        self.assertEqual(self.get_kinds(card)[-1], ('unburn', 100))

    def test_exchange_earns_for_what_is_new(self):
        order = self.sell()
        card = self.get_card()
        back = self.prepare_line(100, -1, refunded_orderline_id=order.lines.id)
        self.sell(back, self.prepare_line(150))
        self.assertEqual(card.points, 150)

    def test_reward_credited_by_the_accountants(self):
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card), to_invoice=True)
        self.assertEqual(card.points, 120)
        credit = order.account_move._reverse_moves()
        credit.action_post()
        self.assertEqual(card.points, 100)
        self.assertEqual(self.get_kinds(card)[-1], ('unburn', 100))
        self.refund(order, {order.lines.filtered('reward_id'): 1})
        self.assertEqual(self.get_kinds(card)[-1], ('unburn', 100))
        self.assert_balanced(card)

    def test_credited_goods_keep_the_reward_redeemed(self):
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card), to_invoice=True)
        credit = order.account_move._reverse_moves()
        goods, reward = credit.invoice_line_ids.sorted('price_unit', reverse=True)
        reward.unlink()
        goods.price_unit = 12
        credit.action_post()
        self.assertNotIn('unburn', card.history_ids.mapped('kind'))

    def test_reward_credited_in_part(self):
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card), to_invoice=True)
        credit = order.account_move._reverse_moves()
        goods, reward = credit.invoice_line_ids.sorted('price_unit', reverse=True)
        goods.price_unit = 60
        reward.price_unit = -5
        credit.action_post()
        self.assertEqual(self.get_kinds(card)[-1], ('unburn', 50))
        self.assert_balanced(card)

    def test_refund_from_the_back_end(self):
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card))
        refund = self.env['pos.order'].browse(order.refund()['res_id'])
        self.assertEqual(card.points, 120)
        payment = self.env['pos.make.payment'].with_context(active_id=refund.id)
        payment.create({'payment_method_id': self.method.id}).check()
        self.assertEqual(refund.state, 'paid')
        self.assertEqual(card.points, 100)

    def test_refund_sent_twice_is_once(self):
        order = self.sell()
        sale = self.prepare_sale(
            [self.prepare_line(100, -1, refunded_orderline_id=order.lines.id)], is_refund=True
        )
        self.send(sale)
        self.send(sale)
        self.assertEqual(self.get_kinds(self.get_card()), [('earn', 100), ('unearn', -100)])

    def test_order_of_before(self):
        """The till posted the difference by itself, when the ledger had no part in it."""
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(150), self.prepare_reward(card), partner=False)
        order.write({'loyalty_exception': False, 'partner_id': self.member.id})
        lines = order.lines.filtered('reward_id')
        lines.write({'points_cost': 100, 'coupon_id': card.id})
        card.points += 50
        self.env['loyalty.history'].create(
            {
                'card_id': card.id,
                'order_model': 'pos.order',
                'order_id': order.id,
                'description': "Onsite",
                'issued': 50,
            }
        )
        self.assertEqual(self.get_kinds(card), [('opening', 100), ('earn', 50)])
        goods = order.lines - lines
        self.refund(order, {goods: 1, lines: 1})
        self.assertEqual(card.points, 100)
        self.assert_balanced(card)

    def test_merged_member(self):
        order = self.sell()
        card = self.get_card()
        twin = self.create_partner("Wang")
        self.create_card(twin, points=10)
        self.env['base.partner.merge.automatic.wizard'].create({})._merge(
            (self.member | twin).ids, twin
        )
        survivor = self.get_card(twin)
        self.assertEqual(survivor.points, 110)
        self.assertFalse(card.exists().active)
        self.refund(order, {order.lines: 1}, partner=twin)
        self.assertEqual(survivor.points, 10)
        self.assert_balanced(survivor)

    def test_shipped_later(self):
        self.program.earn_on = 'delivered'
        self.goods.is_storable = True
        order = self.sell(
            self.prepare_line(33.33, 3),
            shipping_date=self.env['loyalty.program']._fields['date_to'].today(),
        )
        card = self.get_card()
        self.assertEqual(card.points, 0)
        picking = order.picking_ids
        picking.move_ids.quantity = 2
        picking.move_ids.picked = True
        picking.with_context(cancel_backorder=False)._action_done()
        self.assertEqual(card.points, 66.66)

    def test_refunded_before_it_is_shipped(self):
        """One of two pieces goes back before it left, the other one is kept."""
        self.program.earn_on = 'delivered'
        self.goods.is_storable = True
        order = self.sell(
            self.prepare_line(33.33, 2),
            shipping_date=self.env['loyalty.program']._fields['date_to'].today(),
        )
        card = self.get_card()
        self.refund(order, {order.lines: 1})
        self.assertEqual(card.points, 0)
        picking = order.picking_ids.filtered(lambda picking: picking.state != 'done')[:1]
        picking.move_ids.quantity = 1
        picking.move_ids.picked = True
        picking.with_context(cancel_backorder=False)._action_done()
        self.assertEqual(card.points, 33.33)
        self.refund(order, {order.lines: 1})
        self.assertEqual(card.points, 0)

    def test_program_without_money(self):
        self.program.rule_ids = [
            Command.clear(),
            Command.create({'reward_point_mode': 'unit', 'reward_point_amount': 5}),
        ]
        order = self.sell(self.prepare_line(10, 4))
        self.refund(order, {order.lines: 1})
        self.assertEqual(self.get_card().points, 15)
