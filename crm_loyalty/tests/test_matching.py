import random
from datetime import date, timedelta
from decimal import Decimal
from unittest.mock import patch

from odoo.tests import BaseCase, tagged

from .. import ledger as arithmetic
from ..ledger import Entry, Ledger, replay


@tagged('post_install', '-at_install')
class TestMatching(BaseCase):
    """The arithmetic of awards and what takes from them."""

    def entry(self, row_id, qty, **values):
        return Entry(row_id, Decimal(qty), Decimal(qty), **values)

    def make_ledger(self, *entries):
        return Ledger({entry.id: entry for entry in entries})

    def remaining(self, ledger):
        return [int(ledger.entries[row_id].remaining) for row_id in sorted(ledger.entries)]

    def v6(self):
        ledger = self.make_ledger(
            self.entry(1, 100, expire_on=date(2027, 1, 31)),
            self.entry(2, 80, expire_on=date(2026, 12, 31)),
            self.entry(3, 50, expire_on=date(2027, 6, 30)),
        )
        ledger.apply([self.entry(4, -120)])
        return ledger

    def test_v6_first_to_expire_first(self):
        ledger = self.v6()
        self.assertEqual(self.remaining(ledger), [60, 0, 50, 0])
        self.assertEqual(
            [(row.award_id, row.qty) for row in ledger.allocations], [(2, 80), (1, 40)]
        )
        ledger.apply([self.entry(5, -60, award_id=1)])
        self.assertEqual(self.remaining(ledger), [0, 0, 50, 0, 0])

    def test_points_that_never_expire_come_last(self):
        ledger = self.make_ledger(self.entry(1, 10), self.entry(2, 10, expire_on=date(2030, 1, 1)))
        ledger.apply([self.entry(3, -15)])
        self.assertEqual(self.remaining(ledger), [5, 0, 0])

    def test_v7_given_back_to_the_awards_it_came_from(self):
        ledger = self.v6()
        ledger.apply([self.entry(5, 120, reversed_id=4)])
        self.assertEqual(self.remaining(ledger), [100, 80, 50, 0, 0])
        ledger.apply([self.entry(6, -80, award_id=2)])
        self.assertEqual(self.remaining(ledger), [100, 0, 50, 0, 0, 0])

    def test_given_back_in_parts(self):
        """What was taken last is given back first; never more than was taken."""
        ledger = self.v6()
        ledger.apply([self.entry(5, 30, reversed_id=4)])
        self.assertEqual(self.remaining(ledger), [90, 0, 50, 0, 0])
        ledger.apply([self.entry(6, 90, reversed_id=4)])
        self.assertEqual(self.remaining(ledger), [100, 80, 50, 0, 0, 0])

    def test_given_back_later(self):
        """The rows of before are known by their allocations only."""
        before = self.v6()
        ledger = Ledger(before.entries, taken={4: before.allocations})
        ledger.apply([self.entry(5, 120, reversed_id=4)])
        self.assertEqual(self.remaining(ledger), [100, 80, 50, 0, 0])

    def test_v8_debt(self):
        ledger = self.make_ledger(self.entry(1, 100))
        ledger.apply([self.entry(2, -90), self.entry(3, -100, award_id=1)])
        self.assertEqual(self.remaining(ledger), [0, 0, -90])
        ledger.apply([self.entry(4, 60)])
        self.assertEqual(self.remaining(ledger), [0, 0, -30, 0])
        ledger.apply([self.entry(5, 60)])
        self.assertEqual(self.remaining(ledger), [0, 0, 0, 0, 30])

    def test_a_debt_is_given_back_first(self):
        ledger = self.make_ledger(self.entry(1, 50))
        ledger.apply([self.entry(2, -80), self.entry(3, 80, reversed_id=2)])
        self.assertEqual(self.remaining(ledger), [50, 0, 0])

    # ------------------------------------------------------------
    # MATCHED ANEW
    # ------------------------------------------------------------

    def draw_rows(self, seed, number=60):
        """Return rows of all kinds, debts among them."""
        chance = random.Random(seed)
        rows, awards, consumers = [], [], []
        for row_id in range(1, number + 1):
            draw, qty = chance.random(), chance.randint(1, 120)
            day = chance.choice([None, date(2026, 1, 1) + timedelta(days=qty)])
            if draw < 0.55 or not consumers:
                rows.append(self.entry(row_id, qty, expire_on=day))
                awards.append(row_id)
            elif draw < 0.8:
                rows.append(self.entry(row_id, -qty))
            elif draw < 0.9:
                rows.append(self.entry(row_id, -qty, award_id=chance.choice(awards)))
            else:
                values = {'reversed_id': chance.choice(consumers), 'expire_on': day}
                rows.append(self.entry(row_id, qty, given_on=date(2026, 2, 1), **values))
            if rows[-1].qty < 0 or not consumers:
                consumers.append(row_id)
        return rows

    def test_replay_says_what_the_fold_says(self):
        for seed in range(100):
            found = {row.id: row.remaining for row in replay(self.draw_rows(seed)).values()}
            rows = self.draw_rows(seed)
            ledger = Ledger({})
            for row in rows:
                ledger.taken = {}
                ledger.apply([row])
            expected = {row.id: row.remaining for row in rows if row.remaining}
            self.assertEqual(found, expected, seed)

    def test_replay_matches_with_what_is_needed(self):
        """A redemption looks at the awards it takes from, however many there are."""
        rows = [self.entry(row_id, 10) for row_id in range(1, 1001)] + [self.entry(1001, -15)]
        with patch.object(arithmetic, 'Ledger', side_effect=Ledger) as used:
            self.assertEqual(len(replay(rows)), 999)
        [[known, _taken]] = [call.args for call in used.call_args_list]
        self.assertEqual(sorted(known), [1, 2, 1001])
