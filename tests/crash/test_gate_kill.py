"""A hundred workers of the gate are killed; see ``crm_customer/tests/killing_gate.py``."""

import logging
import os

import pytest

from odoo.tests import tagged

from odoo.addons.crm_customer.tests.killing_gate import GateKillCase

_logger = logging.getLogger(__name__)

KILLS = int(os.environ.get('SUITE_KILLS', '100'))


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestGateKills(GateKillCase):
    def test_a_hundred_kills(self):
        persons = self.kill_often(KILLS, seed=1)
        self.check_accounts(persons)
        _logger.warning("%s kills, messages of %s persons decided on once", KILLS, persons)
