from datetime import date

from freezegun import freeze_time

from odoo.tests import tagged

from ..ledger import to_points
from ..models.loyalty_card_ledger import Movement
from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestMerge(LoyaltyCommon):
    """V18: merging contacts loses no point, tier or open quotation."""

    def merge(self, source, target):
        self.env['base.partner.merge.automatic.wizard'].create({})._merge(
            [source.id, target.id], target
        )

    def test_order_with_two_merged_cards(self):
        """An order has one row for a card; which of two goes on does not matter, but one does."""
        others = [self.create_card(self.create_partner(name)) for name in ("Wang", "Wong")]
        card = self.create_card()
        order = self.create_order(50, self.create_partner("Li"))
        entries = self.env['sale.order.coupon.points'].create(
            [{'order_id': order.id, 'coupon_id': other.id, 'points': 5} for other in others]
        )
        card._repoint_orders(others[0] | others[1])
        self.assertEqual(entries.coupon_id, card | others[1])

    def test_v18_merge(self):
        source = self.create_partner("Wang")
        source_card = self.create_card(source)
        target_card = self.create_card()
        now = self.env.cr.now()
        self.earn(source_card, 3100, now)
        self.earn(target_card, 900, now)
        (source_card | target_card)._evaluate_tiers()
        quotation = self.create_order(50, source)
        quotation._update_programs_and_rewards()

        self.merge(source, self.member)

        self.assertEqual(target_card.points, 4000)
        self.assertEqual(target_card.tier_id, self.gold)
        self.assertEqual(target_card.tier_until, source_card.tier_until)
        self.assertEqual(target_card.qualifying_value, 4000)
        self.assertEqual(target_card.tier_history_ids[0].change, 'merge')
        self.assertFalse(source_card.active)
        self.assertEqual(source_card.merged_into_id, target_card)
        self.assert_balanced(source_card, target_card)
        quotation.action_confirm()
        self.assertEqual(target_card.points, 4050)
        self.assertEqual(self.get_card(), target_card)
        self.assert_balanced(source_card, target_card)

    def test_into_contact_without_card(self):
        source = self.create_partner("Wang")
        card = self.create_card(source)
        self.earn(card, 1000, self.env.cr.now())
        card._evaluate_tiers()
        self.merge(source, self.member)
        self.assertEqual(self.get_card(), card)
        self.assertEqual(card.tier_id, self.silver)
        self.assert_balanced(card)

    def test_cancel_after_merge(self):
        source = self.create_partner("Wang")
        order = self.create_order(300, source)
        order.action_confirm()
        source_card = self.get_card(source)
        target_card = self.create_card(points=40)
        self.merge(source, self.member)
        self.assertEqual(target_card.points, 340)
        order._action_cancel()
        self.assertEqual(target_card.points, 40)
        self.assert_balanced(source_card, target_card)

    def prepare_dated(self):
        """Let a member earn 100 and redeem them, and be merged into one with 40."""
        self.program.write({'expire_after': 365, 'expiry_since': '2026-01-01'})
        source = self.create_partner("Wang")
        orders = self.create_order(100, source) | self.create_order(200, source)
        with freeze_time('2026-03-01 12:00:00'):
            orders[0].action_confirm()
        with freeze_time('2026-06-01 12:00:00'):
            orders[1]._update_programs_and_rewards()
            orders[1]._apply_program_reward(self.reward, self.get_card(source))
            orders[1].action_confirm()
        card = self.create_card()
        card._post([Movement(card.id, to_points(40), 'grant', expire_on=date(2026, 12, 31))])
        return source, card, orders

    def get_dated(self, card):
        """Return what remains on a card by its last day."""
        rows = card.history_ids.filtered('remaining').sorted('expire_on')
        return [(str(row.expire_on), row.remaining) for row in rows]

    def test_v18_given_back_with_the_original_day(self):
        source, card, orders = self.prepare_dated()
        with freeze_time('2026-07-01 12:00:00'):
            self.merge(source, self.member)
            self.assertEqual(self.get_dated(card), [('2026-12-31', 40), ('2027-06-01', 200)])
        with freeze_time('2026-08-01 12:00:00'):
            orders[1]._action_cancel()
        self.assertEqual(self.get_dated(card), [('2026-12-31', 40), ('2027-03-01', 100)])
        self.assert_balanced(card)
        with freeze_time('2026-09-01 12:00:00'):
            orders[0]._action_cancel()
        self.assertEqual(self.get_dated(card), [('2026-12-31', 40)])
        self.assert_balanced(card)

    def test_v18_given_back_too_late(self):
        source, card, orders = self.prepare_dated()
        with freeze_time('2026-07-01 12:00:00'):
            self.merge(source, self.member)
        with freeze_time('2027-03-02 12:00:00'):
            self.env['loyalty.expiry']._do_chunk('_expire_cards', card.ids)
            orders[1]._action_cancel()
        self.assertEqual(card.points, 0, "what was redeemed had been usable until 1 March")
        self.assert_balanced(card)

    def test_v18_given_back_too_late_reinstated(self):
        self.program.reinstate_days = 30
        source, card, orders = self.prepare_dated()
        with freeze_time('2026-07-01 12:00:00'):
            self.merge(source, self.member)
        with freeze_time('2027-03-02 12:00:00'):
            self.env['loyalty.expiry']._do_chunk('_expire_cards', card.ids)
            orders[1]._action_cancel()
        self.assertEqual(self.get_dated(card), [('2027-04-01', 100)])

    def test_v18_taken_back_from_its_award_after_two_merges(self):
        source, card, orders = self.prepare_dated()
        between = self.create_partner("Wong")
        self.create_card(between)
        with freeze_time('2026-07-01 12:00:00'):
            self.merge(source, between)
            self.merge(between, self.member)
        with freeze_time('2026-08-01 12:00:00'):
            orders[1]._action_cancel()
            self.assertEqual(self.get_dated(card), [('2026-12-31', 40), ('2027-03-01', 100)])
            orders[0]._action_cancel()
        self.assertEqual(self.get_dated(card), [('2026-12-31', 40)])
        self.assert_balanced(card)

    def test_v18_expired_is_not_taken_twice(self):
        source, card, orders = self.prepare_dated()
        with freeze_time('2026-07-01 12:00:00'):
            self.merge(source, self.member)
        with freeze_time('2027-06-02 12:00:00'):
            self.env['loyalty.expiry']._do_chunk('_expire_cards', card.ids)
            self.assertEqual(card.points, 0)
            card._post([Movement(card.id, to_points(500), 'grant')])
            orders[1].order_line.filtered(lambda line: not line.is_reward_line).price_unit = 20
            orders[1]._loyalty_true_up()
        self.assertEqual(card.points, 500)
        self.assert_balanced(card)

    def test_merge_twice(self):
        first, second = self.create_partner("Wang"), self.create_partner("Wong")
        cards = self.create_card(first) | self.create_card(second) | self.create_card()
        for card in cards:
            self.earn(card, 400, self.env.cr.now())
        self.merge(first, second)
        self.merge(second, self.member)
        self.assertEqual(cards[2].qualifying_value, 1200)
        self.assertEqual(cards[2].tier_id, self.silver)
        self.assert_balanced(*cards)
