"""Thousands of steps of the points machine, with seeds nobody chose.

``POINTS_SEED`` plays one seed again, ``POINTS_STEPS`` says how many steps at least (2,000).
"""

import logging
import os
import random

import pytest

from odoo.tests import tagged

from odoo.addons.crm_loyalty.tests.common import LoyaltyCommon
from odoo.addons.crm_loyalty.tests.points_machine import MachineMixin

_logger = logging.getLogger(__name__)


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestPointsMachine(MachineMixin, LoyaltyCommon):
    def test_many_days_of_a_shop(self):
        given = os.environ.get('POINTS_SEED')
        wanted = int(os.environ.get('POINTS_STEPS', '2000'))
        draw = random.SystemRandom()
        while self.steps < wanted:
            number = int(given) if given else draw.randrange(10**9)
            _logger.warning("Points machine: seed %s, %s steps before", number, self.steps)
            self.play(number, examples=5, steps=50)
            if given:
                break
        _logger.warning("Points machine: %s steps", self.steps)
