from odoo.tests import tagged

from .killing_gate import GateKillCase


@tagged('post_install', '-at_install')
class TestGateKill(GateKillCase):
    """A few kills each time; a hundred in ``tests/crash``."""

    def test_killed_workers_decide_on_each_message_once(self):
        self.check_accounts(self.kill_often(kills=12, seed=20260301))
