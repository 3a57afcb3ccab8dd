"""The same with a till; on a database that has one."""

from unittest import SkipTest

import pytest

from odoo.modules.registry import Registry
from odoo.tests import tagged
from odoo.tests.common import get_db_name

from odoo.addons.crm_loyalty_pos.tests.common import TillCommon
from odoo.addons.crm_loyalty_pos.tests.till_machine import TillMachineMixin


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestTillMachine(TillMachineMixin, TillCommon):
    @classmethod
    def setUpClass(cls):
        if 'pos.order.loyalty.points' not in Registry(get_db_name()):
            raise SkipTest("crm_loyalty_pos is not installed")
        super().setUpClass()

    def test_many_days_of_a_shop_with_a_till(self):
        self.play_many()
