"""Many workers on the same cards; see ``crm_loyalty/tests/workers.py``."""

import logging

import pytest

from odoo.tests import tagged

from odoo.addons.crm_loyalty.tests.workers import WorkersCase

_logger = logging.getLogger(__name__)


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestHotCard(WorkersCase):
    def report(self, what, results):
        seconds = sorted(row[0] for row in results)
        _logger.warning(
            "%s: %s done, middle %.0f ms, worst %.0f ms, refused %s",
            what,
            len(results),
            seconds[len(seconds) // 2] * 1000,
            seconds[-1] * 1000,
            sum(row[1] is not None for row in results),
        )

    def test_earning_on_one_card(self):
        [member] = self.create_members(1)
        orders = self.create_orders([member] * 64)
        results = self.run_workers([('action_confirm', order) for order in orders])
        self.report("earning, one card", results)
        assert len(results) == 64
        assert not [error for _seconds, error in results if error]
        assert sum(self.check_books().values()) == 640

    def test_more_is_redeemed_than_there_is(self):
        """500 points, 40 rewards of 90 on orders of nothing: five are given, the rest refused."""
        [member] = self.create_members(1, points=500)
        orders = self.create_orders([member] * 40, amount=1, reward=True)
        results = self.run_workers([('action_confirm', order) for order in orders])
        self.report("redeeming, one card", results)
        given = [error for _seconds, error in results if not error]
        books = self.check_books()
        assert min(books.values()) >= 0
        assert len(given) == 5, len(given)

    def test_more_is_redeemed_by_other_code(self):
        """Orders confirmed somewhere within a transaction: each looks on a second connection."""
        self.begin_anew = None
        self.test_more_is_redeemed_than_there_is()

    def test_first_orders_of_new_members(self):
        members = self.create_members(10, cards=False)
        orders = self.create_orders(members * 4)
        results = self.run_workers([('action_confirm', order) for order in orders])
        self.report("first orders", results)
        assert not [error for _seconds, error in results if error]
        assert set(self.check_books().values()) == {40}

    def test_everything_at_once(self):
        members = self.create_members(5, points=300)
        first = self.create_orders(members * 6, amount=20)
        self.run_workers([('action_confirm', order) for order in first])
        more = self.create_orders(members * 6)
        burns = self.create_orders(members * 6, reward=True)
        tasks = [('_action_cancel', order) for order in first]
        tasks += [('action_confirm', order) for order in more + burns]
        tasks = [task for start in range(7) for task in tasks[start::7]]
        results = self.run_workers(tasks)
        self.report("confirm, redeem, cancel", results)
        assert len(results) == len(tasks)
        self.check_books()

    def test_killed_on_the_way(self):
        members = self.create_members(5, points=300)
        for round_ in range(5):
            earn = self.create_orders(members * 6)
            burn = self.create_orders(members * 4, reward=True)
            tasks = [('action_confirm', order) for order in earn + burn]
            results = self.run_workers(tasks, kill=6, seed=round_ * 100)
            _logger.warning("killed 6 of 8 workers, %s of %s done", len(results), len(tasks))
            self.check_books()
