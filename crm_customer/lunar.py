"""The Chinese lunar calendar from 1900 to 2100, as a table.

Months begin on the day of the new moon in China.  The table was computed from the positions of
sun and moon and compared day by day with two published calendars (``setup/probes/lunar_table.py``).
Sources differ on three months whose new moon falls within minutes of midnight, of which the Hong
Kong Observatory says that a day more or less is possible: the one of 28 September 2057, here as
published (the month begins on the 29th), and those of 4 September 2089 and 7 August 2097, here as
computed today (on these days).
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from itertools import accumulate
from typing import NamedTuple

FIRST_YEAR, LAST_YEAR = 1900, 2100

_FIRST_DAY = date(1900, 1, 31)

# fmt: off
#: per year: its leap month in the low 4 bits (0 for none), then one bit for each of its 12 or 13
#: months in order, the leap month after its namesake, set when the month has 30 days, not 29
_YEARS = (
    0x16d28, 0x07520, 0x0ea50, 0x164a5, 0x064b0, 0x0a9b0, 0x15564, 0x056a0, 0x0b590, 0x17522,
    0x07520, 0x1b256, 0x0b250, 0x0a4b0, 0x14ab5, 0x02ad0, 0x056b0, 0x0b692, 0x0da90, 0x1d927,
    0x0e920, 0x0d250, 0x1a4d5, 0x0a560, 0x02b60, 0x15b54, 0x06d40, 0x0ea90, 0x1e922, 0x0e920,
    0x0d266, 0x052b0, 0x0a570, 0x12b65, 0x0b5a0, 0x06d40, 0x0ec93, 0x07490, 0x16937, 0x0a930,
    0x052b0, 0x0a5b6, 0x0aad0, 0x056a0, 0x1b554, 0x0ba40, 0x0b490, 0x1a932, 0x0a950, 0x152d7,
    0x05360, 0x0aad0, 0x15aa5, 0x05b20, 0x0da50, 0x1d4a3, 0x0d4a0, 0x0a958, 0x0a970, 0x05560,
    0x0ab56, 0x0ad50, 0x06d20, 0x0ea54, 0x0ea50, 0x064a0, 0x0c973, 0x0a9b0, 0x155a7, 0x056a0,
    0x0b690, 0x17525, 0x0b520, 0x0b250, 0x164b4, 0x0a4b0, 0x14ab8, 0x02ad0, 0x056d0, 0x0b696,
    0x0da90, 0x0d920, 0x1d254, 0x0d250, 0x1a4da, 0x0a560, 0x02b60, 0x05b56, 0x06d50, 0x0ea90,
    0x1e925, 0x0e920, 0x0d260, 0x0a563, 0x0a570, 0x14d68, 0x035a0, 0x06d50, 0x16c95, 0x07490,
    0x06930, 0x152b4, 0x052b0, 0x0a5b0, 0x155a2, 0x056a0, 0x1b557, 0x0ba40, 0x0b490, 0x1a935,
    0x0a950, 0x052d0, 0x0aad4, 0x0ab50, 0x15aa9, 0x05d20, 0x0da50, 0x1d4a6, 0x0d4a0, 0x0c950,
    0x152e4, 0x05560, 0x0ab50, 0x15b22, 0x06d20, 0x0ea56, 0x07250, 0x064b0, 0x0c975, 0x0cab0,
    0x055a0, 0x0ad63, 0x0b690, 0x1752b, 0x0b520, 0x0b250, 0x1a4b6, 0x0a4b0, 0x04ab0, 0x055b5,
    0x05ad0, 0x0b6a0, 0x1b522, 0x0d920, 0x1d257, 0x0d250, 0x0a550, 0x14ad5, 0x04b60, 0x05b50,
    0x0daa3, 0x0ec90, 0x1e928, 0x0e920, 0x0d260, 0x0a566, 0x0a570, 0x04d60, 0x06d54, 0x07550,
    0x07490, 0x0e933, 0x06930, 0x152b7, 0x052b0, 0x0a5b0, 0x155a5, 0x056a0, 0x0b650, 0x174a4,
    0x0b4a0, 0x1a958, 0x0a950, 0x052d0, 0x0aad6, 0x0ab50, 0x05aa0, 0x0ba54, 0x0da50, 0x0d4a0,
    0x1c953, 0x0c960, 0x194e7, 0x05560, 0x0ab50, 0x15b25, 0x06d20, 0x0ea50, 0x0e4a4, 0x068b0,
    0x0c978, 0x04ab0, 0x055b0, 0x0ad66, 0x0b6a0, 0x07520, 0x17254, 0x0b450, 0x0a8b0, 0x149b2,
    0x04ab0,
)
# fmt: on

_DIGITS = '一二三四五六七八九十'
_MONTHS = '正二三四五六七八九十冬腊'


class LunarDate(NamedTuple):
    """A day of the lunar calendar; ``leap`` for the second of two months of one number."""

    year: int
    month: int
    day: int
    leap: bool = False


def _get_months(year: int) -> list[tuple[int, bool, int]]:
    """Return number, leap and days of the months of a year, in order."""
    packed = _YEARS[year - FIRST_YEAR]
    leap_month = packed & 0xF
    numbers = [(number, False) for number in range(1, 13)]
    if leap_month:
        numbers.insert(leap_month, (leap_month, True))
    return [
        (number, leap, 29 + (packed >> (4 + index) & 1))
        for index, (number, leap) in enumerate(numbers)
    ]


#: all months: year, number, leap, days; and the ordinal of the first day of each
_MONTH_ROWS = [
    (year, *month) for year in range(FIRST_YEAR, LAST_YEAR + 1) for month in _get_months(year)
]
_MONTH_STARTS = list(accumulate((row[3] for row in _MONTH_ROWS), initial=_FIRST_DAY.toordinal()))
_MONTH_INDEX = {row[:3]: index for index, row in enumerate(_MONTH_ROWS)}

FIRST_DAY = _FIRST_DAY
LAST_DAY = date.fromordinal(_MONTH_STARTS[-1] - 1)


def get_leap_month(year: int) -> int:
    """Return the number of the month that a year has twice, 0 for none.

    :param year: lunar year, named after the Gregorian year in which it begins
    :raise ValueError: the year is not in the table
    """
    _check_year(year)
    return _YEARS[year - FIRST_YEAR] & 0xF


def get_month_days(year: int, month: int, leap: bool = False) -> int:
    """Return whether a month has 29 or 30 days.

    :raise ValueError: there is no such month in the table
    """
    return _MONTH_ROWS[_find_month(year, month, leap)][3]


def to_solar(year: int, month: int, day: int, leap: bool = False) -> date:
    """Return the Gregorian date of a lunar one.

    :raise ValueError: there is no such day in the table
    """
    index = _find_month(year, month, leap)
    if not 1 <= day <= _MONTH_ROWS[index][3]:
        raise ValueError(f'lunar month {month} of {year} has no day {day}')
    return date.fromordinal(_MONTH_STARTS[index] + day - 1)


def from_solar(day: date) -> LunarDate:
    """Return the lunar date of a Gregorian one.

    :raise ValueError: the day is not in the table
    """
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f'the lunar table covers {FIRST_DAY} to {LAST_DAY}, not {day}')
    index = bisect_right(_MONTH_STARTS, day.toordinal()) - 1
    year, month, leap, _days = _MONTH_ROWS[index]
    return LunarDate(year, month, day.toordinal() - _MONTH_STARTS[index] + 1, leap)


def format_chinese(month: int, day: int, leap: bool = False, leap_sign: str = '闰') -> str:
    """Return month and day as Chinese readers write them: 闰五月初一.

    :param leap_sign: 闰, or 閏 in traditional characters
    """
    month_name = _MONTHS[month - 1] if leap_sign == '闰' else _MONTHS[month - 1].replace('腊', '臘')
    if day <= 10:
        day_name = f'初{_DIGITS[day - 1]}'
    elif day < 20:
        day_name = f'十{_DIGITS[day - 11]}'
    elif day == 20:
        day_name = '二十'
    elif day < 30:
        day_name = f'廿{_DIGITS[day - 21]}'
    else:
        day_name = '三十'
    return f"{leap_sign if leap else ''}{month_name}月{day_name}"


def _check_year(year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise ValueError(f'no lunar year {year} in the table of {FIRST_YEAR} to {LAST_YEAR}')


def _find_month(year: int, month: int, leap: bool) -> int:
    _check_year(year)
    try:
        return _MONTH_INDEX[year, month, bool(leap)]
    except KeyError:
        name = f'leap month {month}' if leap else f'month {month}'
        raise ValueError(f'lunar year {year} has no {name}') from None
