from calendar import isleap
from datetime import date, timedelta
from unittest import skipUnless

from odoo.tests import BaseCase, TransactionCase, tagged

from odoo.addons.crm_customer import lunar
from odoo.addons.crm_customer.anniversary import Anniversary, get_days_between, get_next_dates

try:
    from hypothesis import given, settings, strategies
except ImportError:
    given = None

YEAR_2026 = (date(2026, 1, 1), date(2026, 12, 31))


def in_year(anniversary, year, **policies):
    return anniversary.occurrences(date(year, 1, 1), date(year, 12, 31), **policies)


@tagged('post_install', '-at_install')
class TestAnniversary(BaseCase):
    def assertDates(self, found, *expected):
        self.assertEqual([occurrence.date.isoformat() for occurrence in found], [*expected])

    def test_rule_5_2(self):
        """Born on 29 February."""
        birthday = Anniversary(2, 29, 1992)
        self.assertDates(in_year(birthday, 2026), '2026-02-28')
        self.assertDates(in_year(birthday, 2026, feb29='feb28'), '2026-02-28')
        self.assertDates(in_year(birthday, 2026, feb29='mar1'), '2026-03-01')
        for policy in ('feb28', 'mar1'):
            self.assertDates(in_year(birthday, 2028, feb29=policy), '2028-02-29')

    def test_rule_5_2_three_days_before(self):
        """T-3 counts back from the day on which the birthday is kept."""
        birthday = Anniversary(2, 29, 1992)
        ahead = timedelta(days=3)
        for policy, day in (('feb28', '2026-02-25'), ('mar1', '2026-02-26')):
            (found,) = in_year(birthday, 2026, feb29=policy)
            self.assertEqual((found.date - ahead).isoformat(), day)
        (found,) = in_year(birthday, 2028)
        self.assertEqual((found.date - ahead).isoformat(), '2028-02-26')

    def test_rule_5_3(self):
        """The year may be unknown."""
        birthday = Anniversary(3, 8)
        (found,) = in_year(birthday, 2026)
        self.assertEqual(found, (date(2026, 3, 8), 'S2026'))
        self.assertIsNone(birthday.first_date)
        self.assertIsNone(birthday.get_error(date(2026, 1, 1)))

    def test_rule_5_4_mid_autumn(self):
        birthday = Anniversary(8, 15, calendar='lunar')
        found = birthday.occurrences(date(2026, 1, 1), date(2028, 12, 31))
        self.assertDates(found, '2026-09-25', '2027-09-15', '2028-10-03')
        self.assertEqual([occurrence.key for occurrence in found], ['L2026', 'L2027', 'L2028'])

    def test_rule_5_4_last_day_of_the_year(self):
        """The 30th of the 12th month, in years in which that month has 29 days."""
        birthday = Anniversary(12, 30, calendar='lunar')
        found = {
            occurrence.key: occurrence.date.isoformat()
            for occurrence in birthday.occurrences(date(2026, 1, 1), date(2030, 12, 31))
        }
        self.assertEqual(found['L2025'], '2026-02-16')
        self.assertEqual(found['L2026'], '2027-02-05')
        self.assertEqual(found['L2029'], '2030-02-02')
        self.assertEqual(len(found), 5)

    def test_rule_5_4_leap_month(self):
        """Born on 1990-06-23, the first of leap month 5."""
        self.assertEqual(lunar.from_solar(date(1990, 6, 23)), (1990, 5, 1, True))
        birthday = Anniversary(5, 1, 1990, 'lunar', leap=True)
        self.assertEqual(birthday.first_date, date(1990, 6, 23))
        for policy in ('regular', 'leap'):
            self.assertDates(in_year(birthday, 2026, leap_month=policy), '2026-06-15')
        self.assertDates(in_year(birthday, 2028), '2028-05-24')
        self.assertDates(in_year(birthday, 2028, leap_month='leap'), '2028-06-23')

    def test_rule_5_4_twice_and_never_in_a_solar_year(self):
        birthday = Anniversary(11, 20, calendar='lunar')
        self.assertEqual(
            in_year(birthday, 2024), [(date(2024, 1, 1), 'L2023'), (date(2024, 12, 20), 'L2024')]
        )
        self.assertEqual(in_year(birthday, 2025), [])
        self.assertEqual(
            in_year(birthday, 2026), [(date(2026, 1, 8), 'L2025'), (date(2026, 12, 28), 'L2026')]
        )

    def test_not_before_the_first(self):
        wedding = Anniversary(5, 1, 2026)
        self.assertDates(
            wedding.occurrences(date(2020, 1, 1), date(2027, 12, 31)), '2026-05-01', '2027-05-01'
        )

    def test_bounds_are_included(self):
        day = Anniversary(7, 4)
        self.assertDates(day.occurrences(date(2026, 7, 4), date(2026, 7, 4)), '2026-07-04')
        self.assertEqual(day.occurrences(date(2026, 7, 5), date(2026, 7, 4)), [])

    def test_next_dates_of_all_days(self):
        today = date(2026, 12, 30)
        next_dates = get_next_dates(today)
        self.assertEqual(next_dates['solar', 12, 30, False], today)
        self.assertEqual(next_dates['solar', 12, 29, False], date(2027, 12, 29))
        self.assertEqual(next_dates['solar', 1, 1, False], date(2027, 1, 1))
        self.assertEqual(next_dates['lunar', 11, 20, False], date(2027, 12, 17))
        self.assertEqual(len(next_dates), 366 + 2 * 360)

    def test_days_between_wrap_around(self):
        days = get_days_between(date(2026, 12, 30), date(2027, 1, 2))
        solar = {day[1:3] for day in days if day[0] == 'solar'}
        self.assertEqual(solar, {(12, 30), (12, 31), (1, 1), (1, 2)})
        self.assertIn(('lunar', 11, 24, False), days)


@tagged('post_install', '-at_install')
class TestAnniversaryErrors(TransactionCase):
    def test_errors_name_what_is_wrong(self):
        today = date(2026, 6, 1)
        for day, words in (
            (Anniversary(13, 1), "month is a number"),
            (Anniversary(0, 1), "month is a number"),
            (Anniversary(4, 31), "no such day"),
            (Anniversary(2, 29, 1991), "no such day"),
            (Anniversary(2, 30), "no such day"),
            (Anniversary(1, 0), "no such day"),
            (Anniversary(5, 1, leap=True), "lunar calendar"),
            (Anniversary(5, 1, 20261), "four digits"),
            (Anniversary(5, 31, calendar='lunar'), "29 or 30"),
            (Anniversary(5, 1, 1899, 'lunar'), "from 1900 to 2100"),
            (Anniversary(5, 1, 1991, 'lunar', leap=True), "no such leap month"),
            (Anniversary(12, 30, 2025, 'lunar'), "has 29 days"),
            (Anniversary(6, 2, 2026), "future"),
            (Anniversary(12, 30, 2026, 'lunar'), "29 days"),
        ):
            with self.subTest(day=day):
                self.assertIn(words, self.env._(day.get_error(today)))
        for day in (
            Anniversary(2, 29),
            Anniversary(2, 29, 1992),
            Anniversary(12, 30, calendar='lunar'),
            Anniversary(5, 1, calendar='lunar', leap=True),
            Anniversary(6, 1, 2026),
        ):
            with self.subTest(day=day):
                self.assertIsNone(day.get_error(today))


@tagged('post_install', '-at_install')
class TestLunar(BaseCase):
    def test_published_new_years(self):
        for year, day in (
            (1900, '1900-01-31'),
            (1949, '1949-01-29'),
            (1985, '1985-02-20'),
            (2000, '2000-02-05'),
            (2023, '2023-01-22'),
            (2024, '2024-02-10'),
            (2025, '2025-01-29'),
            (2026, '2026-02-17'),
            (2033, '2033-01-31'),
            (2034, '2034-02-19'),
            (2100, '2100-02-09'),
        ):
            self.assertEqual(lunar.to_solar(year, 1, 1).isoformat(), day)

    def test_published_leap_months(self):
        leap_months = {
            2020: 4,
            2023: 2,
            2025: 6,
            2026: 0,
            2028: 5,
            2031: 3,
            2033: 11,  # not 7, as tables made before 1990 have it
            2036: 6,
            2039: 5,
        }
        for year, month in leap_months.items():
            self.assertEqual(lunar.get_leap_month(year), month, year)

    def test_months_on_which_sources_differ(self):
        self.assertEqual(lunar.from_solar(date(2057, 9, 29)), (2057, 9, 1, False))
        self.assertEqual(lunar.from_solar(date(2089, 9, 4)), (2089, 8, 1, False))
        self.assertEqual(lunar.from_solar(date(2097, 8, 7)), (2097, 7, 1, False))

    def test_every_day_there_and_back(self):
        day = lunar.FIRST_DAY
        while day <= lunar.LAST_DAY:
            self.assertEqual(lunar.to_solar(*lunar.from_solar(day)), day)
            day += timedelta(days=1)
        self.assertEqual(lunar.LAST_DAY, date(2101, 1, 28))

    def test_outside_of_the_table(self):
        for day in (date(1900, 1, 30), date(2101, 1, 29)):
            with self.assertRaises(ValueError):
                lunar.from_solar(day)
        for wrong in (
            (2101, 1, 1),
            (2026, 13, 1),
            (2026, 5, 1, True),
            (2025, 12, 30),
            (2026, 1, 0),
        ):
            with self.assertRaises(ValueError):
                lunar.to_solar(*wrong)
        self.assertEqual(
            Anniversary(8, 15, calendar='lunar').occurrences(date(2102, 1, 1), date(2105, 1, 1)), []
        )

    def test_chinese_names(self):
        self.assertEqual(lunar.format_chinese(5, 1, True), '闰五月初一')
        self.assertEqual(lunar.format_chinese(12, 30, leap_sign='閏'), '臘月三十')
        self.assertEqual(lunar.format_chinese(8, 15), '八月十五')
        self.assertEqual(lunar.format_chinese(1, 20), '正月二十')
        self.assertEqual(lunar.format_chinese(11, 29), '冬月廿九')


if given:
    DATES = strategies.dates(date(1950, 1, 1), date(2090, 12, 31))
    SOLAR = strategies.dates(date(2000, 1, 1), date(2000, 12, 31)).map(
        lambda day: Anniversary(day.month, day.day)
    )
    LUNAR = strategies.builds(
        Anniversary,
        strategies.integers(1, 12),
        strategies.integers(1, 30),
        calendar=strategies.just('lunar'),
        leap=strategies.booleans(),
    )
    POLICIES = strategies.fixed_dictionaries(
        {
            'feb29': strategies.sampled_from(['feb28', 'mar1']),
            'leap_month': strategies.sampled_from(['regular', 'leap']),
        }
    )
    few = settings(max_examples=100, deadline=None, derandomize=True, database=None)


@tagged('post_install', '-at_install')
@skipUnless(given, "needs hypothesis")
class TestAnniversaryProperties(BaseCase):
    if given:

        @few
        @given(SOLAR, strategies.integers(1900, 2100), POLICIES)
        def test_solar_once_per_year(self, anniversary, year, policies):
            (found,) = in_year(anniversary, year, **policies)
            self.assertEqual(found.key, f'S{year}')
            if (anniversary.month, anniversary.day) != (2, 29) or isleap(year):
                self.assertEqual(
                    (found.date.month, found.date.day), (anniversary.month, anniversary.day)
                )

        @few
        @given(LUNAR, strategies.integers(1900, 2099), POLICIES)
        def test_lunar_once_per_lunar_year(self, anniversary, year, policies):
            first, last = lunar.to_solar(year, 1, 1), lunar.to_solar(year + 1, 1, 1)
            (found,) = anniversary.occurrences(first, last - timedelta(days=1), **policies)
            self.assertEqual(found.key, f'L{year}')
            day = lunar.from_solar(found.date)
            self.assertEqual((day.year, day.month), (year, anniversary.month))
            month_days = lunar.get_month_days(year, day.month, day.leap)
            self.assertEqual(day.day, min(anniversary.day, month_days))

        @few
        @given(strategies.one_of(SOLAR, LUNAR), DATES, DATES, DATES, POLICIES)
        def test_spans_add_up(self, anniversary, day_1, day_2, day_3, policies):
            first, middle, last = sorted((day_1, day_2, day_3))
            whole = anniversary.occurrences(first, last, **policies)
            parts = anniversary.occurrences(first, middle, **policies)
            parts += anniversary.occurrences(middle + timedelta(days=1), last, **policies)
            self.assertEqual(whole, parts)
            self.assertEqual(whole, sorted(whole, key=lambda occurrence: occurrence.date))
            self.assertEqual(len({occurrence.key for occurrence in whole}), len(whole))

        @few
        @given(strategies.one_of(SOLAR, LUNAR), DATES, POLICIES)
        def test_next_date_is_the_first_from_today(self, anniversary, today, policies):
            expected = anniversary.occurrences(today, date(today.year + 2, 12, 31), **policies)[0]
            next_dates = get_next_dates(today, **policies)
            self.assertEqual(next_dates[anniversary.day_of_year], expected.date)
