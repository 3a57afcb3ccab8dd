from datetime import timedelta
from uuid import uuid4

from freezegun import freeze_time

from odoo.fields import Command, Datetime
from odoo.tests import tagged

from odoo.addons.crm_loyalty.models.loyalty_card_ledger import Movement

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

    def test_wallet_that_is_cleared(self):
        """All that is free is taken, whatever the till says, and at least what it is worth."""
        self.program.redeem_earned = False
        self.reward.write({'clear_wallet': True, 'required_points': 10})
        card = self.create_card(points=150)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card, cost=10))
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -150))
        self.assertEqual((card.points, order.loyalty_exception), (120, 'cost'))
        order = self.sell(self.prepare_line(120), self.prepare_reward(card, cost=120))
        self.assertEqual((card.points, order.loyalty_exception), (120, False))
        self.reward.write({'discount_mode': 'per_point', 'discount': 1, 'required_points': 1})
        order = self.sell(self.prepare_line(500), self.prepare_reward(card, 200, 1))
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -200))
        self.assertEqual((order.loyalty_exception, order.loyalty_shortfall), ('shortfall', 80))

    def test_wallet_cleared_with_what_the_order_gives(self):
        self.reward.clear_wallet = True
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card, cost=220))
        self.assertEqual(self.get_kinds(card)[1:], [('earn', 120), ('burn', -220)])
        self.assertEqual((card.points, order.loyalty_exception), (0, False))

    def test_wallet_cleared_beside_another_reward(self):
        self.program.redeem_earned = False
        clearing = self.reward.copy({'clear_wallet': True, 'required_points': 10})
        card = self.create_card(points=150)
        self.hold(card, 150, sale_uuid := str(uuid4()))
        self.sell(
            self.prepare_line(120),
            self.prepare_reward(card, cost=10, reward=clearing),
            self.prepare_reward(card),
            uuid=sale_uuid,
        )
        self.assertEqual(self.get_kinds(card)[1:], [('earn', 120), ('burn', -150)])
        self.assertFalse(card.hold_ids)

    def test_wallet_cleared_long_ago(self):
        """What came in after an order that is sent late was not there to be taken."""
        self.program.redeem_earned = False
        self.reward.clear_wallet = True
        self.till.current_session_id.start_at = Datetime.now() - timedelta(days=9)
        with freeze_time(Datetime.now() - timedelta(days=8)):
            card = self.create_card(points=150)
        self.sell(self.prepare_line(500))
        order = self.sell(
            self.prepare_line(),
            self.prepare_reward(card, cost=150),
            date_order=Datetime.to_string(Datetime.now() - timedelta(days=2)),
        )
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -150))
        self.assertFalse(order.loyalty_exception)

    def test_two_claims_under_one_code(self):
        """A till could say of all its discounts that they are one."""
        card = self.create_card(points=500)
        first = self.prepare_reward(card)
        second = self.prepare_reward(card, cost=0)
        second[2]['reward_identifier_code'] = first[2]['reward_identifier_code']
        order = self.sell(self.prepare_line(), first, second)
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -200))
        self.assertEqual(order.loyalty_exception, 'cost')
        order = self.sell(self.prepare_line(), self.prepare_reward(card, 30))
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -300))
        # what taxes are rounded by makes no second claim
        order = self.sell(self.prepare_line(), self.prepare_reward(card, 10.05))
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -100))

    def test_more_than_the_share_of_a_reward(self):
        self.reward.write({'discount_mode': 'percent', 'discount': 10})
        card = self.create_card(points=500)
        order = self.sell(self.prepare_line(99.99), self.prepare_reward(card, 10))
        self.assertFalse(order.loyalty_exception)
        order = self.sell(self.prepare_line(), self.prepare_reward(card, 20))
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -200))
        self.reward.discount_max_amount = 5
        order = self.sell(self.prepare_line(), self.prepare_reward(card, 5))
        self.assertFalse(order.loyalty_exception)
        order = self.sell(self.prepare_line(), self.prepare_reward(card, 10))
        self.assertEqual(self.get_kinds(card)[-1], ('burn', -200))

    def test_reward_over_two_taxes(self):
        """One reward, a line for each tax; the first has the cost."""
        card = self.create_card(points=100)
        first = self.prepare_reward(card, 6)
        second = self.prepare_reward(card, 4, 0)
        second[2]['reward_identifier_code'] = first[2]['reward_identifier_code']
        tax = self.env['account.tax'].create({'name': "Included", 'amount': 0})
        second[2]['tax_ids'] = [Command.set(tax.ids)]
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

    def test_reward_of_a_program_that_is_not_at_this_till(self):
        """As a till without connection has it long after."""
        card = self.create_card(points=200)
        self.program.pos_config_ids = self.create_till("Other till")
        order = self.sell(self.prepare_line(), self.prepare_reward(card))
        self.assertEqual(order.loyalty_exception, 'limits')
        self.program.write({'pos_config_ids': False, 'date_to': '2020-01-01'})
        order = self.sell(self.prepare_line(), self.prepare_reward(card))
        self.assertEqual(order.loyalty_exception, 'limits')
        self.assertIn(self.program.name, order.loyalty_exception_text)

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

    def test_orders_looked_at_together_redeem_the_same_points(self):
        card = self.create_card(points=100)
        self.program.redeem_earned = False
        orders = self.env['pos.order']
        for _time in range(2):
            orders |= self.sell(self.prepare_line(), self.prepare_reward(card))
        self.assertEqual((card.points, *orders.mapped('loyalty_shortfall')), (100, 0, 0))
        self.env['loyalty.card']._post([Movement(card.id, 60, 'grant')])
        orders.lines.filtered('points_cost')._settling().points_cost = 200
        orders._loyalty_true_up()
        self.assertEqual(sum(orders.mapped('loyalty_shortfall')), 40)
        self.assertEqual(card.points, -40)

    def test_member_changed_on_a_paid_order(self):
        """What it gave and what it took stay with one card."""
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(120), self.prepare_reward(card))
        rows = self.get_kinds(card)
        order.partner_id = other = self.create_partner("Other")
        order._settle_points()
        self.assertEqual(self.get_kinds(card), rows)
        self.assertEqual(order.lines.coupon_id, card)
        self.assertFalse(self.get_card(other))

    def test_what_failed_is_forgotten(self):
        """The orders after it in the same request know of the rows before it, not of its own."""
        card = self.create_card(points=100)
        before = set(card._post([Movement(card.id, 5, 'grant')]).ids)
        self.assertEqual(set(card._get_own()['rows']), before)

        def fail(orders):
            raise ValueError("broken")

        self.patch(self.registry['pos.order'], '_get_settled_orders', fail)
        with self.assertLogs('odoo.addons.crm_loyalty_pos', 'ERROR'):
            order = self.sell(self.prepare_line(120), self.prepare_reward(card))
        self.assertEqual(order.loyalty_exception, 'failed')
        self.assertEqual(self.get_kinds(card), [('opening', 100), ('grant', 5)])
        self.assertEqual(set(card._get_own()['rows']), before)

    def test_cards_of_a_batch_are_locked_at_once(self):
        """Of two tills with orders of the same members none waits for the other for ever."""
        members = [self.create_partner(f"Member {n}") for n in range(2)]
        cards = [self.create_card(member) for member in members]
        locked = []
        self.patch(self.registry['loyalty.card'], '_lock', lambda self: locked.append(self.ids))
        sales = [
            self.prepare_sale([self.prepare_line()], partner=member) for member in reversed(members)
        ]
        self.env['pos.order'].with_user(self.cashier).sync_from_ui(sales[:1])
        self.assertFalse(locked)
        sales.append(self.prepare_sale([self.prepare_line()], partner=members[1]))
        self.env['pos.order'].with_user(self.cashier).sync_from_ui(sales[1:])
        self.assertEqual(sorted(locked[0]), [card.id for card in cards])

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
