from freezegun import freeze_time

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import new_test_user, tagged

from ..models.loyalty_card_ledger import Movement
from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestDebt(LoyaltyCommon):
    """Points taken back after they were spent."""

    def rows(self, card):
        return [(row.kind, row.qty) for row in card.history_ids.sorted('id')]

    def spend(self, points):
        card = self.get_card()
        self.env['loyalty.card']._post([Movement(card.id, -points, 'burn')])
        return card

    def test_v8_floor(self):
        self.program.negative_policy = 'floor'
        order = self.create_order(100)
        order.action_confirm()
        card = self.spend(90)
        order._action_cancel()
        self.assertEqual(card.points, 0)
        self.assertEqual(
            self.rows(card), [('earn', 100), ('burn', -90), ('unearn', -100), ('loss', 90)]
        )
        self.create_order(60).action_confirm()
        self.assertEqual(card.points, 60)
        self.assert_balanced(card)

    def test_losses_come_back_with_the_points(self):
        """Earn, redeem, and cancel both: nothing is left, and nothing was won."""
        self.program.negative_policy = 'floor'
        first = self.create_order(100)
        first.action_confirm()
        card = self.get_card()
        second = self.create_order(10)
        second._update_programs_and_rewards()
        second._apply_program_reward(self.reward, card)
        second.action_confirm()
        self.assertEqual(card.points, 10)
        first._action_cancel()
        self.assertEqual(card.points, 0)
        second._action_cancel()
        self.assertEqual(card.points, 0)
        self.assertEqual(sum(qty for kind, qty in self.rows(card) if kind == 'loss'), 0)
        self.assert_balanced(card)

    def test_points_redeemed_after_a_loss_come_back_whole(self):
        self.program.negative_policy = 'floor'
        first = self.create_order(100)
        first.action_confirm()
        card = self.spend(90)
        first._action_cancel()
        self.env['loyalty.card']._post([Movement(card.id, 150, 'grant')])
        second = self.create_order(10)
        second._update_programs_and_rewards()
        second._apply_program_reward(self.reward, card)
        second.action_confirm()
        second._action_cancel()
        self.assertEqual(card.points, 150)
        self.assert_balanced(card)

    def redeem(self, partner=None):
        """Confirm an order of nothing that redeems 100 points."""
        self.program.earn_on_redeemed = False
        card = self.get_card(partner)
        order = self.create_order(10, partner=partner)
        order._update_programs_and_rewards()
        order._apply_program_reward(self.reward, card)
        order.action_confirm()
        return order

    def test_each_redemption_takes_its_own_loss_back(self):
        """Twice earned, redeemed, taken back and written off: nothing comes of cancelling it."""
        self.program.negative_policy = 'floor'
        redeemed = []
        for _time in range(2):
            earned = self.create_order(100)
            earned.action_confirm()
            redeemed.append(self.redeem())
            earned._action_cancel()
        card = self.get_card()
        self.assertEqual(card.points, 0)
        redeemed[0]._action_cancel()
        self.assertEqual(card.points, 0)
        redeemed[1]._action_cancel()
        self.assertEqual(card.points, 0)
        self.assertEqual(sum(qty for kind, qty in self.rows(card) if kind == 'loss'), 0)
        self.assert_balanced(card)

    def test_losses_come_back_after_a_merge(self):
        self.program.negative_policy = 'floor'
        other = self.create_partner("Wang")
        first, second = self.create_order(100), self.create_order(100, partner=other)
        (first | second).action_confirm()
        redeemed = self.redeem()
        first._action_cancel()
        # what the other one lost has nothing to do with it
        self.redeem(other)
        second._action_cancel()
        wizard = self.env['base.partner.merge.automatic.wizard']
        wizard.create({})._merge((self.member | other).ids, other)
        card = self.get_card(other)
        self.assertEqual(card.points, 0)
        redeemed._action_cancel()
        self.assertEqual(card.points, 0)
        lost = sum(qty for kind, qty in self.rows(card) if kind == 'loss')
        self.assertEqual(lost, 0, "100 of each, and 100 taken back of one of them")
        self.assert_balanced(card)

    def test_losses_of_another_member_stay(self):
        self.program.negative_policy = 'floor'
        other = self.create_partner("Wang")
        self.create_card(points=100)
        redeemed = self.redeem()
        earned = self.create_order(100, partner=other)
        earned.action_confirm()
        self.redeem(other)
        earned._action_cancel()
        wizard = self.env['base.partner.merge.automatic.wizard']
        wizard.create({})._merge((self.member | other).ids, other)
        redeemed._action_cancel()
        self.assertEqual(self.get_card(other).points, 100)

    def test_written_off_after_some_days(self):
        self.program.write({'negative_policy': 'writeoff', 'write_off_days': 30})
        order = self.create_order(100)
        order.action_confirm()
        card = self.spend(90)
        with freeze_time('2026-03-01 10:00:00'):
            order._action_cancel()
        with freeze_time('2026-03-20 10:00:00'):
            self.env['loyalty.card']._post([Movement(card.id, -5, 'unearn')])
        with freeze_time('2026-03-31 09:00:00'):
            self.env['loyalty.card']._cron_write_off()
            self.assertEqual(card.points, -95)
        with freeze_time('2026-03-31 10:00:00'):
            for _time in range(2):
                self.env['loyalty.card']._cron_write_off()
            self.assertEqual(card.points, -5, "younger debts stay")
        with freeze_time('2026-04-20 10:00:00'):
            self.env['loyalty.card']._cron_write_off()
        self.assertEqual(card.points, 0)
        self.assert_balanced(card)

    def test_debt_stays_by_default(self):
        card = self.create_card()
        self.env['loyalty.card']._post([Movement(card.id, -90, 'unearn')])
        with freeze_time('2099-01-01'):
            self.env['loyalty.card']._cron_write_off()
        self.assertEqual(card.points, -90)
        for spend in (
            lambda: self.env['loyalty.card']._post(
                [Movement(card.id, 500, 'earn'), Movement(card.id, -10, 'burn')]
            ),
            lambda: card._hold_points(10, 'x'),
        ):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                spend()

    def test_button(self):
        card = self.create_card()
        other = self.create_card(self.partner, points=20)
        self.env['loyalty.card']._post([Movement(card.id, -90, 'unearn')])
        own = new_test_user(self.env, 'd_own', 'crm_loyalty.group_own')
        manager = new_test_user(self.env, 'd_manager', 'crm_loyalty.group_manager')
        salesman = new_test_user(self.env, 'd_sales', 'sales_team.group_sale_salesman')
        for user in (own, salesman):
            with self.assertRaises(AccessError):
                card.with_user(user).action_write_off()
        for _time in range(2):
            (card | other).with_user(manager).action_write_off()
        self.assertEqual((card.points, other.points), (0, 20))
        self.assert_balanced(card, other)
