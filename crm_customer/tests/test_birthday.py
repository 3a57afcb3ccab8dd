from datetime import date, timedelta

from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.fields import Domain
from odoo.tests import Form, tagged

from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestBirthday(CrmCustomerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.solar = cls.person("Solar", 3, 8, 1990)
        cls.leap_day = cls.person("Leap day", 2, 29, 1992)
        cls.new_year = cls.person("New year", 1, 2)
        cls.lunar = cls.person("Lunar", 8, 15, calendar='lunar')
        cls.winter = cls.person("Winter", 11, 20, 1980, calendar='lunar')
        cls.leap_month = cls.person("Leap month", 5, 1, 1990, calendar='lunar', leap=True)
        cls.year_only = cls.env['res.partner'].create({'name': "Year only", 'birth_year': 1985})
        cls.people = cls.env['res.partner'].browse(
            [
                *cls.solar.ids,
                *cls.leap_day.ids,
                *cls.new_year.ids,
                *cls.lunar.ids,
                *cls.winter.ids,
                *cls.leap_month.ids,
                *cls.year_only.ids,
            ]
        )

    @classmethod
    def person(cls, name, month, day, year=False, calendar=False, leap=False):
        return cls.env['res.partner'].create(
            {
                'name': name,
                'birth_month': month,
                'birth_day': day,
                'birth_year': year,
                'birth_calendar': calendar,
                'birth_leap_month': leap,
            }
        )

    def found(self, *domain):
        return self.env['res.partner'].search([('id', 'in', self.people.ids), *domain])

    # ------------------------------------------------------------
    # RULES
    # ------------------------------------------------------------

    def test_rule_5_2_by_company(self):
        with freeze_time('2026-02-01'):
            self.assertEqual(self.leap_day.birthday_next, date(2026, 2, 28))
            self.company.crm_anniversary_feb29 = 'mar1'
            self.leap_day.invalidate_recordset()
            self.assertEqual(self.leap_day.birthday_next, date(2026, 3, 1))
            self.assertEqual(self.found(('birthday_next', '=', '2026-03-01')), self.leap_day)
            other = self.leap_day.with_company(self.other_company)
            self.assertEqual(other.birthday_next, date(2026, 2, 28))

    def test_rule_5_3_age_hidden(self):
        with freeze_time('2026-02-01'):
            self.assertEqual(self.new_year.birthday_text, "January 2")
            self.assertEqual(self.solar.birthday_text, "March 8 (turns 36)")
            self.assertFalse(self.year_only.birthday_text)

    def test_rule_5_4_next(self):
        with freeze_time('2026-02-01'):
            self.assertEqual(self.lunar.birthday_next, date(2026, 9, 25))
            self.assertEqual(self.winter.birthday_next, date(2026, 12, 28))
            self.assertEqual(self.leap_month.birthday_next, date(2026, 6, 15))
        with freeze_time('2028-05-01'):
            self.people.invalidate_recordset()
            self.assertEqual(self.leap_month.birthday_next, date(2028, 5, 24))
            self.company.crm_anniversary_leap_month = 'leap'
            self.leap_month.invalidate_recordset()
            self.assertEqual(self.leap_month.birthday_next, date(2028, 6, 23))

    def test_rule_5_4_keys(self):
        birthdays = self.people._get_birthdays(date(2024, 1, 1), date(2024, 12, 31))
        self.assertEqual(
            birthdays[self.winter.id],
            [(date(2024, 1, 1), 'L2023'), (date(2024, 12, 20), 'L2024')],
        )
        self.assertEqual(birthdays[self.solar.id], [(date(2024, 3, 8), 'S2024')])
        self.assertNotIn(self.year_only.id, birthdays)
        self.assertNotIn(
            self.winter.id, self.people._get_birthdays(date(2025, 1, 1), date(2025, 12, 31))
        )

    def test_text_of_lunar_days(self):
        with freeze_time('2026-02-01'):
            self.assertEqual(self.winter.birthday_text, "day 20 of lunar month 11 (turns 46)")
            self.env['res.lang']._activate_lang('zh_CN')
            self.env['res.lang']._activate_lang('zh_TW')
            chinese = self.leap_month.with_context(lang='zh_CN')
            self.assertIn("农历闰五月初一", chinese.birthday_text)
            self.assertIn("農曆閏五月初一", chinese.with_context(lang='zh_TW').birthday_text)

    # ------------------------------------------------------------
    # SEARCH
    # ------------------------------------------------------------

    def test_next_seven_days_over_the_new_year(self):
        next_days = ('birthday_next', '<=', 'today +7d')
        with freeze_time('2026-12-27'):
            self.assertEqual(self.found(next_days), self.new_year | self.winter)
        with freeze_time('2026-12-29'):
            self.assertEqual(self.found(next_days), self.new_year)
        with freeze_time('2026-02-21'):
            self.assertEqual(self.found(next_days), self.leap_day)

    def test_this_month_before_and_after_today(self):
        this_month = ('birthday_this_month', '=', True)
        with freeze_time('2026-03-31'):
            self.assertEqual(self.found(this_month), self.solar)
            self.assertTrue(self.solar.birthday_this_month)
            self.assertFalse(self.leap_day.birthday_this_month)
            self.assertEqual(
                self.found(('birthday_this_month', '=', False)), self.people - self.solar
            )
        with freeze_time('2026-01-31'):
            self.assertEqual(self.found(this_month), self.new_year | self.winter)

    def test_search_says_what_the_field_says(self):
        """Every operator, on days around which something happens."""
        for today in ('2024-01-01', '2026-02-27', '2026-12-28', '2028-05-24'):
            with freeze_time(today):
                self.people.invalidate_recordset()
                dates = {partner: partner.birthday_next for partner in self.people}
                days = {day for day in dates.values() if day}
                for day in [*days, *(day + timedelta(days=1) for day in days)]:
                    for operator, compare in (
                        ('=', date.__eq__),
                        ('<', date.__lt__),
                        ('<=', date.__le__),
                        ('>', date.__gt__),
                        ('>=', date.__ge__),
                    ):
                        with self.subTest(today=today, operator=operator, day=day):
                            expected = self.people.filtered(
                                lambda p: dates[p] and compare(dates[p], day)  # noqa: B023
                            )
                            domain = Domain('birthday_next', operator, day)
                            self.assertEqual(self.found(domain), expected)
                            self.assertEqual(self.people.filtered_domain(domain), expected)
                self.assertEqual(self.found(('birthday_next', '=', False)), self.year_only)
                self.assertEqual(
                    self.found(('birthday_next', '!=', False)), self.people - self.year_only
                )

    def test_birthdays_in_a_span(self):
        Partner = self.env['res.partner']
        domain = Partner._get_birthday_domain(date(2026, 12, 27), date(2027, 1, 2))
        self.assertEqual(self.found(*domain), self.new_year | self.winter)

    def test_one_statement_for_any_number(self):
        partners = self.env['res.partner'].create(
            [{'name': f"P {day}", 'birth_month': 7, 'birth_day': day % 31 + 1} for day in range(60)]
        )
        self.env.flush_all()
        self.env.invalidate_all()
        self.env['res.partner']._get_next_anniversary_dates()  # company and user are read once
        with self.assertQueryCount(1):
            partners._get_birthdays(date(2026, 7, 1), date(2026, 7, 31))
        with self.assertQueryCount(1):
            self.env['res.partner'].search_count([('birthday_next', '<=', 'today +7d')])

    # ------------------------------------------------------------
    # VALIDATION
    # ------------------------------------------------------------

    def test_errors(self):
        for values, words in (
            (
                {'birth_month': 2, 'birth_day': 30},
                "Birthday of Stranger: The month has no such day",
            ),
            ({'birth_month': 3}, "both the day and the month"),
            ({'birth_day': 3}, "both the day and the month"),
            ({'birth_year': 26}, "26 is no year of birth"),
            ({'birth_month': 5, 'birth_day': 3, 'birth_year': 85}, "85 is no year of birth"),
            ({'birth_month': 1, 'birth_day': 1, 'birth_leap_month': True}, "lunar calendar"),
            (
                {'birth_month': 5, 'birth_day': 1, 'birth_year': 2150},
                "future",
            ),
        ):
            with (
                self.subTest(values=values),
                self.assertRaisesRegex(ValidationError, words),
                self.env.cr.savepoint(),
            ):
                self.stranger.write(values)

    def test_form(self):
        with freeze_time('2026-02-01'):
            form = Form(self.stranger)
            form.birth_day = 15
            form.birth_month = 8
            form.birth_calendar = 'lunar'
            self.assertEqual(form.birthday_next, date(2026, 9, 25))
            form.save()
        self.assertEqual(self.stranger.birth_month, 8)

    def test_merge_takes_a_birthday_whole(self):
        wizard = self.env['base.partner.merge.automatic.wizard']
        wizard.create({})._merge((self.solar | self.lunar).ids, self.solar)
        self.assertRecordValues(
            self.solar,
            [{'birth_month': 3, 'birth_day': 8, 'birth_year': 1990, 'birth_calendar': False}],
        )
        wizard.create({})._merge((self.stranger | self.leap_month).ids, self.stranger)
        self.assertRecordValues(
            self.stranger,
            [
                {
                    'birth_month': 5,
                    'birth_day': 1,
                    'birth_year': 1990,
                    'birth_calendar': 'lunar',
                    'birth_leap_month': True,
                }
            ],
        )

    def test_typed_into_the_form(self):
        """What is typed before it is refused or finished breaks nothing."""
        with Form(self.solar) as form:
            form.birth_year = 2999  # refused when saved; the words beside it are shown before
            self.assertNotIn('turns', form.birthday_text)
            form.birth_year = 1990
        with Form(self.leap_month) as form:
            form.birth_calendar = 'solar'
        self.assertFalse(self.leap_month.birth_leap_month, "its box is hidden now")
        with Form(self.env['crm.anniversary']) as form:
            form.partner_id = self.solar
            form.month, form.day, form.calendar, form.leap_month = 6, 1, 'lunar', True
            form.calendar = 'solar'


@tagged('post_install', '-at_install')
class TestCustomerAnniversary(CrmCustomerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.wedding = cls.env['crm.anniversary'].create(
            {'partner_id': cls.stranger.id, 'kind': 'wedding', 'month': 2, 'day': 29, 'year': 2020}
        )
        cls.founding = cls.env['crm.anniversary'].create(
            {
                'partner_id': cls.customer.id,
                'kind': 'founding',
                'month': 12,
                'day': 30,
                'calendar': 'lunar',
            }
        )

    def test_next(self):
        with freeze_time('2026-02-10'):
            self.assertEqual(self.wedding.next_date, date(2026, 2, 28))
            self.assertEqual(self.founding.next_date, date(2026, 2, 16))
            anniversaries = self.wedding | self.founding
            domain = [('id', 'in', anniversaries.ids), ('next_date', '<=', 'today +7d')]
            self.assertEqual(self.env['crm.anniversary'].search(domain), self.founding)
            customers = self.env['res.partner'].search(
                [('anniversary_ids.next_date', '=', '2026-02-28')]
            )
            self.assertEqual(customers, self.stranger)

    def test_names(self):
        self.assertEqual(self.wedding.display_name, "Wedding")
        self.wedding.write({'kind': 'other', 'name': "Opening of the shop"})
        self.assertEqual(self.wedding.display_name, "Opening of the shop")

    def test_errors(self):
        for record, values, words in (
            (self.wedding, {'year': 2021}, "Wedding of Stranger: .* no such day"),
            (self.founding, {'day': 31}, "29 or 30 days"),
        ):
            with self.assertRaisesRegex(ValidationError, words), self.env.cr.savepoint():
                record.write(values)

    def test_companies(self):
        self.stranger.company_id = self.other_company
        seen = self.env['crm.anniversary'].with_user(self.user_salesman)
        self.assertFalse(seen.search([('id', '=', self.wedding.id)]))
        self.assertTrue(seen.search([('id', '=', self.founding.id)]))
