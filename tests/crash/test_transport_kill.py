"""A hundred workers are killed while they send; see ``crm_customer/tests/killing.py``."""

import logging
import os

import pytest

from odoo.tests import tagged

from odoo.addons.crm_customer.tests.killing import KillCase

_logger = logging.getLogger(__name__)

KILLS = int(os.environ.get('SUITE_KILLS', '100'))


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestTransportKills(KillCase):
    def test_a_hundred_kills(self):
        number = 4 * KILLS
        self.enqueue(number)
        killed, on_way = self.kill_often(KILLS, seed=1)
        assert killed == KILLS
        _logger.warning("%s kills: %s", killed, self.check_accounts(number, on_way))
