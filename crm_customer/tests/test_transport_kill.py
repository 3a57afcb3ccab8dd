import os

from odoo.tests import tagged

from .killing import KillCase


@tagged('post_install', '-at_install')
class TestTransportKill(KillCase):
    """A few kills each time; a hundred in ``tests/crash``."""

    def test_killed_processes_neither_lose_nor_double(self):
        number = 40
        self.enqueue(number)
        killed, on_way = self.kill_often(kills=6, seed=20260301)
        self.assertEqual(killed, 6)
        self.check_accounts(number, on_way)

    def test_two_workers_on_the_same_mails(self):
        number = 40
        self.enqueue(number)
        for pid in [self.start() for _worker in range(3)]:
            self.assertEqual(os.waitpid(pid, 0)[1], 0)
        rows = self.account()
        self.assertEqual({(state, arrivals) for _class, state, arrivals in rows}, {('sent', 1)})
