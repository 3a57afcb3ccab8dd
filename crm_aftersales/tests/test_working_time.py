from datetime import datetime, timedelta

from odoo.tests import tagged

from ..working_time import WorkingClock
from .common import MONDAY, AftersalesCommon

HOUR = 3600


@tagged('post_install', '-at_install')
class TestWorkingTime(AftersalesCommon):
    """Numbers are those of the list of known traps of working-time clocks."""

    def test_lunch_and_night(self):
        clock = WorkingClock(self.calendar)
        self.assertEqual(clock.plan(MONDAY, 3 * HOUR), datetime(2026, 3, 2, 12))
        self.assertEqual(clock.plan(MONDAY, 3 * HOUR + 1), datetime(2026, 3, 2, 13, 0, 1))
        self.assertEqual(clock.plan(MONDAY, 8 * HOUR), datetime(2026, 3, 3, 9))

    def test_weekend(self):
        friday_evening = datetime(2026, 3, 6, 18)
        clock = WorkingClock(self.calendar)
        self.assertEqual(clock.plan(friday_evening, HOUR), datetime(2026, 3, 9, 9))

    def test_trap_1_holidays_count(self):
        self.env['resource.calendar.leaves'].create(
            {
                'name': "Holiday",
                'company_id': self.company.id,
                'calendar_id': self.calendar.id,
                'date_from': datetime(2026, 3, 3),
                'date_to': datetime(2026, 3, 3, 23, 59, 59),
            }
        )
        clock = WorkingClock(self.calendar)
        self.assertEqual(clock.plan(MONDAY, 8 * HOUR), datetime(2026, 3, 4, 9))
        self.assertEqual(clock.count(MONDAY, datetime(2026, 3, 4, 9)), 8 * HOUR)

    def test_trap_2_beyond_the_horizon_is_no_deadline(self):
        self.assertIsNone(WorkingClock(self.calendar).plan(MONDAY, 20000 * HOUR))

    def test_trap_2_calendar_without_hours_is_no_deadline(self):
        empty = self._create_calendar("Closed", hours=())
        self.assertIsNone(WorkingClock(empty).plan(MONDAY, HOUR))
        self.assertEqual(WorkingClock(empty).count(MONDAY, MONDAY + timedelta(days=7)), 0)

    def test_trap_3_no_calendar_is_around_the_clock(self):
        clock = WorkingClock(self.env['resource.calendar'])
        self.assertEqual(clock.plan(MONDAY, 30 * HOUR), MONDAY + timedelta(hours=30))
        self.assertEqual(clock.count(MONDAY, MONDAY + timedelta(hours=30)), 30 * HOUR)
        self.assertEqual(clock.count(MONDAY, MONDAY - timedelta(hours=1)), 0)

    def test_trap_4_blocks_until_midnight_are_whole(self):
        always = self._create_calendar("Always", hours=((0, 12), (12, 24)), days=range(7))
        clock = WorkingClock(always)
        self.assertEqual(clock.count(MONDAY, MONDAY + timedelta(days=2)), 48 * HOUR)
        self.assertEqual(clock.plan(MONDAY, 48 * HOUR), MONDAY + timedelta(days=2))

    def test_trap_5_daylight_saving(self):
        berlin = self._create_calendar(
            "Berlin", hours=((0, 12), (12, 24)), days=range(7), tz='Europe/Berlin'
        )
        clock = WorkingClock(berlin)
        # The clocks go forward on 29 March and back on 25 October: local noon to local noon.
        spring = datetime(2026, 3, 28, 11), datetime(2026, 3, 30, 10)
        autumn = datetime(2026, 10, 24, 10), datetime(2026, 10, 26, 11)
        self.assertEqual(clock.count(*spring), 47 * HOUR)
        self.assertEqual(clock.count(*autumn), 49 * HOUR)
        self.assertEqual(clock.plan(spring[0], 47 * HOUR), spring[1])

    def test_trap_5_working_hours_are_local(self):
        berlin = self._create_calendar("Berlin office", tz='Europe/Berlin')
        clock = WorkingClock(berlin)
        winter_friday, summer_monday = datetime(2026, 3, 27, 16), datetime(2026, 3, 30, 7)
        self.assertEqual(clock.plan(winter_friday, HOUR), summer_monday)

    def test_trap_13_one_read_for_many(self):
        """A thousand deadlines of one calendar cost as many queries as one."""
        self._count_queries(1)  # fills the caches of fields and access rights
        # the deadlines of 1000 minutes lie in the same window of time
        self.assertEqual(self._count_queries(1), self._count_queries(1000))

    def _count_queries(self, number):
        self.env.invalidate_all()
        clock, before = WorkingClock(self.calendar), self.env.cr.sql_log_count
        for minute in range(number):
            clock.plan(MONDAY + timedelta(minutes=minute), 8 * HOUR)
        return self.env.cr.sql_log_count - before

    def test_plan_and_count_agree(self):
        clock = WorkingClock(self.calendar)
        for seconds in (1, 60, 3 * HOUR, 8 * HOUR, 200 * HOUR + 7):
            for start in (MONDAY, MONDAY.replace(hour=3), datetime(2026, 3, 7, 12)):
                with self.subTest(seconds=seconds, start=start):
                    self.assertEqual(clock.count(start, clock.plan(start, seconds)), seconds)
