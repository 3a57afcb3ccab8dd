import psycopg2

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.crm_aftersales import vin as vins

from .common import AftersalesCommon

#: of North America, published as an example of the check digit X
AMERICAN = '1M8GDM9AXKP042788'
CHINESE = 'LSVAB4BR8EN123456'
#: of Europe, where the ninth place means something else
EUROPEAN = 'WVWZZZ1KZAW000001'


@tagged('post_install', '-at_install')
class TestVehicle(AftersalesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        category = cls.env['product.category'].create(
            {'name': "Cars", 'aftersales_is_vehicle': True}
        )
        below = cls.env['product.category'].create({'name': "Vans", 'parent_id': category.id})
        cls.van = cls.env['product.product'].create({'name': "Van", 'categ_id': below.id})

    def create_vehicle(self, **values):
        return self.env['aftersales.unit'].create(
            {'product_id': self.van.id, 'partner_id': self.customer.id, **values}
        )

    def test_check_digit(self):
        for vin, digit in (
            (AMERICAN, 'X'),
            ('11111111111111111', '1'),
            ('5GZCZ43D13S812715', '1'),
        ):
            self.assertEqual(vins.get_check_digit(vin), digit)
            self.assertTrue(vins.fits_check_digit(vin))
        self.assertFalse(vins.fits_check_digit('5GZCZ34D13S812715'), "two letters swapped")

    def test_vin_is_stored_in_one_way(self):
        vehicle = self.create_vehicle(vin=' 1m8gdm9a-xkp042788 ')
        self.assertEqual(vehicle.vin, AMERICAN)
        vehicle.vin = False
        self.assertFalse(vehicle.vin)

    def test_wrong_numbers_are_refused(self):
        for vin in ('1M8GDM9AXKP04278', '1M8GDM9AXKP04278O', '1M8GDM9AXKP042789'):
            with self.subTest(vin=vin), self.assertRaises(ValidationError):
                self.create_vehicle(vin=vin)
        with self.assertRaises(ValidationError):
            self.create_vehicle(vin=CHINESE[:8] + '0' + CHINESE[9:])

    def test_elsewhere_the_ninth_place_is_free(self):
        vehicle = self.create_vehicle(vin=EUROPEAN)
        self.assertIn("compare", vehicle.vin_hint)
        self.assertFalse(self.create_vehicle(vin=CHINESE).vin_hint)

    def test_a_vin_stands_for_one_vehicle(self):
        vehicle = self.create_vehicle(vin=EUROPEAN)
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError):
            self.create_vehicle(vin=EUROPEAN.lower())
        self.assertTrue(self.create_vehicle(vin=EUROPEAN, company_id=self.company_2.id))
        vehicle.action_retire()
        self.assertTrue(self.create_vehicle(vin=EUROPEAN))

    def test_who_has_the_fields(self):
        Unit = self.env['aftersales.unit']
        vehicle = self.create_vehicle()
        self.assertTrue(vehicle.is_vehicle)
        self.assertFalse(self.unit.is_vehicle)
        found = Unit.search([('is_vehicle', '=', True), ('partner_id', '=', self.customer.id)])
        self.assertEqual(found, vehicle)
        self.assertIn(self.unit, Unit.search([('is_vehicle', '=', False)]))

    def test_vehicles_have_an_odometer(self):
        odometer = self.env.ref('crm_aftersales.aftersales_meter_type_odometer')
        self.assertEqual(self.create_vehicle().meter_type_id, odometer)
        hours = self.env.ref('crm_aftersales.aftersales_meter_type_hours')
        self.van.aftersales_meter_type_id = hours
        self.assertEqual(self.create_vehicle().meter_type_id, hours)

    def test_found_however_it_is_written(self):
        Unit = self.env['aftersales.unit']
        vehicle = self.create_vehicle(vin=EUROPEAN, plate='京A·123 45', serial='EN-77 1')
        for text in (
            '京a12345',
            '京A-12345',
            '京Ａ１２３',
            'a123',
            'wvwzzz-1kz',
            'ｗｖｗ',
            'en 771',
        ):
            with self.subTest(text=text):
                self.assertEqual(Unit.search([('identifier', 'ilike', text)]), vehicle)
                self.assertIn(vehicle.id, [id_ for id_, _name in Unit.name_search(text)])
        self.assertEqual(Unit.search([('identifier', '=', '京A12345')]), vehicle)
        self.assertFalse(Unit.search([('identifier', '=', '京A1234')]))
        self.assertFalse(Unit.search([('identifier', 'ilike', '··')]))
        self.assertEqual(vehicle.display_name, 'Van · 京A·123 45')
        for operator, value in (('not ilike', 'EN-77'), ('!=', 'EN-77 1'), ('not in', ['EN-77 1'])):
            with self.subTest(operator=operator):
                others = Unit.search([('display_name', operator, value)])
                self.assertTrue(others)
                self.assertNotIn(vehicle, others)

    def test_found_by_an_index(self):
        if not self.registry.has_trigram:
            self.skipTest("there is no index for parts of words")
        Unit = self.env['aftersales.unit']
        query = Unit._search([('display_name', 'ilike', 'en 771')], order='id')
        self.env.flush_all()
        # whatever PostgreSQL takes for few rows
        self.env.cr.execute('SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off')
        self.env.cr.execute(SQL('EXPLAIN %s', query.select()))
        plan = '\n'.join(line for (line,) in self.env.cr.fetchall())
        self.assertIn('BitmapOr', plan)

    def test_form(self):
        with Form(self.env['aftersales.unit'].with_user(self.user_technician)) as form:
            form.product_id = self.van
            form.partner_id = self.customer
            form.vin = EUROPEAN.lower()
            form.plate = '沪B 1'
        self.assertEqual(form.record.vin, EUROPEAN)

    def test_plates_are_personal(self):
        vehicle = self.create_vehicle(vin=EUROPEAN, plate='京A12345')
        sources = self.customer._get_personal_data_sources()
        [source] = [source for source in sources if source.key == 'aftersales.unit.vehicle']
        self.assertEqual(self.customer._get_personal_records(source), vehicle)
        self.assertEqual(source.values, {'plate': False})
