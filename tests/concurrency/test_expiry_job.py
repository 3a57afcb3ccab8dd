"""Points expire while members buy, and while the job is killed."""

import logging
from itertools import chain
from unittest.mock import patch

import pytest

from odoo.tests import tagged

from odoo.addons.crm_loyalty.models import loyalty_card_job
from odoo.addons.crm_loyalty.tests.workers import WorkersCase

_logger = logging.getLogger(__name__)


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestExpiryJob(WorkersCase):
    """Every member has 100 points that are over, and 100 that are not."""

    def setUp(self):
        super().setUp()
        # many transactions
        for name, size in (('CHUNK_SIZE', 7), ('PAGE_SIZE', 30)):
            patcher = patch.object(loyalty_card_job, name, size)
            patcher.start()
            self.addCleanup(patcher.stop)

    def play(self, orders, kill=0, seed=1):
        """Let two shards expire, again and again, beside six tills."""
        tills = [orders[number::6] for number in range(6)]
        length = max(map(len, tills))
        columns = [[('expire', shard)] * length for shard in (0, 1)]
        columns += [[('action_confirm', order) for order in till] for till in tills]
        rows = zip(*columns, strict=True)
        return self.run_workers(list(chain.from_iterable(rows)), kill=kill, seed=seed)

    def check_expired(self):
        """Run the job once more: all is over that was to be, and the books are right."""
        self.run_workers([('expire', 0), ('expire', 1)], workers=2)
        self.assertEqual(self.count_overdue(), 0)
        books = self.check_books()
        self.assertGreaterEqual(min(books.values()), 0)
        return books

    def test_two_shards_beside_tills(self):
        members = self.create_members(60)
        burns = self.create_orders_with_points(members)
        results = self.play(burns + self.create_orders(members))
        errors = [error for _seconds, error in results if error]
        seconds = sorted(row[0] for row in results)
        _logger.warning(
            "expiry beside tills: %s done, middle %.0f ms, worst %.0f ms, refused %s",
            len(results),
            seconds[len(seconds) // 2] * 1000,
            seconds[-1] * 1000,
            len(errors),
        )
        self.assertFalse(errors, "200 or 100 points are enough for 90")
        # 90 of 200 redeemed, 20 earned; what was redeemed of those that expired, or not
        self.assertLessEqual(set(self.check_expired().values()), {30.0, 120.0})

    def create_orders_with_points(self, members):
        self.create_awards(members)
        return self.create_orders(members, reward=True)

    def test_killed_on_the_way(self):
        members = self.create_members(60)
        for round_ in range(4):
            burns = self.create_orders_with_points(members)
            results = self.play(burns, kill=4, seed=round_ * 100)
            _logger.warning("killed both shards and 2 tills, %s done", len(results))
            self.check_expired()
