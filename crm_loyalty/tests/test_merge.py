from odoo.tests import tagged

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestMerge(LoyaltyCommon):
    """V18: merging contacts loses no point, tier or open quotation."""

    def merge(self, source, target):
        self.env['base.partner.merge.automatic.wizard'].create({})._merge(
            [source.id, target.id], target
        )

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
