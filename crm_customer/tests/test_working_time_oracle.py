import random
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

from odoo.fields import Command
from odoo.tests import tagged

from ..working_time import WorkingClock
from .common import CrmCustomerCommon

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
DAYS = 21
# Where clocks change between the first and the last day, and where they never do.
ZONES = ('Europe/Berlin', 'America/New_York', 'Asia/Shanghai', 'Australia/Adelaide', 'UTC')
# Weeks around the changes of both hemispheres, and one at the turn of the year.
STARTS = (date(2026, 3, 2), date(2026, 3, 23), date(2026, 10, 19), date(2026, 12, 21))


class Oracle:
    """Working time minute by minute, in plain Python: slow, and too simple to be wrong."""

    def __init__(self, case):
        self.case = case
        self.zone = ZoneInfo(case['tz'])
        self.start = datetime.combine(case['first'], time()) - DAY
        count = (DAYS + 2) * 24 * 60
        self.minutes = [self.works(self.start + index * MINUTE) for index in range(count)]

    def works(self, moment):
        local = moment.replace(tzinfo=timezone.utc).astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        if any(start <= minute < stop for start, stop in self.get_extra_blocks(local.date())):
            return True
        blocks = self.get_weekly_blocks(local.weekday(), local.date())
        return any(start <= minute < stop for start, stop in blocks) and not any(
            start <= moment < stop for start, stop in self.case['holidays']
        )

    def get_weekly_blocks(self, weekday, day):
        week = (day.toordinal() - 1) // 7 % 2 if self.case['two_weeks'] else 0
        return self.case['weeks'][week].get(weekday, [])

    def get_extra_blocks(self, day):
        extra = self.case['extra'].get(day)
        if extra is None:
            return []
        if isinstance(extra, int):
            return self.get_weekly_blocks(extra, day)
        return [extra]

    def count(self, start, stop):
        return sum(self.minutes[self.index(start) : self.index(stop)]) * 60

    def plan(self, start, minutes):
        """Return the end of the last minute that is needed."""
        for index in range(self.index(start), len(self.minutes)):
            minutes -= self.minutes[index]
            if minutes <= 0 and self.minutes[index]:
                return self.start + (index + 1) * MINUTE

    def next_opening(self, moment):
        for index in range(self.index(moment), len(self.minutes)):
            if self.minutes[index]:
                return self.start + index * MINUTE

    def is_working(self, moment):
        return self.minutes[self.index(moment)]

    def index(self, moment):
        return (moment - self.start) // MINUTE


@tagged('post_install', '-at_install')
class TestWorkingTimeOracle(CrmCustomerCommon):
    """Random calendars, holidays, extra days and zones against the oracle."""

    CALENDARS = 24
    QUESTIONS = 60

    def test_random_calendars(self):
        rng = random.Random(20260509)
        for number in range(self.CALENDARS):
            case = self.draw_case(rng)
            with self.subTest(number=number, case=case):
                clock, oracle = WorkingClock(self.create_case(case)), Oracle(case)
                for _question in range(self.QUESTIONS):
                    self.compare(clock, oracle, rng)

    def compare(self, clock, oracle, rng):
        first = datetime.combine(oracle.case['first'], time())
        start = first + rng.randrange(DAYS * 24 * 60) * MINUTE
        stop = first + rng.randrange(DAYS * 24 * 60) * MINUTE
        minutes = rng.randint(1, 40 * 60)
        self.assertEqual(clock.is_working(start), oracle.is_working(start), start)
        self.assertEqual(clock.count(start, stop), oracle.count(start, stop), (start, stop))
        end = oracle.plan(start, minutes)
        if end:  # else it lies after the last day the oracle looked at
            self.assertEqual(clock.plan(start, minutes * 60), end, (start, minutes))
        opening = oracle.next_opening(start)
        if opening:
            self.assertEqual(clock.next_opening(start), opening, start)

    def draw_case(self, rng):
        first = rng.choice(STARTS)
        days = [first + number * DAY for number in range(DAYS)]
        two_weeks = rng.random() < 0.4
        weeks = [self.draw_week(rng) for _week in range(2)]
        return {
            'tz': rng.choice(ZONES),
            'first': first,
            'two_weeks': two_weeks,
            'weeks': weeks,
            'holidays': [self.draw_holiday(rng, first) for _holiday in range(rng.randint(0, 3))],
            'extra': {
                day: self.draw_extra(rng, weeks, two_weeks)
                for day in rng.sample(days, rng.randint(0, 5))
            },
        }

    def draw_week(self, rng):
        """Return weekday -> blocks; none begins or ends in the hour that clocks skip or repeat."""
        days = rng.sample(range(7), rng.randint(1, 7))
        return {day: self.draw_blocks(rng) for day in days}

    def draw_blocks(self, rng):
        edges = sorted(rng.sample([0, *range(4 * 60, 24 * 60 + 1, 15)], 2 * rng.randint(1, 3)))
        return list(zip(edges[::2], edges[1::2], strict=True))

    def draw_holiday(self, rng, first):
        start = datetime.combine(first, time()) + rng.randrange(DAYS * 24 * 60) * MINUTE
        return start, start + rng.randint(60, 4 * 24 * 60) * MINUTE

    def draw_extra(self, rng, weeks, two_weeks):
        """Return a weekday that has hours in each week, or a block of its own."""
        weekdays = set(weeks[0]) & set(weeks[1]) if two_weeks else set(weeks[0])
        if weekdays and rng.random() < 0.5:
            return rng.choice(sorted(weekdays))
        return self.draw_blocks(rng)[0]

    def create_case(self, case):
        calendar = self.create_calendar(
            "Random", hours=(), tz=case['tz'], two_weeks_calendar=case['two_weeks']
        )
        calendar.attendance_ids = [
            Command.create(
                self.prepare_attendance_vals(
                    weekday,
                    start / 60,
                    stop / 60,
                    week_type=str(week) if case['two_weeks'] else False,
                )
            )
            for week in range(1 + case['two_weeks'])
            for weekday, blocks in case['weeks'][week].items()
            for start, stop in blocks
        ]
        self.env['resource.calendar.leaves'].create(
            [
                {'calendar_id': calendar.id, 'date_from': start, 'date_to': stop}
                for start, stop in case['holidays']
            ]
        )
        self.env['crm.calendar.extra.day'].create(
            [self.prepare_extra_vals(calendar, day, extra) for day, extra in case['extra'].items()]
        )
        return calendar

    def prepare_extra_vals(self, calendar, day, extra):
        vals = {'calendar_id': calendar.id, 'date': day}
        if isinstance(extra, int):
            return {**vals, 'dayofweek': str(extra)}
        start, stop = extra
        return {**vals, 'hours_as': 'own', 'hour_from': start / 60, 'hour_to': stop / 60}
