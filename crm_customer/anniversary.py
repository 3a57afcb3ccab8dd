"""Days that come back every year, by the solar or the Chinese lunar calendar.

The year of the first one may be unknown.  Each return has a key that names the year it belongs
to, so that whatever hangs on it (a greeting, a gift) happens once: a solar anniversary returns
once per solar year, a lunar one once per *lunar* year, which may be twice or never between one
1 January and the next.
"""

from __future__ import annotations

from calendar import isleap, monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from odoo.tools.translate import LazyGettext, LazyTranslate

from . import lunar

_lt = LazyTranslate(__name__)

CALENDARS = [('solar', "Solar"), ('lunar', "Lunar (Chinese)")]

#: when an anniversary of 29 February is kept in other years
FEB29_POLICIES = [('feb28', "28 February"), ('mar1', "1 March")]

#: which month counts for somebody born in a leap month, in years that have both
LEAP_MONTH_POLICIES = [('regular', "Regular month"), ('leap', "Leap month")]

#: a leap year, in which every day of the solar calendar exists
_ANY_LEAP_YEAR = 2000

#: calendar, month, day, and whether of a leap month: what comes back, without the first year
DayOfYear = tuple[str, int, int, bool]


class Occurrence(NamedTuple):
    """One return of an anniversary."""

    date: date
    #: 'S' and the solar year, or 'L' and the lunar year: 'S2026', 'L2026'
    key: str

    @property
    def year(self) -> int:
        """:return: the year of the key; less the first year it tells how many years it has been"""
        return int(self.key[1:])


@dataclass(frozen=True)
class Anniversary:
    """A day of the year.

    Example::

        Anniversary(8, 15, calendar='lunar').occurrences(date(2026, 1, 1), date(2026, 12, 31))
        # [Occurrence(date=date(2026, 9, 25), key='L2026')]
    """

    month: int
    day: int
    #: first year, solar or lunar as the calendar; None when unknown
    year: int | None = None
    calendar: str = 'solar'
    #: the first one was in a leap month of the lunar calendar
    leap: bool = False

    @property
    def day_of_year(self) -> DayOfYear:
        """:return: the day without its year"""
        return (self.calendar, self.month, self.day, self.leap and self.calendar == 'lunar')

    @property
    def first_date(self) -> date | None:
        """:return: the day of the first one in the solar calendar, None when the year is unknown"""
        if not self.year:
            return None
        if self.calendar == 'lunar':
            return lunar.to_solar(self.year, self.month, self.day, self.leap)
        return date(self.year, self.month, self.day)

    def occurrences(
        self,
        date_from: date,
        date_to: date,
        feb29: str = 'feb28',
        leap_month: str = 'regular',
    ) -> list[Occurrence]:
        """Return the days on which the anniversary falls, in order.

        Lunar ones are found as far as the table reaches, from 1900 to January 2101.

        :param date_from: first day looked at
        :param date_to: last day looked at
        :param feb29: ``feb28`` or ``mar1``, where 29 February stays in years without one
        :param leap_month: ``regular`` or ``leap``, which of two months of one number counts for
            a first one in a leap month
        """
        if date_from > date_to:
            return []
        if self.calendar == 'lunar':
            years = range(date_from.year - 1, date_to.year + 1)
            days = ((year, self._in_lunar_year(year, leap_month)) for year in years)
        else:
            years = range(date_from.year, date_to.year + 1)
            days = ((year, self._in_solar_year(year, feb29)) for year in years)
        letter = 'L' if self.calendar == 'lunar' else 'S'
        return [
            Occurrence(day, f'{letter}{year}')
            for year, day in days
            if day and date_from <= day <= date_to and year >= (self.year or 0)
        ]

    def _in_solar_year(self, year: int, feb29: str) -> date | None:
        if (self.month, self.day) == (2, 29) and not isleap(year):
            return date(year, 3, 1) if feb29 == 'mar1' else date(year, 2, 28)
        if self.day > monthrange(year, self.month)[1]:
            return None
        return date(year, self.month, self.day)

    def _in_lunar_year(self, year: int, leap_month: str) -> date | None:
        """Return the day in a lunar year: a 30th is kept on the last day of a shorter month."""
        if not lunar.FIRST_YEAR <= year <= lunar.LAST_YEAR:
            return None
        leap = self.leap and leap_month == 'leap' and lunar.get_leap_month(year) == self.month
        days = lunar.get_month_days(year, self.month, leap)
        return lunar.to_solar(year, self.month, min(self.day, days), leap)

    def get_error(self, today: date | None = None) -> LazyGettext | None:
        """Return what is wrong with the date, for the user; None when nothing is.

        :param today: when given, the first one may not lie after it
        """
        error = self._get_day_error()
        if not error and today and self.year and self.first_date > today:
            error = _lt("The day lies in the future.")
        return error

    def _get_day_error(self) -> LazyGettext | None:
        if not 1 <= (self.month or 0) <= 12:
            return _lt("The month is a number from 1 to 12.")
        if self.calendar == 'lunar':
            return self._get_lunar_error()
        if self.leap:
            return _lt("Leap months belong to the lunar calendar.")
        if self.year and not 1 <= self.year <= 9999:
            return _lt("The year has four digits.")
        if not 1 <= (self.day or 0) <= monthrange(self.year or _ANY_LEAP_YEAR, self.month)[1]:
            return _lt("The month has no such day.")
        return None

    def _get_lunar_error(self) -> LazyGettext | None:
        if not 1 <= (self.day or 0) <= 30:
            return _lt("A lunar month has 29 or 30 days.")
        if not self.year:
            return None
        if not lunar.FIRST_YEAR <= self.year <= lunar.LAST_YEAR:
            return _lt("Lunar dates are known from 1900 to 2100.")
        if self.leap and lunar.get_leap_month(self.year) != self.month:
            return _lt("That lunar year has no such leap month.")
        if self.day > lunar.get_month_days(self.year, self.month, self.leap):
            return _lt("That lunar month has 29 days.")
        return None


def _get_every_day() -> list[DayOfYear]:
    """Return all days of the year there are, of both calendars."""
    solar = [
        ('solar', month, day, False)
        for month in range(1, 13)
        for day in range(1, monthrange(_ANY_LEAP_YEAR, month)[1] + 1)
    ]
    return solar + [
        ('lunar', month, day, leap)
        for leap in (False, True)
        for month in range(1, 13)
        for day in range(1, 31)
    ]


_EVERY_DAY = _get_every_day()


@lru_cache(maxsize=64)
def get_next_dates(
    today: date, feb29: str = 'feb28', leap_month: str = 'regular'
) -> Mapping[DayOfYear, date]:
    """Return the next return of every day of the year there is, from a day on.

    There are some thousand of them, whatever the number of customers: a search compares these,
    and then asks the database for the customers who have them.

    :param today: first day looked at
    :param feb29: as for :meth:`Anniversary.occurrences`
    :param leap_month: as for :meth:`Anniversary.occurrences`
    """
    horizon = date(today.year + 2, 12, 31)
    found = _get_occurrences(today, horizon, feb29, leap_month)
    return MappingProxyType({day: dates[0].date for day, dates in found.items()})


@lru_cache(maxsize=256)
def get_days_between(
    date_from: date, date_to: date, feb29: str = 'feb28', leap_month: str = 'regular'
) -> frozenset[DayOfYear]:
    """Return the days of the year that fall in a span of days.

    :param date_from: first day
    :param date_to: last day
    :param feb29: as for :meth:`Anniversary.occurrences`
    :param leap_month: as for :meth:`Anniversary.occurrences`
    """
    return frozenset(_get_occurrences(date_from, date_to, feb29, leap_month))


def _get_occurrences(
    date_from: date, date_to: date, feb29: str, leap_month: str
) -> dict[DayOfYear, list[Occurrence]]:
    """Return what falls in a span of days, of every day of the year that does."""
    result = {}
    for calendar, month, day, leap in _EVERY_DAY:
        anniversary = Anniversary(month, day, calendar=calendar, leap=leap)
        if found := anniversary.occurrences(date_from, date_to, feb29, leap_month):
            result[calendar, month, day, leap] = found
    return result
