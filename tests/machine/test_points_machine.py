"""Thousands of steps of the points machine, with seeds nobody chose.

``POINTS_SEED`` plays one seed again, ``POINTS_STEPS`` says how many steps at least (2,000).
"""

import pytest

from odoo.tests import tagged

from odoo.addons.crm_loyalty.tests.common import LoyaltyCommon
from odoo.addons.crm_loyalty.tests.points_machine import MachineMixin


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestPointsMachine(MachineMixin, LoyaltyCommon):
    def test_many_days_of_a_shop(self):
        self.play_many()
