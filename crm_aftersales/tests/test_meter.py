from datetime import date, datetime

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import AftersalesCommon


class MeterCase(AftersalesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.odometer, cls.pressure = cls.env['aftersales.meter.type'].create(
            [
                {'name': "Odometer", 'uom': 'km'},
                {'name': "Pressure", 'uom': 'bar', 'counts_upward': False, 'decimals': 1},
            ]
        )
        cls.unit.meter_type_id = cls.odometer

    def setUp(self):
        super().setUp()
        self.startClassPatcher(freeze_time('2026-06-30 12:00:00'))

    @classmethod
    def enter(cls, day, value, unit=None, **values):
        return cls.env['aftersales.meter.reading'].create(
            {'unit_id': (unit or cls.unit).id, 'date': day, 'value': value, **values}
        )

    @classmethod
    def enter_all(cls, *rows, unit=None):
        return cls.env['aftersales.meter.reading'].create(
            [
                {'unit_id': (unit or cls.unit).id, 'date': day, 'value': value, **values}
                for day, value, values in rows
            ]
        )


@tagged('post_install', '-at_install')
class TestMeterReading(MeterCase):
    def test_total_at_a_moment(self):
        self.assertIsNone(self.unit._get_meter_total())
        self.enter('2026-01-01', 100)
        self.enter('2026-02-01', 400)
        self.assertIsNone(self.unit._get_meter_total(date(2025, 12, 31)))
        for day, total in ((date(2026, 1, 1), 100), (date(2026, 1, 31), 100), (None, 400)):
            self.assertEqual(self.unit._get_meter_total(day), total, day)
        self.assertEqual((self.unit.meter_total, self.unit.meter_date), (400, date(2026, 2, 1)))

    def test_a_moment_is_a_local_day(self):
        self.company.resource_calendar_id.tz = 'Asia/Shanghai'
        self.enter('2026-02-02', 400)
        self.assertEqual(self.unit._get_meter_total(datetime(2026, 2, 1, 20)), 400)
        self.assertIsNone(self.unit._get_meter_total(datetime(2026, 2, 1, 12)))

    def test_it_never_falls(self):
        self.enter('2026-01-01', 100)
        with self.assertRaises(ValidationError):
            self.enter('2026-02-01', 99)
        self.enter('2026-02-01', 100)
        reading = self.enter('2026-03-01', 300)
        with self.assertRaises(ValidationError):
            reading.value = 50

    def test_out_of_order_readings_are_judged_by_their_neighbours(self):
        self.enter('2026-03-01', 300)
        self.enter('2026-01-01', 100)
        middle = self.enter('2026-02-01', 200)
        self.assertEqual(middle.total, 200)
        with self.assertRaises(ValidationError):
            self.enter('2026-02-15', 301)
        with self.assertRaises(ValidationError):
            self.enter('2026-02-15', 199)

    def test_one_batch_in_any_order(self):
        readings = self.enter_all(
            ('2026-03-01', 300, {}), ('2026-01-01', 100, {}), ('2026-02-01', 200, {})
        )
        self.assertEqual(readings.mapped('total'), [300, 100, 200])

    def test_a_replaced_meter_goes_on_counting(self):
        self.enter('2026-01-01', 900)
        replaced = self.enter('2026-02-01', 10, kind='replaced', value_before=950)
        last = self.enter('2026-03-01', 60)
        self.assertEqual((replaced.total, last.total), (950, 1000))
        replaced.value_before = 0
        self.assertEqual((replaced.total, last.total), (900, 950), "nobody knows")

    def test_a_replaced_meter_that_nobody_had_read_before(self):
        replaced = self.enter('2026-02-01', 10, kind='replaced', value_before=950)
        last = self.enter('2026-03-01', 60)
        self.assertEqual((replaced.total, last.total), (950, 1000))

    def test_a_replacement_found_later_lifts_what_came_after(self):
        self.enter('2026-01-01', 900)
        last = self.enter('2026-03-01', 1000)
        self.assertEqual(last.total, 1000)
        self.enter('2026-02-01', 0, kind='replaced', value_before=950)
        self.assertEqual(last.total, 1950)

    def test_a_correction_may_fall(self):
        self.enter('2026-01-01', 100)
        self.enter('2026-02-01', 2000)
        corrected = self.enter('2026-02-02', 220, kind='corrected')
        self.assertEqual(corrected.total, 220)
        self.assertEqual(self.enter('2026-03-01', 300).total, 300)

    def test_a_deleted_reading_brings_the_others_in_line(self):
        self.enter('2026-01-01', 900)
        replaced = self.enter('2026-02-01', 0, kind='replaced', value_before=950)
        last = self.enter('2026-03-01', 2000)
        self.assertEqual(last.total, 2950)
        replaced.unlink()
        self.assertEqual(last.total, 2000)

    def test_one_reading_a_day(self):
        self.enter('2026-01-01', 100)
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError):
            self.enter('2026-01-01', 101)

    def test_what_goes_up_and_down(self):
        self.unit.meter_type_id = self.pressure
        self.enter('2026-01-01', 2.4)
        reading = self.enter('2026-01-02', 1.26)
        self.assertEqual((reading.total, reading.state), (1.3, 'ok'))
        self.assertIsNone(self.unit._get_usage_per_day())

    def test_without_a_meter_nothing_is_read(self):
        with self.assertRaises(ValidationError):
            self.enter('2026-01-01', 1, unit=self.unit_stranger)

    def test_not_on_a_day_to_come(self):
        with self.assertRaises(ValidationError):
            self.enter('2026-07-02', 1)

    def test_what_was_read_keeps_its_meaning(self):
        self.enter('2026-01-01', 100)
        with self.assertRaises(ValidationError):
            self.unit.meter_type_id = self.pressure
        self.unit.meter_type_id = self.odometer

    def test_meter_comes_from_the_product(self):
        self.product.aftersales_meter_type_id = self.odometer
        unit = self.env['aftersales.unit'].create(
            {'product_id': self.product.id, 'partner_id': self.customer.id}
        )
        self.assertEqual(unit.meter_type_id, self.odometer)
        self.assertFalse(self.unit_stranger.meter_type_id, "not of those sold before")

    def test_another_product_leaves_what_was_read(self):
        metered = self.env['product.product'].create(
            {'name': "Boiler", 'aftersales_meter_type_id': self.pressure.id}
        )
        self.enter('2026-01-01', 100)
        self.unit.product_id = metered
        self.assertEqual(self.unit.meter_type_id, self.odometer)
        self.unit_stranger.meter_type_id = self.odometer
        self.unit_stranger.product_id = metered
        self.assertEqual(self.unit_stranger.meter_type_id, self.pressure, "never read")

    def test_below_zero_nothing_was_used(self):
        with self.assertRaises(ValidationError):
            self.enter('2026-01-01', -7)
        self.enter('2026-01-01', 100)
        for kind in ('corrected', 'replaced'):
            with self.subTest(kind), self.assertRaises(ValidationError):
                self.enter('2026-02-01', -7, kind=kind)
        self.unit_stranger.meter_type_id = self.pressure
        self.assertEqual(self.enter('2026-01-01', -0.5, unit=self.unit_stranger).total, -0.5)

    def test_the_old_meter_did_not_run_backwards(self):
        self.enter('2026-01-01', 900)
        with self.assertRaises(ValidationError):
            self.enter('2026-02-01', 0, kind='replaced', value_before=100)
        self.enter('2026-02-01', 0, kind='replaced', value_before=900)
        self.enter('2026-03-01', 0, kind='replaced')

    # ------------------------------------------------------------
    # Suspect
    # ------------------------------------------------------------

    def test_far_above_the_usual_is_suspect(self):
        self.enter('2026-01-01', 0)
        self.enter('2026-02-10', 400)  # 10 a day
        within = self.enter('2026-02-20', 900)  # 50 a day: five times
        self.assertEqual(within.state, 'ok')
        within.unlink()
        typed_twice = self.enter('2026-02-20', 4100)
        self.assertEqual(typed_twice.state, 'suspect')
        self.assertEqual(self.unit._get_meter_total(), 400, "nothing follows from it")
        after = self.enter('2026-03-01', 590)
        self.assertEqual((after.state, after.total), ('ok', 590), "not judged against it")

    def test_a_suspect_reading_counts_once_confirmed(self):
        self.enter('2026-01-01', 0)
        self.enter('2026-02-10', 400)
        suspect = self.enter('2026-02-20', 4100)
        suspect.with_user(self.user_technician).action_confirm()
        self.assertEqual(suspect.state, 'ok')
        self.assertEqual(self.unit._get_meter_total(), 4100)

    def test_confirming_what_the_next_reading_denies_is_refused(self):
        self.enter('2026-01-01', 0)
        self.enter('2026-02-10', 400)
        suspect = self.enter('2026-02-20', 4100)
        self.enter('2026-03-01', 590)
        with self.assertRaises(ValidationError):
            suspect.action_confirm()

    def test_more_than_possible_is_suspect(self):
        self.odometer.max_per_day = 2000
        self.enter('2026-01-01', 0)
        self.assertEqual(self.enter('2026-01-03', 4001).state, 'suspect')
        self.assertEqual(self.enter('2026-01-05', 8000).state, 'ok')

    def test_little_history_says_nothing(self):
        self.enter('2026-01-01', 0)
        self.enter('2026-01-06', 5)
        self.assertEqual(self.enter('2026-01-07', 500).state, 'ok')

    def test_readings_that_counted_stay(self):
        self.enter('2026-01-01', 0)
        later = self.enter('2026-06-01', 9000)
        self.enter('2026-05-01', 1200)
        self.assertEqual(later.state, 'ok', "somebody relied on it")

    def test_use_per_day(self):
        self.assertIsNone(self.unit._get_usage_per_day())
        self.enter('2024-01-01', 0)
        self.enter('2026-01-01', 5000)
        self.assertIsNone(self.unit._get_usage_per_day(), "the last year says nothing")
        self.enter('2026-01-21', 5200)
        self.assertEqual(self.unit._get_usage_per_day(), 10)
        self.assertEqual(self.unit.meter_per_day, 10)

    def test_state_and_total_follow(self):
        with self.assertRaises(AccessError):
            self.env['aftersales.meter.reading'].with_user(self.user_manager).create(
                {'unit_id': self.unit.id, 'value': 5, 'total': 7}
            )

    def test_selfcheck_finds_wrong_totals(self):
        self.enter('2026-01-01', 900)
        self.enter('2026-02-01', 10, kind='replaced', value_before=950)
        self.enter('2026-03-01', 60)
        check = self.env['crm.selfcheck']._check_aftersales_meters
        self.assertTrue(check()[0])
        self.env.cr.execute("UPDATE aftersales_meter_reading SET total = 7 WHERE value = 60")
        self.assertFalse(check()[0])

    def test_reading_costs_the_same_with_a_long_history(self):
        def enter(day):
            with self.assertQueryCount(self.budget):
                self.enter(day, 1000)
                self.env.flush_all()

        self.enter('2026-01-01', 1)
        self.budget = 30
        enter('2026-01-20')
        self.enter_all(*((f'2026-0{m}-{d:02}', 1000, {}) for m in (2, 3) for d in range(1, 29)))
        enter('2026-04-20')

    def test_list_of_the_form(self):
        unit = self.unit.with_user(self.user_technician)
        # as the list on the form does; core's Form takes its lists for many2manys
        unit.meter_reading_ids = [Command.create({'date': '2026-01-01', 'value': 77})]
        self.assertEqual(self.unit.meter_total, 77)
        self.assertEqual(self.unit.meter_reading_ids.source, 'staff')


@tagged('post_install', '-at_install')
class TestMeterLimit(MeterCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.limit = cls.env['aftersales.meter.limit'].create(
            {
                'name': "Service due",
                'meter_type_id': cls.odometer.id,
                'value': 1000,
                'request_type_id': cls.type_complaint.id,
            }
        )

    def get_alarms(self, unit=None):
        return self.env['aftersales.request'].search(
            [('unit_id', '=', (unit or self.unit).id), ('meter_limit_id', '!=', False)]
        )

    def test_crossing_raises_one_request(self):
        self.enter('2026-01-01', 999)
        self.assertFalse(self.get_alarms())
        self.enter('2026-01-10', 1000)
        alarm = self.get_alarms()
        self.assertEqual(alarm.type_id, self.type_complaint)
        self.assertEqual(alarm.partner_id, self.customer)
        self.assertIn("Service due", alarm.name)
        self.assertEqual(alarm.meter_date, date(2026, 1, 10))
        self.enter('2026-01-11', 1100)
        self.enter('2026-01-05', 999)
        self.assertEqual(self.get_alarms(), alarm)

    def test_technicians_raise_it_too(self):
        self.env['aftersales.meter.reading'].with_user(self.user_technician).create(
            {'unit_id': self.unit.id, 'date': '2026-01-01', 'value': 1200}
        )
        self.assertEqual(len(self.get_alarms()), 1)

    def test_a_suspect_reading_raises_nothing_until_confirmed(self):
        self.odometer.max_per_day = 100
        self.enter('2026-01-01', 1)
        suspect = self.enter('2026-01-02', 5000)
        self.assertEqual(suspect.state, 'suspect')
        self.assertFalse(self.get_alarms())
        suspect.action_confirm()
        self.assertEqual(len(self.get_alarms()), 1)

    def test_a_replaced_meter_makes_it_no_younger(self):
        self.enter('2026-01-01', 900)
        self.enter('2026-02-01', 0, kind='replaced')
        self.assertFalse(self.get_alarms())
        self.enter('2026-03-01', 100)
        self.assertEqual(len(self.get_alarms()), 1)

    def test_what_falls_and_rises_again_is_told_again(self):
        self.unit.meter_type_id = self.pressure
        self.env['aftersales.meter.limit'].create(
            {'meter_type_id': self.pressure.id, 'bound': 'lower', 'value': 1}
        )
        for day, value, count in (
            ('2026-01-01', 2, 0),
            ('2026-01-02', 1, 1),
            ('2026-01-03', 0.5, 1),
            ('2026-01-04', 2, 1),
            ('2026-01-05', 0.9, 2),
        ):
            self.enter(day, value)
            self.assertEqual(len(self.get_alarms()), count, day)

    def test_a_products_own_limit_comes_first(self):
        self.env['aftersales.meter.limit'].create(
            {'unit_id': self.unit.id, 'value': 5000, 'bound': 'upper'}
        )
        self.unit_stranger.meter_type_id = self.odometer
        self.enter('2026-01-01', 1500)
        self.enter('2026-01-01', 1500, unit=self.unit_stranger)
        self.assertFalse(self.get_alarms())
        self.assertEqual(len(self.get_alarms(self.unit_stranger)), 1)

    def test_a_retired_product_raises_nothing(self):
        self.unit.action_retire()
        self.enter('2026-01-01', 1500)
        self.assertFalse(self.get_alarms())

    def test_only_managers_set_limits_of_all(self):
        Limit = self.env['aftersales.meter.limit'].with_user(self.user_service)
        Limit.create({'unit_id': self.unit.id, 'value': 5, 'bound': 'upper'})
        with self.assertRaises(AccessError):
            Limit.create({'meter_type_id': self.odometer.id, 'value': 5, 'bound': 'upper'})
        with self.assertRaises(AccessError):
            self.limit.with_user(self.user_service).value = 7
        self.limit.with_user(self.user_manager).value = 7


@tagged('post_install', '-at_install')
class TestMeterRights(MeterCase):
    def test_another_companys_readings(self):
        other = self.env['aftersales.unit'].create(
            {
                'product_id': self.product.id,
                'partner_id': self.customer.id,
                'company_id': self.company_2.id,
                'meter_type_id': self.odometer.id,
            }
        )
        reading = self.enter('2026-01-01', 5, unit=other)
        Reading = self.env['aftersales.meter.reading'].with_user(self.user_service)
        self.assertFalse(Reading.search([('id', '=', reading.id)]))
        with self.assertRaises(AccessError):
            reading.with_user(self.user_service).value = 6

    def test_who_may_do_what(self):
        reading = self.enter('2026-01-01', 5)
        salesman = self._create_user('aftersales_sale', 'sales_team.group_sale_salesman')
        self.assertEqual(reading.with_user(salesman).value, 5)
        with self.assertRaises(AccessError):
            reading.with_user(salesman).value = 6
        with self.assertRaises(AccessError):
            reading.with_user(self.user_technician).unlink()
        with self.assertRaises(AccessError):
            reading.with_user(self.user_customer).read(['value'])
        reading.with_user(self.user_technician).value = 6
        reading.with_user(self.user_service).unlink()

    def test_notes_are_erased_and_given_out(self):
        reading = self.enter('2026-01-01', 5, note="Wang told by phone")
        sources = self.customer._get_personal_data_sources()
        [source] = [source for source in sources if source.key == reading._name]
        self.assertEqual(self.customer._get_personal_records(source), reading)
        self.assertEqual(source.values, {'note': False})
