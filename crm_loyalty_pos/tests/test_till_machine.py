from unittest import skipUnless

from odoo.tests import tagged

from .common import TillCommon

try:
    from .till_machine import TillMachineMixin
except ImportError:  # hypothesis is for development only
    TillMachineMixin = None


@skipUnless(TillMachineMixin, "needs hypothesis")
@tagged('post_install', '-at_install')
class TestTillMachine(TillMachineMixin or object, TillCommon):
    """Random days of a shop with a till, always the same ones; more of them in tests/machine."""

    def test_days_of_a_shop_with_a_till(self):
        for number in (1, 2):
            self.play(number)
