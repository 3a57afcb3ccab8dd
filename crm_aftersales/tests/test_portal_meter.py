from odoo import fields, http
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestPortalMeter(AftersalesCommon, HttpCase):
    """The owner reads the meter of his product."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.meter = cls.env['aftersales.meter.type'].create({'name': "Hours", 'uom': "h"})
        (cls.unit + cls.unit_stranger).meter_type_id = cls.meter

    def _send(self, value, unit=None, csrf=True):
        unit = unit or self.unit
        token = http.Request.csrf_token(self) if csrf else ''
        data = {'value': value, 'csrf_token': token}
        return self.url_open(f'/my/equipment/{unit.id}/meter', data=data)

    def test_reading(self):
        self.authenticate('aftersales_customer', 'aftersales_customer')
        self.assertIn('o_aftersales_meter', self.url_open(f'/my/equipment/{self.unit.id}').text)
        page = self._send('120.5').text
        self.assertIn("Thank you for the reading", page)
        self.assertRecordValues(
            self.unit.meter_reading_ids,
            [{'value': 120.5, 'source': 'customer', 'date': fields.Date.today(), 'state': 'ok'}],
        )
        self.assertIn("read today already", self._send('121').text)
        self.assertEqual(len(self.unit.meter_reading_ids), 1)

    def test_suspect_reading_is_said_and_does_not_count(self):
        today = fields.Date.today()
        self.env['aftersales.meter.reading'].create(
            [
                {
                    'unit_id': self.unit.id,
                    'date': fields.Date.subtract(today, days=days),
                    'value': value,
                }
                for days, value in ((200, 0), (100, 100), (10, 190))
            ]
        )
        self.authenticate('aftersales_customer', 'aftersales_customer')
        self.assertIn("unusual", self._send('99999').text)
        self.assertEqual(self.unit._get_meter_total(), 190)

    def test_nonsense(self):
        self.authenticate('aftersales_customer', 'aftersales_customer')
        for value in ('', 'x', 'nan', 'inf', '-1', '1e30', '\0'):
            self.assertIn('alert-danger', self._send(value).text, value)
        self.assertFalse(self.unit.meter_reading_ids)

    @mute_logger('odoo.http')
    def test_not_by_others(self):
        token = self.unit._portal_ensure_token()
        self.authenticate('aftersales_customer', 'aftersales_customer')
        self.assertTrue(self._send('5', self.unit_stranger).url.endswith('/my'))
        self.assertEqual(self._send('5', csrf=False).status_code, 400)
        self.assertEqual(self.url_open(f'/my/equipment/{self.unit.id}/meter').status_code, 405)
        self.unit._transfer(self.stranger)
        self.assertTrue(self._send('5').url.endswith('/my'), "a former owner gets nothing")
        self.authenticate(None, None)
        page = self.url_open(f'/my/equipment/{self.unit.id}?access_token={token}').text
        self.assertNotIn('o_aftersales_meter', page)
        self.assertIn('/web/login', self._send('5').url)
        self.assertFalse((self.unit + self.unit_stranger).meter_reading_ids)

    def test_product_without_meter(self):
        self.unit.meter_type_id = False
        self.authenticate('aftersales_customer', 'aftersales_customer')
        self.assertNotIn('o_aftersales_meter', self.url_open(f'/my/equipment/{self.unit.id}').text)
        self.assertIn("has no meter", self._send('5').text)
