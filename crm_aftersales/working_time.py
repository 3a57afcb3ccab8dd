"""Working time in whole seconds, on top of Odoo's resource calendars.

``resource.calendar.plan_hours`` works in float hours, ignores holidays unless told otherwise,
answers False or raises where there is no working time, and reads the holidays again for every
call.  A :class:`WorkingClock` reads the calendar once per window of time and then serves any number
of requests, so a batch of a thousand deadlines costs as many queries as one.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytz

_EPOCH = datetime(1970, 1, 1)
_SECOND = timedelta(seconds=1)


class WorkingClock:
    """Plan and count the working time of one calendar.

    :param calendar: a ``resource.calendar``; an empty recordset means around the clock

    All datetimes are naive UTC, as Odoo stores them.  Daylight saving is left to the calendar's own
    time zone: working hours are local, their distance is measured in UTC.
    """

    # One look at the calendar covers a window of this length.
    WINDOW = timedelta(days=28)
    # A target that needs more than this has no deadline worth the name.
    HORIZON = timedelta(days=4 * 366)

    def __init__(self, calendar):
        self._calendar = calendar
        self._windows: dict[int, list[tuple[datetime, datetime]]] = {}

    def plan(self, start: datetime, seconds: int) -> datetime | None:
        """Return when ``seconds`` of working time will have passed since ``start``.

        :param start: moment the clock starts
        :param seconds: budget of working time
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

    def count(self, start: datetime, stop: datetime) -> int:
        """Return the seconds of working time between two moments.

        :param start: first moment
        :param stop: last moment; before ``start`` counts as nothing
        :return: whole seconds
        """
        start, stop = start.replace(microsecond=0), stop.replace(microsecond=0)
        if not self._calendar:
            return max(int((stop - start).total_seconds()), 0)
        return sum(
            int((end - begin).total_seconds()) for begin, end in self._intervals(start, stop)
        )

    def _intervals(self, start: datetime, stop: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the working intervals between two moments, clipped to them."""
        for number in range((start - _EPOCH) // self.WINDOW, (stop - _EPOCH) // self.WINDOW + 1):
            for begin, end in self._load_window(number):
                if begin < stop and end > start:
                    yield max(begin, start), min(end, stop)

    def _load_window(self, number: int) -> list[tuple[datetime, datetime]]:
        """Return the working intervals of the window with that number, read once."""
        if number not in self._windows:
            begin = pytz.utc.localize(_EPOCH + number * self.WINDOW)
            intervals = self._calendar._work_intervals_batch(begin, begin + self.WINDOW)[False]
            self._windows[number] = [
                (self._to_naive_utc(start), self._to_naive_utc(stop))
                for start, stop, _meta in intervals
            ]
        return self._windows[number]

    @staticmethod
    def _to_naive_utc(moment: datetime) -> datetime:
        """Convert to naive UTC, to the next whole second.

        A block that lasts until midnight ends at 23:59:59.999999 in a calendar; rounded up, two of
        them in a row make 24 hours and not a little less.
        """
        moment = moment.astimezone(pytz.utc).replace(tzinfo=None)
        if moment.microsecond:
            moment = moment.replace(microsecond=0) + _SECOND
        return moment
