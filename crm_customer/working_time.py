"""Working time in whole seconds, on top of Odoo's resource calendars.

``resource.calendar.plan_hours`` works in float hours, ignores holidays unless told otherwise,
answers False or raises where there is no working time, knows no extra working days, and reads the
holidays again for every call.  A :class:`WorkingClock` reads the calendar once per window of time
and then serves any number of questions, so a batch of a thousand deadlines costs as many queries
as one.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta

import pytz

_SECOND = timedelta(seconds=1)

Interval = tuple[datetime, datetime]


class WorkingClock:
    """Plan and count the working time of one calendar.

    Working time is the weekly hours less the holidays, and the extra working days on top of both.

    :param calendar: a ``resource.calendar``; an empty recordset means around the clock
    :param company: whose holidays count; that of the calendar when not given, and all holidays of
        a calendar that belongs to no company

    All datetimes are naive UTC, as Odoo stores them.  Daylight saving is left to the calendar's own
    time zone: working hours are local, their distance is measured in UTC.
    """

    # One look at the calendar covers this many days.
    WINDOW_DAYS = 28
    # A target that needs more than this has no deadline worth the name.
    HORIZON = timedelta(days=4 * 366)
    # Windows begin on a Monday: core fills the week of a flexible calendar from where one asks.
    FIRST_DAY = date(1970, 1, 5)

    def __init__(self, calendar, company=None):
        self._calendar = calendar
        self._company = company or calendar.company_id
        self._tz = pytz.timezone(calendar.tz or 'UTC')
        self._windows: dict[int, list[Interval]] = {}
        self._extra: list[Interval] | None = None

    # ------------------------------------------------------------
    # Questions
    # ------------------------------------------------------------

    def plan(self, start: datetime, seconds: int) -> datetime | None:
        """Return when ``seconds`` of working time will have passed since ``start``.

        :param start: moment the clock starts
        :param seconds: budget of working time; with 0 the next moment of working time
        :return: the deadline, or None where the calendar never offers that much working time
        """
        start = start.replace(microsecond=0)
        if not self._calendar:
            return start + timedelta(seconds=seconds)
        left = seconds
        for begin, end in self._intervals(start, start + self.HORIZON):
            length = int((end - begin).total_seconds())
            if left <= length:
                return begin + timedelta(seconds=left)
            left -= length
        return None

    def count(self, start: datetime, end: datetime) -> int:
        """Return the seconds of working time between two moments.

        :param start: first moment
        :param end: last moment; before ``start`` counts as nothing
        :return: whole seconds
        """
        start, end = start.replace(microsecond=0), end.replace(microsecond=0)
        if end <= start:
            return 0
        if not self._calendar:
            return int((end - start).total_seconds())
        return sum(
            int((stop - begin).total_seconds()) for begin, stop in self._intervals(start, end)
        )

    def is_working(self, moment: datetime) -> bool:
        """Return whether a moment is working time; the end of a block no longer is."""
        moment = moment.replace(microsecond=0)
        return not self._calendar or any(self._intervals(moment, moment + _SECOND))

    def next_opening(self, moment: datetime) -> datetime | None:
        """Return the first moment of working time from ``moment`` on.

        :param moment: returned itself when it is working time
        :return: None where the calendar has no working time in the years to come
        """
        return self.plan(moment, 0)

    # ------------------------------------------------------------
    # Reading the calendar
    # ------------------------------------------------------------

    def _intervals(self, start: datetime, stop: datetime) -> Iterator[Interval]:
        """Yield the working intervals between two moments, clipped to them."""
        for number in range(self._get_window(start), self._get_window(stop) + 1):
            for begin, end in self._load_window(number):
                if begin < stop and end > start:
                    yield max(begin, start), min(end, stop)

    def _get_window(self, moment: datetime) -> int:
        """Return the number of the window a moment lies in."""
        local = pytz.utc.localize(moment).astimezone(self._tz)
        return (local.date() - self.FIRST_DAY).days // self.WINDOW_DAYS

    def _get_window_begin(self, number: int) -> datetime:
        day = self.FIRST_DAY + timedelta(days=number * self.WINDOW_DAYS)
        return self._tz.localize(datetime.combine(day, datetime.min.time()))

    def _load_window(self, number: int) -> list[Interval]:
        """Return the working intervals of the window with that number, read once."""
        if number not in self._windows:
            begin, end = self._get_window_begin(number), self._get_window_begin(number + 1)
            weekly = self._calendar._work_intervals_batch(
                begin, end, domain=self._get_holidays_domain()
            )[False]
            self._windows[number] = _unite(
                [
                    *((_to_naive_utc(start), _to_naive_utc(stop)) for start, stop, _meta in weekly),
                    *_clip(self._load_extra(), _to_naive_utc(begin), _to_naive_utc(end)),
                ]
            )
        return self._windows[number]

    def _get_holidays_domain(self) -> list:
        """Return which holidays count; a holiday of no calendar is one of its whole company."""
        domain = [('time_type', '=', 'leave')]
        if self._company:
            domain.append(('company_id', 'in', [False, self._company.id]))
        return domain

    def _load_extra(self) -> list[Interval]:
        """Return the intervals of the extra working days, read once."""
        if self._extra is None:
            self._extra = [
                (_to_naive_utc(begin), _to_naive_utc(end))
                for begin, end in self._calendar.extra_day_ids._get_intervals()
            ]
        return self._extra


def _to_naive_utc(moment: datetime) -> datetime:
    """Convert to naive UTC, to the next whole second.

    A block that lasts until midnight ends at 23:59:59.999999 in a calendar; rounded up, two of
    them in a row make 24 hours and not a little less.
    """
    moment = moment.astimezone(pytz.utc).replace(tzinfo=None)
    if moment.microsecond:
        moment = moment.replace(microsecond=0) + _SECOND
    return moment


def _clip(intervals: Iterable[Interval], begin: datetime, end: datetime) -> Iterator[Interval]:
    """Yield what of the intervals lies between two moments."""
    for start, stop in intervals:
        if start < end and stop > begin:
            yield max(start, begin), min(stop, end)


def _unite(intervals: Iterable[Interval]) -> list[Interval]:
    """Return the intervals in order, those that touch or overlap made into one."""
    united = []
    for start, stop in sorted(intervals):
        if united and start <= united[-1][1]:
            united[-1] = united[-1][0], max(united[-1][1], stop)
        elif start < stop:
            united.append((start, stop))
    return united
