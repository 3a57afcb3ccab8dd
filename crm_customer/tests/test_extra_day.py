from datetime import date

import psycopg2

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestExtraDay(CrmCustomerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.calendar = cls.create_calendar("Mon-Fri", hours=((9, 12), (13, 18)))
        cls.ExtraDay = cls.env['crm.calendar.extra.day']

    def create_day(self, day='2026-05-09', **values):
        return self.ExtraDay.create({'calendar_id': self.calendar.id, 'date': day, **values})

    def test_schedule(self):
        self.assertEqual(self.create_day().schedule, "09:00–12:00, 13:00–18:00")
        own = self.create_day(
            '2026-05-10', hours_as='own', hour_from=9.5, break_from=12, break_to=13, hour_to=24
        )
        self.assertEqual(own.schedule, "09:30–12:00, 13:00–24:00")

    def test_one_row_per_day(self):
        self.create_day()
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError):
            self.create_day()

    def test_wrong_hours(self):
        for values in (
            {'hour_from': 18, 'hour_to': 9},
            {'hour_from': -1, 'hour_to': 9},
            {'hour_from': 9, 'hour_to': 25},
            {'hour_from': 9, 'hour_to': 12, 'break_from': 13, 'break_to': 14},
            {'hour_from': 9, 'hour_to': 12, 'break_from': 11, 'break_to': 10},
        ):
            with (
                self.subTest(values=values),
                mute_logger('odoo.sql_db'),
                self.assertRaises(psycopg2.IntegrityError),
                self.env.cr.savepoint(),
            ):
                self.create_day(hours_as='own', **values)

    def test_weekday_without_hours(self):
        with self.assertRaisesRegex(ValidationError, "Saturday"):
            self.create_day(dayofweek='5')

    def test_copy_of_a_calendar(self):
        self.create_day()
        copy = self.calendar.copy()
        self.assertEqual(copy.extra_day_ids.mapped('date'), [date(2026, 5, 9)])

    # ------------------------------------------------------------
    # Many at once
    # ------------------------------------------------------------

    def add_days(self, dates, calendars=None, **values):
        self.env['crm.calendar.extra.day.add'].create(
            {'calendar_ids': (calendars or self.calendar).ids, 'dates': dates, **values}
        ).action_add()

    def test_add_several(self):
        other = self.create_calendar("Workshop")
        self.create_day('2026-02-14', name="known")
        self.add_days(
            "2026-02-14\n2026/2/28, 2026.5.9；2026年9月20日", self.calendar + other, name="调休"
        )
        expected = [date(2026, 9, 20), date(2026, 5, 9), date(2026, 2, 28), date(2026, 2, 14)]
        for calendar in self.calendar + other:
            self.assertEqual(calendar.extra_day_ids.sorted('date').mapped('date'), expected[::-1])
        self.assertEqual(
            set(self.calendar.extra_day_ids.mapped('name')), {"known", "调休"}, "no day twice"
        )

    def test_add_several_says_what_is_no_date(self):
        for dates, wrong in (("2026-02-30 2026-05-09", "2026-02-30"), ("May 9", "May and 9")):
            with self.assertRaisesRegex(UserError, wrong):
                self.add_days(dates)
        self.assertFalse(self.calendar.extra_day_ids)

    # ------------------------------------------------------------
    # Access
    # ------------------------------------------------------------

    def test_roles(self):
        self.create_day()
        self.assertEqual(len(self.calendar.with_user(self.user_employee).extra_day_ids), 1)
        with self.assertRaises(AccessError):
            self.ExtraDay.with_user(self.user_all).create(
                {'calendar_id': self.calendar.id, 'date': '2026-05-10'}
            )
        self.ExtraDay.with_user(self.user_manager).create(
            {'calendar_id': self.calendar.id, 'date': '2026-05-10'}
        )

    def test_companies(self):
        self.calendar.company_id = self.other_company
        day = self.create_day()
        self.assertFalse(self.ExtraDay.with_user(self.user_manager).search([('id', '=', day.id)]))
