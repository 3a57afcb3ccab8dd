import unittest

from odoo.fields import Command
from odoo.tests import tagged

from ..coverage import get_limited_percent, share_price
from .common_service import ServiceCommon

try:
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st
except ImportError:  # hypothesis is for development only
    given = None

#: a run of 120 takes a minute
EXAMPLES = 20


@unittest.skipUnless(given, "hypothesis is not installed")
@tagged('post_install', '-at_install')
class TestServiceShares(ServiceCommon):
    """Whatever the figures: shares add up to the price, and the order charges the customer's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._expire_warranty()
        cls.currencies = cls.env['res.currency'].create(
            [
                {'name': f'XX{digits}', 'symbol': 'X', 'rounding': 10**-digits}
                for digits in (0, 2, 3)
            ]
        )
        cls.pricelists = {
            currency: cls.env['product.pricelist'].create(
                {'name': currency.name, 'currency_id': currency.id}
            )
            for currency in cls.currencies
        }
        cls.labour.list_price = 1
        cls.taxes = {
            '': cls.env['account.tax'],
            **{
                include: cls.env['account.tax'].create(
                    {
                        'name': include,
                        'amount': 19,
                        'type_tax_use': 'sale',
                        'price_include_override': include,
                    }
                )
                for include in ('tax_included', 'tax_excluded')
            },
        }

    def _lines(self):
        hundredths = st.integers(0, 10000).map(lambda number: number / 100)
        percents = st.sampled_from([0, 33.33, 50, 66.67, 99.99, 100]) | hundredths
        return st.lists(
            st.fixed_dictionaries(
                {
                    'quantity': st.integers(1, 99999).map(lambda number: number / 100),
                    'price_unit': st.integers(1, 99999999).map(lambda number: number / 1000),
                    'discount': st.just(0) | hundredths,
                    'percent': percents,
                }
            ),
            min_size=1,
            max_size=4,
        )

    def _examples(self, test):
        drawn = given(
            currency=st.sampled_from(list(self.currencies)),
            lines=self._lines(),
            tax=st.sampled_from(list(self.taxes)),
            rounding=st.sampled_from(['round_per_line', 'round_globally']),
        )
        checks = list(HealthCheck)
        return settings(
            max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=checks
        )(drawn(test))

    def test_shares_and_the_order_add_up(self):
        def check(currency, lines, tax, rounding):
            with self.env.cr.savepoint() as savepoint:
                self._check_example(currency, lines, tax, rounding)
                savepoint.rollback()
            self.env.invalidate_all()

        self._examples(check)()

    def _check_example(self, currency, drawn, tax, rounding):
        self.company.tax_calculation_rounding_method = rounding
        self.customer.property_product_pricelist = self.pricelists[currency]
        request = self._create_request()
        for values in drawn:
            vals = {name: value for name, value in values.items() if name != 'percent'}
            line = self._add(self.labour, request=request, tax_ids=self.taxes[tax].ids, **vals)
            if values['percent'] < 100:
                self._override(line, 'goodwill', values['percent'])
        lines = request.service_line_ids
        self.env.flush_all()  # the database checks the sum of each line
        for line in lines:
            self.assertEqual(line.currency_id, currency)
            for amount in (line.amount_customer, line.amount_other, line.amount_total):
                self.assertEqual(amount, currency.round(amount))
            self.assertTrue(0 <= line.amount_customer <= line.amount_total)
        customer = currency.round(sum(lines.mapped('amount_customer')))
        if customer:
            order = self._quote(request)
            charged = order.amount_total if tax == 'tax_included' else order.amount_untaxed
            self.assertEqual(currency.compare_amounts(charged, customer), 0, (charged, customer))
            self._check_lines(order, currency, rounding)

    def _check_lines(self, order, currency, rounding):
        """Whichever lines are added up: they are the shares, at the prices of the lines."""
        beside = 0
        for sold in order.order_line:
            line = sold.aftersales_service_line_ids
            price, discount = sold.price_unit, sold.discount
            charged = sold.product_uom_qty * (price * (1 - discount / 100))
            self.assertEqual(currency.compare_amounts(charged, line.amount_customer), 0)
            self.assertTrue(price)
            beside += abs(charged - line.amount_customer)
            if rounding == 'round_per_line' or len(order.order_line) == 1:
                net = line.price_unit * (1 - line.discount / 100)
                self.assertIn(price, (line.price_unit, net))
        if rounding == 'round_globally':
            self.assertLess(beside, currency.rounding / 2)

    def test_the_price_of_the_line_stays(self):
        """A third of 127.50 is 42.49575 and read as 42.50: alone it needs no other price."""
        self.company.tax_calculation_rounding_method = 'round_globally'
        self._override(self._add(self.labour, 1.5, price_unit=85), 'goodwill', 33.33)
        order = self._quote()
        self.assertEqual((order.order_line.price_unit, order.order_line.discount), (85, 66.67))
        self.assertEqual(order.amount_untaxed, 42.5)

    def test_fractions_of_several_lines(self):
        """Three times 42.50 are not 127.49, neither together nor by parts."""
        self.company.tax_calculation_rounding_method = 'round_globally'
        for _number in range(3):
            self._override(self._add(self.labour, 1.5, price_unit=85), 'goodwill', 33.33)
        order = self._quote()
        self.assertEqual(order.order_line.mapped('price_unit').count(85), 1)
        self.assertEqual(order.amount_untaxed, 127.5)
        lines = self.request.service_line_ids
        lines[0].unlink()
        self.assertEqual(order.amount_untaxed, 85)
        order.action_confirm()
        for line in lines.exists():
            self._override(line, 'warranty', 0)
            charged = sum(self.request.service_line_ids.mapped('amount_customer'))
            self.assertEqual(self.currency.compare_amounts(order.amount_untaxed, charged), 0)
        self.assertEqual(order.amount_untaxed, 0)

    def test_limits_are_kept(self):
        @settings(max_examples=500, deadline=None, derandomize=True)
        @given(
            currency=st.sampled_from(list(self.currencies)),
            price=st.integers(1, 10**9),
            amount=st.integers(0, 10**9),
        )
        def check(currency, price, amount):
            price, amount = currency.round(price / 1000), currency.round(amount / 1000)
            percent = get_limited_percent(price, amount)
            shares = share_price(currency, 1, price, 0, max(percent, 0.0))
            self.assertLessEqual(currency.compare_amounts(shares.other, amount), 0)

        check()

    def test_a_correction_takes_back_what_was_charged(self):
        line = self._add(self.seal, 3, discount=7)
        self._override(line, 'goodwill', 33.33)
        self.seal.taxes_id = [Command.clear()]
        order = self._quote()
        order.action_confirm()
        self._override(line, 'goodwill', 66.67)
        lines = self.request.service_line_ids
        customer = sum(lines.mapped('amount_customer'))
        self.assertEqual(self.currency.compare_amounts(order.amount_untaxed, customer), 0)
