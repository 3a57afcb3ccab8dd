from datetime import date

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestUnit(AftersalesCommon):
    def _create_unit(self, **values):
        return self.env['aftersales.unit'].create(
            {'product_id': self.product.id, 'partner_id': self.customer.id, **values}
        )

    def test_reference_and_name(self):
        unit = self._create_unit(serial='X 9')
        self.assertRegex(unit.ref, r'^CP\d{5}$')
        self.assertEqual(unit.name, "Pump")
        self.assertEqual(unit.display_name, "Pump · X 9")
        self.assertEqual(unit.commercial_partner_id, self.customer_company)

    def test_serial_is_normalised(self):
        for serial, norm in (
            ('ab-12 34', 'AB1234'),
            (' ab\t12–34_', 'AB1234'),
            ('ＡＢ－１２　３４', 'AB1234'),
            ('  ', False),
            (False, False),
        ):
            with self.subTest(serial=serial):
                self.assertEqual(self._create_unit().copy({'serial': serial}).serial_norm, norm)
                self.env['aftersales.unit'].search([('serial_norm', '=', 'AB1234')]).unlink()

    def test_blanks_around_a_serial_number(self):
        unit = self.unit.copy({'serial': "  em 80001 "})
        self.assertEqual(unit.serial, "em 80001")
        unit.serial = "\u3000 "
        self.assertFalse(unit.serial or unit.serial_norm)

    def test_same_serial_of_same_product_only_once(self):
        self._create_unit(serial='ab-1')
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError):
            self._create_unit(serial='A B 1')
        other = self.env['product.product'].create({'name': "Other"})
        self.assertTrue(self._create_unit(serial='AB1', product_id=other.id))
        self.assertTrue(self._create_unit(serial='AB1', company_id=self.company_2.id))

    def test_retired_serial_can_be_registered_again(self):
        unit = self._create_unit(serial='ab-1')
        unit.action_retire()
        self.assertTrue(self._create_unit(serial='AB1'))

    def test_many_units_without_serial(self):
        self.assertEqual(len(self._create_unit() + self._create_unit(serial='')), 2)

    def test_warranty_end_is_the_last_day(self):
        for start, months, end in (
            (date(2026, 3, 2), 36, date(2029, 3, 1)),
            (date(2026, 1, 31), 24, date(2028, 1, 30)),
            (date(2024, 2, 29), 12, date(2025, 2, 27)),
            (date(2024, 2, 29), 48, date(2028, 2, 28)),
            (date(2026, 3, 2), 6, date(2026, 9, 1)),
            (date(2025, 8, 31), 6, date(2026, 2, 27)),
        ):
            with self.subTest(start=start, months=months):
                unit = self._create_unit(date_delivered=start, warranty_months=months)
                self.assertEqual(unit.warranty_start, start)
                self.assertEqual(unit.warranty_end, end)

    def test_no_term_is_no_end(self):
        unit = self._create_unit(date_delivered='2026-03-02', warranty_months=0)
        self.assertFalse(unit.warranty_end)
        self.assertEqual(unit.warranty_state, 'none')

    def test_not_delivered_no_end(self):
        unit = self._create_unit(state='draft')
        self.assertEqual(unit.warranty_months, 24)
        self.assertFalse(unit.warranty_end)
        with freeze_time('2026-03-02 10:00:00'):
            unit.action_deliver()
        self.assertEqual(unit.state, 'active')
        self.assertEqual(unit.warranty_end, date(2028, 3, 1))

    def test_terms_are_frozen(self):
        unit = self._create_unit(date_delivered='2026-03-02')
        unit.warranty_months = 30  # extended by hand
        self.product.aftersales_warranty_months = 6
        self.env.flush_all()
        self.assertEqual(unit.warranty_months, 30)
        self.assertEqual(unit.warranty_end, date(2028, 9, 1))

    def test_warranty_state_read_and_searched_agree(self):
        units = (
            self._create_unit(date_delivered='2024-03-02')
            + self._create_unit(date_delivered='2026-03-02')
            + self._create_unit()
        )
        seen = set()
        for day in ('2026-03-01 12:00:00', '2026-03-02 12:00:00', '2028-03-02 12:00:00'):
            with freeze_time(day):
                units.invalidate_recordset(['warranty_state'])
                for state in ('none', 'in_warranty', 'expired'):
                    expected = units.filtered(lambda u, state=state: u.warranty_state == state)
                    found = units.search([('id', 'in', units.ids), ('warranty_state', '=', state)])
                    self.assertEqual(found, expected.sorted(), (day, state))
                    seen.add(state)
        with freeze_time('2026-03-01 12:00:00'):
            units.invalidate_recordset(['warranty_state'])
            self.assertEqual(units[0].warranty_state, 'in_warranty', "the last day is covered")
        with freeze_time('2026-03-02 12:00:00'):
            units.invalidate_recordset(['warranty_state'])
            self.assertEqual(units[0].warranty_state, 'expired')

    def test_unit_with_requests_is_not_deleted(self):
        self._create_request()
        with self.assertRaises(UserError):
            self.unit.unlink()

    def test_form(self):
        with Form(self.env['aftersales.unit'].with_user(self.user_technician)) as form:
            form.product_id = self.product
            form.partner_id = self.customer
            form.serial = 'S-77'
            form.date_delivered = '2026-03-02'
            self.assertEqual(form.name, "Pump")
            self.assertEqual(form.warranty_months, 24)
            self.assertEqual(form.warranty_end, date(2028, 3, 1))

    def test_company_stays(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.product.company_id = False
        unit = self.env['aftersales.unit'].create(
            {
                'product_id': self.product.id,
                'partner_id': self.customer.id,
                'date_delivered': '2026-01-10',
            }
        )
        with self.assertRaises(UserError):
            unit.company_id = other
        unit.company_id = self.company
        entered_wrongly = self.unit.copy()
        entered_wrongly.company_id = other
        self.assertEqual(entered_wrongly.company_id, other)

    def test_negative_warranty_is_refused(self):
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError):
            self._create_unit(warranty_months=-1)
