from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, new_test_user, tagged

from ..models.pos_order_line import REWARD_FIELDS
from .common import TillCommon


@tagged('post_install', '-at_install')
class TestTillRights(TillCommon):
    """A cashier without any right on loyalty sells, and can do nothing else to points."""

    def test_cashier_sells_and_refunds(self):
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card))
        self.refund(order, dict.fromkeys(order.lines, 1))
        self.assertEqual(card.points, 100)

    def test_cashier_opens_cards_and_programs(self):
        """The menus of the till lead to forms that this suite adds to."""
        card = self.create_card(points=100)
        self.assertEqual(Form(card.with_user(self.cashier)).code, card.code)
        self.cashier.group_ids += self.env.ref('point_of_sale.group_pos_manager')
        program = card.program_id
        with Form(program.with_user(self.cashier)) as form:
            form.name = "Club of the Till"
        self.assertEqual(program.name, "Club of the Till")

    def test_cashier_with_a_role_in_loyalty_serves_everybody(self):
        card = self.create_card(points=100)
        self.assertNotEqual(card.partner_id.user_id, self.cashier)
        self.cashier.group_ids += self.env.ref('crm_loyalty.group_own')
        mine = card.with_user(self.cashier)
        self.assertEqual((mine.points, len(mine.history_ids)), (100, 1))

    def test_cashier_changes_no_balance_in_secret(self):
        card = self.create_card(points=100)
        row = card.history_ids.with_user(self.cashier)
        with self.assertRaises(UserError):
            row.write({'issued': 500})
        order = self.sell()
        with self.assertRaises(AccessError):
            self.env['pos.order.loyalty.points'].with_user(self.cashier).create(
                {'order_id': order.id, 'coupon_id': card.id, 'points': 5}
            )

    def test_orders_bring_no_points_along(self):
        """Public pages of self-ordering create orders as superuser."""
        card = self.create_card(points=10)
        entry = Command.create({'coupon_id': card.id, 'points': 1000000})
        sale = self.prepare_sale([self.prepare_line(0)])
        order = self.send({**sale, 'loyalty_points_ids': [entry], 'loyalty_shortfall': 5})
        order.sudo().write({'loyalty_points_ids': [entry]})
        order._loyalty_true_up()
        self.assertEqual((card.points, order.loyalty_shortfall), (10, 0))
        with self.assertRaises(AccessError):
            self.env['pos.order.loyalty.points'].sudo().create(
                {'order_id': order.id, 'coupon_id': card.id, 'points': 5}
            )

    def test_who_orders_by_himself_spends_no_points_of_a_name(self):
        card = self.create_card(points=100)
        sale = self.prepare_sale([self.prepare_line(), self.prepare_reward(card)])
        order = self.order_by_phone(sale)
        self.assertEqual(order.loyalty_exception, 'member')
        self.assertFalse(card.history_ids.filtered(lambda row: row.kind == 'burn'))

    def test_who_orders_by_himself_and_pays_at_the_counter(self):
        """The cashier picked the member, and gave the reward."""
        card = self.create_card(points=100)
        goods = self.prepare_line()
        sale = self.prepare_sale([goods], state='draft', partner=False)
        order = self.order_by_phone({**sale, 'payment_ids': []})
        sale = self.prepare_sale([goods, self.prepare_reward(card)], uuid=sale['uuid'])
        self.send({**sale, 'lines': sale['lines'][1:], 'source': 'mobile'})
        self.assertEqual((order.state, order.source), ('paid', 'mobile'))
        self.assertEqual(self.get_kinds(card)[1:], [('earn', 100), ('burn', -100)])
        self.assertFalse(order.loyalty_exception)

    def test_cost_of_a_paid_reward_stays(self):
        """Neither taken off, nor moved away, nor refunded without the money."""
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card))
        other = self.sell(partner=False)
        lines = order.lines.with_user(self.cashier)
        line = lines.filtered('points_cost')
        for values in (
            {'points_cost': 0, 'coupon_id': False},
            {'order_id': other.id},
            {'refunded_orderline_id': other.lines.id},
            {'qty': -1, 'price_unit': 0, 'price_subtotal': 5, 'price_subtotal_incl': 5},
        ):
            line.write(values)
        (lines - line).write({'price_subtotal': 9000, 'price_subtotal_incl': 9000, 'qty': 90})
        (lines - line).write({'refunded_orderline_id': line.id})
        self.create_line(order, refunded_orderline_id=line.id, qty=-1, price_subtotal_incl=10)
        order._loyalty_true_up()
        self.assertEqual((line.points_cost, line.coupon_id, line.order_id), (100, card, order))
        self.assertEqual(card.points, 120)

    def create_line(self, order, **values):
        line = self.prepare_line(**values)[2]
        return (
            self.env['pos.order.line']
            .with_user(self.cashier)
            .create({**line, 'order_id': order.id})
        )

    def test_no_rewards_on_paid_orders(self):
        """Neither for points from nothing nor for those of somebody else."""
        card = self.create_card(points=100)
        other = self.create_card(self.create_partner("Other"), points=100)
        order = self.sell()
        for owner, cost in ((card, -1000), (other, 50)):
            values = self.prepare_reward(owner, cost=cost)[2]
            self.create_line(order, **{name: values[name] for name in REWARD_FIELDS})
            draft = self.send(
                self.prepare_sale([self.prepare_reward(owner, cost=cost)], state='draft')
            )
            draft.lines.with_user(self.cashier).order_id = order
        order._loyalty_true_up()
        self.assertEqual((card.points, other.points), (200, 100))

    def test_no_points_of_orders_nobody_paid(self):
        other = self.create_card(self.create_partner("Other"), points=100)
        order = self.send(self.prepare_sale([self.prepare_reward(other)], state='draft'))
        order.with_user(self.cashier).state = 'paid'
        order._loyalty_true_up()
        self.assertEqual(other.points, 100)

    def test_rewards_below_zero(self):
        """Points from nothing, whatever a changed till sends."""
        card = self.create_card(points=100)
        gift = self.reward.copy(
            {'reward_type': 'product', 'reward_product_id': self.goods.id, 'required_points': 100}
        )
        by_point = self.reward.copy(
            {'discount_mode': 'per_point', 'discount': 0.1, 'required_points': 1}
        )
        for lines in (
            [self.prepare_reward(card, 0, -500, gift, -5)],
            [self.prepare_reward(card, -10, -100, by_point)],
        ):
            order = self.sell(*lines)
            self.assertEqual(order.loyalty_exception, 'cost')
            self.assertEqual(card.points, 100)
        # one reward in two parts, of which one is worth nothing
        parts = [self.prepare_reward(card, qty * 10, qty * 100, gift, qty) for qty in (1, -1)]
        for part in parts:
            part[2].update(reward_identifier_code='same')
        parts[1][2].update(price_unit=0, price_subtotal=0, price_subtotal_incl=0)
        self.sell(self.prepare_line(10), *parts)
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -100))

    def test_cashier_does_not_settle_old_orders(self):
        order = self.sell()
        order._settling().loyalty_exception = 'failed'
        with self.assertRaises(AccessError):
            order.with_user(self.cashier).action_settle_points()

    def test_claims_of_others(self):
        """Calls by hand post nothing."""
        order = self.sell()
        card = self.create_card(self.create_partner("Other"), points=10)
        self.claim(order, card.id, 5000)
        self.assertEqual(card.points, 10)
        self.assertEqual(self.get_card().points, 100)

    def test_statement_names_the_order(self):
        order = self.sell()
        card = self.get_card()
        [movement] = card.get_statement()['movements']
        self.assertEqual(movement['document']['name'], order.display_name)

    def test_loyalty_administrator_sees_the_tills_of_a_program(self):
        """Core shows them in every program, and lets nobody read them but those who sell there."""
        manager = new_test_user(self.env, 'loyalty-manager', 'crm_loyalty.group_manager')
        self.program.pos_config_ids = self.till
        specification = {'name': {}, 'pos_config_ids': {'fields': {'display_name': {}}}}
        [shown] = self.program.with_user(manager).web_read(specification)
        self.assertEqual(shown['pos_config_ids'][0]['display_name'], self.till.display_name)

    def test_exceptions_are_closed_by_administrators(self):
        order = self.sell(self.prepare_line(), self.prepare_reward(), partner=False)
        self.assertTrue(order.loyalty_exception_open)
        self.assertIn(self.reward.description, order.loyalty_exception_text)
        with self.assertRaises(AccessError):
            order.with_user(self.cashier).action_close_exception()
        order.with_user(self.cashier).write({'loyalty_exception_open': False})
        self.assertTrue(order.loyalty_exception_open)
        self.cashier.group_ids += self.env.ref('point_of_sale.group_pos_manager')
        order.with_user(self.cashier).action_close_exception()
        self.assertFalse(order.loyalty_exception_open)
        self.assertEqual(order.loyalty_exception, 'member')
