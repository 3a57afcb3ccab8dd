from odoo.fields import Command
from odoo.tests import tagged

from .common import TillCommon


@tagged('post_install', '-at_install')
class TestTillRedeeming(TillCommon):
    """What rewards take at the till, and what if the points are not there."""

    def test_earned_and_redeemed_are_rows_of_their_own(self):
        """Core enters the difference: 10 won."""
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card))
        self.assertEqual(self.get_kinds(card), [('opening', 100), ('earn', 120), ('burn', -100)])
        self.assertEqual(card.points, 120)
        self.assertFalse(order.loyalty_exception)
        self.claim(order, card.id, 20)
        self.assertEqual(card.points, 120)
        self.assertEqual(self.answer['loyalty_points'][0]['spent'], 100)
        self.assert_balanced(card)

    def test_reward_for_less_than_it_costs(self):
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(), self.prepare_reward(card, cost=1))
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -100))
        self.assertEqual(order.loyalty_exception, 'cost')
        self.assertEqual(order.lines.filtered('reward_id').points_cost, 100)

    def test_reward_by_the_point(self):
        self.reward.write({'discount_mode': 'per_point', 'discount': 0.1, 'required_points': 1})
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(50), self.prepare_reward(card, 5.55, 55.5))
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -55.5))
        self.assertFalse(order.loyalty_exception)
        order = self.sell(self.prepare_line(50), self.prepare_reward(card, 5, 1))
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -50))
        self.assertEqual(order.loyalty_exception, 'cost')

    def test_reward_over_two_taxes(self):
        """One reward, a line for each tax; the first has the cost."""
        card = self.create_card(points=100)
        first = self.prepare_reward(card, 6)
        second = self.prepare_reward(card, 4, 0)
        second[2]['reward_identifier_code'] = first[2]['reward_identifier_code']
        order = self.sell(self.prepare_line(), first, second)
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -100))
        self.assertFalse(order.loyalty_exception)

    def test_reward_with_the_first_order(self):
        """The card of a new member is one the till made: the line names none."""
        order = self.sell(self.prepare_line(120), self.prepare_reward())
        card = self.get_card()
        self.assertEqual(order.lines.filtered('reward_id').coupon_id, card)
        self.assertEqual(card.points, 20)
        self.assertFalse(order.loyalty_exception)

    def test_points_of_another_member(self):
        other = self.create_card(self.create_partner("Other"), points=500)
        card = self.create_card(points=100)
        self.sell(self.prepare_line(), self.prepare_reward(other))
        self.assertEqual((other.points, card.points), (500, 100))
        order = self.sell(self.prepare_line(), self.prepare_reward(other), partner=False)
        self.assertEqual(other.points, 500)
        self.assertEqual(order.loyalty_exception, 'member')

    def test_v10_two_tills_redeem_the_same_points(self):
        """Both orders are paid; the second one's points are a debt that is seen."""
        self.program.redeem_earned = False
        card = self.create_card(points=100)
        first = self.sell(self.prepare_line(50), self.prepare_reward(card))
        second = self.sell(self.prepare_line(50), self.prepare_reward(card))
        self.assertFalse(first.loyalty_exception)
        self.assertEqual((second.state, second.loyalty_exception), ('paid', 'shortfall'))
        self.assertEqual(second.loyalty_shortfall, 50)
        self.assertEqual(card.points, 0)
        self.assert_balanced(card)

    def test_debt_of_a_till_order(self):
        card = self.create_card(points=30)
        order = self.sell(self.prepare_line(20), self.prepare_reward(card))
        self.assertEqual((card.points, card.points_debt), (-50, 50))
        self.assertEqual(order.loyalty_shortfall, 50)
        self.assertIn("50", order.message_ids[0].body)

    def test_debt_that_is_written_off(self):
        self.program.negative_policy = 'floor'
        card = self.create_card(points=30)
        self.sell(self.prepare_line(20), self.prepare_reward(card))
        self.assertEqual(card.points, 0)
        self.assertEqual(self.get_kinds(card)[-1], ('loss', 50))

    def test_limits_of_the_program(self):
        self.program.redeem_max_percent = 5
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(), self.prepare_reward(card))
        self.assertEqual(order.loyalty_exception, 'limits')
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -100))
        self.program.write({'redeem_max_percent': 100, 'redeem_minimum_amount': 500})
        order = self.sell(self.prepare_line(), self.prepare_reward(card))
        self.assertEqual(order.loyalty_exception, 'limits')

    def test_ewallet_has_gross_rows(self):
        wallet_program = self.env['loyalty.program'].create(
            {
                'name': "eWallet",
                'program_type': 'ewallet',
                'trigger': 'auto',
                'applies_on': 'future',
                'rule_ids': [Command.create({'reward_point_mode': 'money'})],
                'reward_ids': [Command.create({'discount_mode': 'per_point', 'discount': 1})],
            }
        )
        wallet = self.create_card(points=80, program=wallet_program)
        order = self.sell(
            self.prepare_line(50),
            self.prepare_reward(wallet, 30, 30, wallet_program.reward_ids),
        )
        self.claim(order, wallet.id, 20, wallet_program)
        self.assertEqual(wallet.points, 100)
        row = wallet.history_ids.filtered('order_id')
        self.assertEqual((row.issued, row.used), (50, 30))
