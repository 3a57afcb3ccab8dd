from unittest import skipUnless

from odoo.tests import tagged

from .common import LoyaltyCommon

try:
    from .points_machine import MachineMixin
except ImportError:  # hypothesis is for development only
    MachineMixin = None


@skipUnless(MachineMixin, "needs hypothesis")
@tagged('post_install', '-at_install')
class TestPointsMachine(MachineMixin or object, LoyaltyCommon):
    """Random days of a shop, always the same ones; more of them in tests/machine."""

    def test_days_of_a_shop(self):
        for number in (1, 2):
            self.play(number)
