"""Points held back are released by several workers, while orders are confirmed and cancelled."""

import logging
from itertools import chain, zip_longest
from unittest.mock import patch

import pytest

from odoo.tests import tagged

from odoo.addons.crm_loyalty.models import loyalty_card_job
from odoo.addons.crm_loyalty.tests.workers import WorkersCase

_logger = logging.getLogger(__name__)


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestReleaseJob(WorkersCase):
    """Every member has 300 points, and orders whose points are held back."""

    def setUp(self):
        super().setUp()
        # many transactions
        for name, size in (('CHUNK_SIZE', 7), ('PAGE_SIZE', 20)):
            patcher = patch.object(loyalty_card_job, name, size)
            patcher.start()
            self.addCleanup(patcher.stop)
        self.query(
            'UPDATE loyalty_program SET release_delay_days = 5, expire_after = 90 WHERE id = %s',
            self.program_id,
        )

    def make_due(self):
        """Let the days pass."""
        self.query(
            "UPDATE loyalty_pending SET release_at = now() - interval '1 day' WHERE card_id IN"
            ' (SELECT id FROM loyalty_card WHERE program_id = %s)',
            self.program_id,
        )

    def play(self, members, kill=0, seed=1):
        """Let four workers release, two for each shard, beside four tills."""
        pending = self.create_orders(members)
        self.run_workers([('action_confirm', order) for order in pending])
        self.make_due()
        tasks = [('_action_cancel', order) for order in pending[::3]]
        tasks += [('action_confirm', order) for order in self.create_orders(members, reward=True)]
        tills = [tasks[number::4] for number in range(4)]
        jobs = [[('release', shard)] * max(map(len, tills)) for shard in (0, 1, 0, 1)]
        rows = chain.from_iterable(zip_longest(*jobs, *tills, fillvalue=('release', 0)))
        return self.run_workers(list(rows), kill=kill, seed=seed)

    def check_released(self):
        """Run the job once more: nothing is left, and the books are right."""
        self.make_due()
        self.run_workers([('release', 0), ('release', 1)], workers=2)
        left = self.query(
            """SELECT count(*) FILTER (WHERE pending.state = 'pending'),
                      count(*) FILTER (WHERE row.id IS NOT NULL AND row.expire_on IS NULL)
                 FROM loyalty_pending pending
                 JOIN loyalty_card card ON card.id = pending.card_id AND card.program_id = %s
            LEFT JOIN loyalty_history row ON row.key = 'loyalty.pending:' || pending.id""",
            self.program_id,
        )
        self.assertEqual(left, [(0, 0)])
        return self.check_books()

    def test_two_workers_for_each_shard(self):
        members = self.create_members(40, points=300)
        results = self.play(members)
        self.assertFalse([row for row in results if row[1]], "each has the points")
        # of each two orders 10, less the 90 redeemed; a third of the first ones was cancelled
        self.assertEqual(set(self.check_released().values()), {220.0, 230.0})

    def test_killed_on_the_way(self):
        members = self.create_members(40, points=500)
        for round_ in range(4):
            results = self.play(members, kill=6, seed=round_ * 100)
            _logger.warning("killed all four jobs and 2 tills, %s done", len(results))
            self.check_released()
