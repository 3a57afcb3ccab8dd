"""Who pays for service: payers, kinds of lines, and how a price is shared."""

from __future__ import annotations

from typing import Any, NamedTuple

from odoo.tools import float_round

from .warranty import LINE_TYPES

#: who bears what the customer does not pay, and the customer himself
PAYERS = [
    ('customer', "Customer"),
    ('warranty', "Warranty"),
    ('contract', "Contract"),
    ('goodwill', "Goodwill"),
    ('supplier', "Supplier"),
]

SERVICE_TYPES = [*LINE_TYPES, ('fee', "Fee")]

COVERAGE_STATES = [
    ('unchecked', "Not Checked"),
    ('covered', "Covered"),
    ('partial', "Partly Covered"),
    ('not_covered', "Not Covered"),
    ('unknown', "Unknown"),
]

PERCENT_DIGITS = 2


class Coverage(NamedTuple):
    """What one of those who might pay says about a line."""

    #: one of ``PAYERS``
    payer: str
    #: share of the price that he pays; 0 is a refusal, whose reason stands when nobody else pays
    percent: float
    #: the record it follows from; an empty recordset or None where there is none
    source: Any
    #: one sentence that the customer may read, in his language
    reason: str
    #: whether it can be judged at all; what cannot is not offered to the next one
    is_known: bool = True
    #: how much of the line's quantity he pays for; None for all of it
    quantity: float | None = None
    #: the most he pays, in the line's currency; None without limit
    amount: float | None = None


class Shares(NamedTuple):
    """A price and who pays it, in the currency's smallest unit; the shares add up to the price."""

    total: float
    customer: float
    other: float


def share_price(currency, quantity, price_unit, discount, customer_percent) -> Shares:
    """Return how a price is shared: the customer's part is rounded once, the other gets the rest.

    :param currency: ``res.currency``
    :param discount: in per cent
    :param customer_percent: what the customer pays of the price after the discount, 0 to 100
    """
    price = quantity * (price_unit * (1 - discount / 100.0))
    total = currency.round(price)
    customer = currency.round(price * customer_percent / 100.0)
    return Shares(total, customer, currency.round(total - customer))


def get_limited_percent(total: float, amount: float) -> float:
    """Return what the customer pays in per cent when somebody else pays no more than an amount."""
    if not total:
        return 100.0
    percent = 100.0 * (1 - max(amount, 0.0) / total)
    return float_round(percent, precision_digits=PERCENT_DIGITS, rounding_method='UP')
