from unittest import skipUnless

from odoo.tests import tagged

from odoo.addons.crm_loyalty.tests.common import LoyaltyCommon

try:
    from .stock_machine import StockMachineMixin
except ImportError:  # hypothesis is for development only
    StockMachineMixin = None


@skipUnless(StockMachineMixin, "needs hypothesis")
@tagged('post_install', '-at_install')
class TestStockMachine(StockMachineMixin or object, LoyaltyCommon):
    """Random days of a shop that delivers, always the same ones; more of them in tests/machine."""

    def test_days_of_a_shop_that_delivers(self):
        for number in (1, 2):
            self.play(number)
