"""What warranties are made of: events, layers, terms and answers."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

from dateutil.relativedelta import relativedelta

from .days import add_to_day

#: what a warranty can start with, in the order in which one stands in for the one before
START_EVENTS = [
    ('installation', "Installation"),
    ('delivery', "Delivery"),
    ('invoice', "Invoice"),
    ('sale', "Sale"),
]

LINE_TYPES = [
    ('part', "Parts"),
    ('labour', "Labour"),
    ('travel', "Travel"),
]

LAYERS = [
    ('base', "Base Warranty"),
    ('extended', "Extended Warranty"),
    ('part', "Warranty on a Repair"),
    ('statutory', "Statutory Warranty"),
]

#: layers of the whole product, whose last day is the product's
UNIT_LAYERS = ('base', 'extended', 'statutory')

MAX_MONTHS = 1200


class WarrantyAnswer(NamedTuple):
    """Whether something is covered, judged on the day of the fault."""

    #: 'covered', 'not_covered' or 'unknown'
    state: str
    #: share of the price that the warranty pays
    percent: float
    #: the certificate it follows from, an ``aftersales.warranty``; empty where there is none
    warranty: Any
    #: in the reader's language
    reason: str
    #: last day on which the answer holds; None where nothing ends
    until: date | None


class MeterBounds(NamedTuple):
    """What is known of a meter on a day. Meters never run backwards, so old readings say much."""

    #: the total was not less; None when there is no reading before
    low: float | None = None
    #: the total was not more; None when there is no reading after
    high: float | None = None
    #: the reading before is young enough to go by
    is_fresh: bool = False


def get_last_day(start: date, months: int) -> date:
    """Return the last day covered of a period that begins on a day.

    :param months: at least 1
    """
    return add_to_day(start, relativedelta(months=months)) - relativedelta(days=1)


def get_event_order(first: str) -> list[str]:
    """Return the events a warranty can start with, the one to be preferred first.

    Those that usually come later stand in for it before those that come earlier: without an
    invoice the day of the sale is nearer to it than the installation.
    """
    events = [event for event, _label in START_EVENTS]
    at = events.index(first)
    return events[at:] + events[:at]


def choose_start(terms: dict, known: dict[str, date]) -> tuple[date | None, str]:
    """Return the day a warranty starts on, and the event it follows from.

    :param terms: of the warranty
    :param known: day of each event that is known
    """
    order = [event for event in get_event_order(terms['start_event']) if known.get(event)]
    if not order:
        return None, ''
    day = known[order[0]]
    if terms.get('start_within_days') and len(order) > 1:
        day = min(day, known[order[1]] + relativedelta(days=terms['start_within_days']))
    return day, order[0]


def find_rule(
    terms: dict, line_type: str | None, product_id: int | None, category_ids: set[int]
) -> dict | None:
    """Return the first rule of the terms that fits what is asked about.

    :param line_type: one of ``LINE_TYPES``; None when it is asked about the product as a whole
    :param category_ids: of the product asked about, and of all above
    """
    for rule in terms.get('rules', ()):
        if (
            (not rule['line_type'] or rule['line_type'] == line_type)
            and (not rule['product_id'] or rule['product_id'] == product_id)
            and (not rule['category_id'] or rule['category_id'] in category_ids)
        ):
            return rule
    return None
