from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL

from ..models.loyalty_card_ledger import Movement
from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestPerformance(LoyaltyCommon):
    """Queries must not grow with members or lines."""

    def count_queries(self, function):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        function()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def create_members(self, count):
        partners = self.env['res.partner'].create(
            [{'name': f"Member {index}"} for index in range(count)]
        )
        cards = self.env['loyalty.card'].create(
            [{'partner_id': partner.id, 'program_id': self.program.id} for partner in partners]
        )
        with patch.object(self.registry['loyalty.card'], '_fold_after_hook'):
            cards._post([Movement(card.id, 1200, 'earn') for card in cards])
        return cards

    def test_evaluation(self):
        few, many = self.create_members(10), self.create_members(100)
        few[:1]._evaluate_tiers()
        counts = [self.count_queries(cards._evaluate_tiers) for cards in (few, many)]
        self.assertEqual(counts[0], counts[1])
        self.assertEqual((few | many).tier_id, self.silver)

    def test_folding_reads_what_is_open(self):
        """Not the history of the card."""
        card = self.create_card()
        self.env.cr.execute(
            "INSERT INTO loyalty_history (card_id, description, issued, used, qty, kind, date,"
            " remaining) SELECT %s, 'x', 1, 0, 1, 'earn', now(), 0 FROM generate_series(1, 5000)",
            [card.id],
        )
        self.env.cr.execute('ANALYZE loyalty_history')
        query = SQL(
            'EXPLAIN SELECT id FROM loyalty_history WHERE card_id = %s AND %s',
            card.id,
            card._get_open_condition([1, 2, 3]),
        )
        plan = "\n".join(line for (line,) in self.env.execute_query(query))
        self.assertIn('loyalty_history_open_idx', plan)
        self.assertNotIn('BitmapOr', plan)

    def test_settling(self):
        few, many = self.create_members(10), self.create_members(100)
        counts = [self.count_queries(cards._settle_ledger) for cards in (few, many)]
        self.assertEqual(counts[0], counts[1])

    def test_folding_what_is_given_back(self):
        """What reversed rows had taken is asked for once, however many cards have some."""
        counts = []
        for number in (2, 20):
            cards = self.create_members(number)
            with patch.object(self.registry['loyalty.card'], '_fold_after_hook'):
                burnt = cards._post([Movement(card.id, -700, 'burn') for card in cards])
                with patch.object(self.registry['loyalty.card'], '_fold'):
                    cards._post(
                        [
                            Movement(row.card_id.id, 700, 'unburn', reversed_id=row.id)
                            for row in burnt
                        ]
                    )
                counts.append(self.count_queries(cards._fold))
            self.assertEqual(
                cards.history_ids.filtered('remaining').mapped('remaining'), [1200] * number
            )
        self.assertEqual(counts[0], counts[1])

    def test_partner_and_order_fields(self):
        few, many = (
            self.env['res.partner'].browse(self.create_members(count).partner_id.ids)
            for count in (10, 100)
        )
        few.mapped('loyalty_tier_hint')
        counts = [
            self.count_queries(lambda p=partners: p.mapped('loyalty_tier_hint'))
            for partners in (few, many)
        ]
        self.assertEqual(counts[0], counts[1])

    def extra_queries_of_confirm(self, lines):
        """Return what our part of a confirmation costs, everything else left out."""
        order = self.create_order(
            lines=[{'product_id': self.product.id, 'price_unit': 10}] * lines,
            partner=self.create_partner(f"Buyer {lines}"),
        )
        with patch.object(self.registry['sale.order'], '_loyalty_true_up'):
            order.action_confirm()
        return self.count_queries(order._loyalty_true_up)

    def test_confirm(self):
        self.extra_queries_of_confirm(1)
        counts = [self.extra_queries_of_confirm(lines) for lines in (1, 30)]
        self.assertEqual(counts[0], counts[1])
        # with cold caches: what was posted, is pending, invoiced and came back, the order and its
        # rules, two writes; the rest in the fold and for tiers
        self.assertLessEqual(counts[0], 26)

    def test_fold(self):
        """The fold reads a few columns of the program once, whatever the number of cards."""
        few, many = self.create_members(10), self.create_members(100)
        counts = []
        for cards in (few, few, many):
            with patch.object(self.registry['loyalty.card'], '_fold'):
                cards._post([Movement(card.id, 10, 'earn') for card in cards])
            counts.append(self.count_queries(cards._fold))
        self.assertEqual(counts[1], counts[2])
        self.assertLessEqual(counts[1], 9)

    def test_claimable_without_taxes(self):
        """Whether there is anything to discount needs no taxes, where no line is below zero."""
        self.create_card(points=500)
        order = self.create_order(100)
        order._update_programs_and_rewards()
        compute = 'odoo.addons.account.models.account_tax.AccountTax.compute_all'
        with patch(compute, side_effect=AssertionError("taxes are computed")):
            self.assertEqual(order._get_claimable_rewards(), {self.get_card(): self.reward})

    def test_claimable_of_nothing(self):
        """What core computes in full still says that nothing is left to discount."""
        self.create_card(points=500)
        order = self.create_order(0)
        order._update_programs_and_rewards()
        self.assertFalse(order._get_claimable_rewards())
        order.order_line.price_unit = 100
        self.assertTrue(order._get_claimable_rewards())
        # -100 beside 100 comes to nothing, though both lines have an amount
        order.order_line = [Command.create({'product_id': self.product.id, 'price_unit': -100})]
        self.assertFalse(order._get_claimable_rewards())
        order.order_line[1].price_unit = 50
        order.order_line[1].discount = 100
        self.assertEqual(
            bool(order._get_claimable_rewards()), bool(order._discountable_amount(self.reward))
        )
