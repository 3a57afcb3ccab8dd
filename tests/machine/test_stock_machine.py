"""The same with deliveries and returns; on a database that has a warehouse."""

from unittest import SkipTest

import pytest

from odoo.modules.registry import Registry
from odoo.tests import tagged
from odoo.tests.common import get_db_name

from odoo.addons.crm_loyalty.tests.common import LoyaltyCommon
from odoo.addons.crm_loyalty_stock.tests.stock_machine import StockMachineMixin


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestStockMachine(StockMachineMixin, LoyaltyCommon):
    @classmethod
    def setUpClass(cls):
        if 'stock.return.picking' not in Registry(get_db_name()):
            raise SkipTest("crm_loyalty_stock is not installed")
        super().setUpClass()

    def test_many_days_of_a_shop_that_delivers(self):
        self.play_many()
