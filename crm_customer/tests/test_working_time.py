from datetime import datetime, timedelta

from odoo.tests import tagged

from ..working_time import WorkingClock
from .common import CrmCustomerCommon

# A Monday, 09:00 UTC
MONDAY = datetime(2026, 3, 2, 9)
HOUR = 3600
DAY = timedelta(days=1)


@tagged('post_install', '-at_install')
class TestWorkingTime(CrmCustomerCommon):
    """Numbers are those of the list of known traps of working-time clocks."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calendar = cls.create_calendar("Mon-Fri 8-12, 13-17")

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
        empty = self.create_calendar("Closed", hours=())
        self.assertIsNone(WorkingClock(empty).plan(MONDAY, HOUR))
        self.assertEqual(WorkingClock(empty).count(MONDAY, MONDAY + timedelta(days=7)), 0)

    def test_trap_3_no_calendar_is_around_the_clock(self):
        clock = WorkingClock(self.env['resource.calendar'])
        self.assertEqual(clock.plan(MONDAY, 30 * HOUR), MONDAY + timedelta(hours=30))
        self.assertEqual(clock.count(MONDAY, MONDAY + timedelta(hours=30)), 30 * HOUR)
        self.assertEqual(clock.count(MONDAY, MONDAY - timedelta(hours=1)), 0)

    def test_trap_4_blocks_until_midnight_are_whole(self):
        always = self.create_calendar("Always", hours=((0, 12), (12, 24)), days=range(7))
        clock = WorkingClock(always)
        self.assertEqual(clock.count(MONDAY, MONDAY + timedelta(days=2)), 48 * HOUR)
        self.assertEqual(clock.plan(MONDAY, 48 * HOUR), MONDAY + timedelta(days=2))

    def test_trap_5_daylight_saving(self):
        berlin = self.create_calendar(
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
        berlin = self.create_calendar("Berlin office", tz='Europe/Berlin')
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

    def test_queries_with_extra_days(self):
        self._add_extra_saturdays(1)
        self._count_queries(1)
        few = self._count_queries(100)
        self._add_extra_saturdays(50)
        self._count_queries(1)
        self.assertEqual(self._count_queries(100), few, "50 extra days cost no query more")

    def _add_extra_saturdays(self, number):
        self.calendar.extra_day_ids.unlink()
        saturday = datetime(2026, 3, 7)
        self.env['crm.calendar.extra.day'].create(
            [
                {'calendar_id': self.calendar.id, 'date': saturday + week * 7 * DAY}
                for week in range(number)
            ]
        )

    def test_an_end_before_the_start_counts_as_nothing(self):
        clock = WorkingClock(self.calendar)
        self.assertEqual(clock.count(MONDAY + timedelta(hours=1), MONDAY), 0)

    def test_plan_and_count_agree(self):
        clock = WorkingClock(self.calendar)
        for seconds in (1, 60, 3 * HOUR, 8 * HOUR, 200 * HOUR + 7):
            for start in (MONDAY, MONDAY.replace(hour=3), datetime(2026, 3, 7, 12)):
                with self.subTest(seconds=seconds, start=start):
                    self.assertEqual(clock.count(start, clock.plan(start, seconds)), seconds)

    # ------------------------------------------------------------
    # Extra working days
    # ------------------------------------------------------------

    def test_b7_3_make_up_day(self):
        """Friday 17:00 and 4 hours: Saturday 12:00 on a make-up day, else Monday 12:00."""
        calendar = self.create_calendar(
            "5x8", hours=((9, 12), (13, 18)), tz='Asia/Shanghai', company_id=self.company.id
        )
        friday = datetime(2026, 5, 8, 9)  # 17:00 in Shanghai
        self.assertEqual(
            WorkingClock(calendar).plan(friday, 4 * HOUR), datetime(2026, 5, 11, 4), "Monday 12:00"
        )
        self.env['crm.calendar.extra.day'].create(
            {'calendar_id': calendar.id, 'date': '2026-05-09', 'dayofweek': '0'}
        )
        clock = WorkingClock(calendar)
        self.assertEqual(clock.plan(friday, 4 * HOUR), datetime(2026, 5, 9, 4), "Saturday 12:00")
        self.assertEqual(clock.count(friday, datetime(2026, 5, 9, 4)), 4 * HOUR)

    def add_extra_day(self, day, calendar=None, **values):
        calendar = calendar or self.calendar
        return self.env['crm.calendar.extra.day'].create(
            {'calendar_id': calendar.id, 'date': day, **values}
        )

    def add_holiday(self, start, stop, calendar=None, **values):
        return self.env['resource.calendar.leaves'].create(
            {
                'name': "Holiday",
                'calendar_id': calendar and calendar.id,
                'date_from': start,
                'date_to': stop,
                **values,
            }
        )

    def count_day(self, day, calendar=None, company=None):
        """Return the hours worked on a day in UTC."""
        clock = WorkingClock(self.calendar if calendar is None else calendar, company)
        return clock.count(day, day + DAY) / HOUR

    def test_extra_day_is_not_counted_twice(self):
        self.add_extra_day('2026-03-03')
        self.assertEqual(self.count_day(datetime(2026, 3, 3)), 8)

    def test_own_hours_add_to_a_working_day(self):
        self.add_extra_day('2026-03-03', hours_as='own', hour_from=16, hour_to=20)
        self.assertEqual(self.count_day(datetime(2026, 3, 3)), 11, "16-17 is worked anyway")

    def test_own_hours_with_a_break(self):
        self.add_extra_day(
            '2026-03-07', hours_as='own', hour_from=10, break_from=12, break_to=12.5, hour_to=24
        )
        self.assertEqual(self.count_day(datetime(2026, 3, 7)), 13.5)
        clock = WorkingClock(self.calendar)
        self.assertEqual(clock.next_opening(datetime(2026, 3, 7, 12)), datetime(2026, 3, 7, 12, 30))
        self.assertTrue(clock.is_working(datetime(2026, 3, 7, 23, 59, 59)))
        self.assertFalse(clock.is_working(datetime(2026, 3, 8)))

    def test_extra_day_wins_over_a_holiday(self):
        """Somebody typed this very day: a holiday around it was entered as a range."""
        self.add_holiday(datetime(2026, 3, 2), datetime(2026, 3, 8, 23, 59, 59), self.calendar)
        self.assertEqual(self.count_day(datetime(2026, 3, 4)), 0)
        self.add_extra_day('2026-03-04')
        self.add_extra_day('2026-03-07', hours_as='own', hour_from=9, hour_to=13)
        self.assertEqual(self.count_day(datetime(2026, 3, 4)), 8)
        self.assertEqual(self.count_day(datetime(2026, 3, 7)), 4)

    def test_two_weeks_take_turns(self):
        calendar = self.create_calendar("Two weeks", hours=())
        calendar.two_weeks_calendar = True
        attendance = self.env['resource.calendar.attendance']
        week = str(attendance.get_week_type(datetime(2026, 3, 2)))
        for week_type, hours in ((week, (8, 12)), (str(1 - int(week)), (8, 17))):
            vals = self.prepare_attendance_vals(0, *hours, week_type=week_type)
            attendance.create({**vals, 'calendar_id': calendar.id})
        self.add_extra_day('2026-03-07', calendar)
        self.add_extra_day('2026-03-14', calendar)
        hours = [self.count_day(datetime(2026, 3, day), calendar) for day in (2, 7, 9, 14)]
        self.assertEqual(hours, [4, 4, 9, 9], "a Saturday has the hours of its own week's Monday")

    def test_flexible_hours(self):
        """Core draws the hours of a day around noon and the week from its Monday."""
        calendar = self.create_calendar(
            "Flexible",
            tz='Asia/Shanghai',
            schedule_type='flexible',
            hours_per_day=8,
            full_time_required_hours=40,
        )
        self.add_extra_day('2026-03-07', calendar)
        monday = datetime(2026, 3, 1, 16)  # midnight in Shanghai
        hours = [self.count_day(monday + number * DAY, calendar) for number in range(7)]
        self.assertEqual(hours, [8, 8, 8, 8, 8, 8, 0])

    def test_daylight_saving_on_an_extra_day(self):
        """The night shift of Saturday 28 March loses an hour."""
        berlin = self.create_calendar("Berlin", tz='Europe/Berlin')
        self.add_extra_day('2026-03-28', berlin, hours_as='own', hour_from=20, hour_to=24)
        self.add_extra_day('2026-03-29', berlin, hours_as='own', hour_from=0, hour_to=6)
        clock = WorkingClock(berlin)
        start = datetime(2026, 3, 28, 19)
        self.assertEqual(clock.plan(start, 9 * HOUR), datetime(2026, 3, 29, 4))
        self.assertEqual(clock.count(start, start + DAY), 9 * HOUR)

    # ------------------------------------------------------------
    # Companies
    # ------------------------------------------------------------

    def test_holidays_of_another_company(self):
        """A holiday of a whole company closes no other one, whoever looks."""
        holiday = self.add_holiday(datetime(2026, 3, 3), datetime(2026, 3, 3, 23, 59, 59))
        holiday.company_id = self.other_company
        hours = [
            self.count_day(datetime(2026, 3, 3), company=company)
            for company in (self.company, self.other_company)
        ]
        self.assertEqual(hours, [8, 0])

    # ------------------------------------------------------------
    # Open or not, and when again
    # ------------------------------------------------------------

    def test_is_working(self):
        clock = WorkingClock(self.calendar)
        for moment, expected in (
            (datetime(2026, 3, 2, 7, 59, 59), False),
            (datetime(2026, 3, 2, 8), True),
            (datetime(2026, 3, 2, 11, 59, 59, 999999), True),
            (datetime(2026, 3, 2, 12), False),
            (datetime(2026, 3, 7, 10), False),
        ):
            with self.subTest(moment=moment):
                self.assertEqual(clock.is_working(moment), expected)
        self.assertTrue(WorkingClock(self.env['resource.calendar']).is_working(MONDAY))

    def test_next_opening(self):
        clock = WorkingClock(self.calendar)
        self.assertEqual(clock.next_opening(MONDAY), MONDAY)
        self.assertEqual(clock.next_opening(datetime(2026, 3, 6, 17)), datetime(2026, 3, 9, 8))
        always = WorkingClock(self.env['resource.calendar'])
        self.assertEqual(always.next_opening(MONDAY), MONDAY)
        self.assertIsNone(
            WorkingClock(self.create_calendar("Closed", hours=())).next_opening(MONDAY)
        )
