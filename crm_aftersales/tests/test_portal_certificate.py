from odoo.tests import HttpCase, tagged

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestPortalCertificate(AftersalesCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.unit.date_delivered = '2026-01-10'
        cls.unit_stranger.date_delivered = '2026-01-10'

    def _open(self, unit, **params):
        return self.url_open(f'/my/equipment/{unit.id}/warranty', params=params)

    def test_owner_gets_the_file(self):
        self.authenticate('aftersales_customer', 'aftersales_customer')
        page = self.url_open(f'/my/equipment/{self.unit.id}').text
        self.assertIn(f'/my/equipment/{self.unit.id}/warranty', page)
        response = self._open(self.unit)
        self.assertEqual(response.headers['Content-Type'], 'application/pdf')
        self.assertIn('attachment', response.headers['Content-Disposition'])
        self.assertIn(self.unit.ref, response.headers['Content-Disposition'])

    def test_what_is_void_is_not_sent(self):
        self.unit.warranty_start = False
        self.authenticate('aftersales_customer', 'aftersales_customer')
        page = self.url_open(f'/my/equipment/{self.unit.id}').text
        self.assertNotIn(f'/my/equipment/{self.unit.id}/warranty', page)
        self.assertTrue(self._open(self.unit).url.endswith(f'/my/equipment/{self.unit.id}'))

    def test_not_that_of_others(self):
        token = self.unit_stranger._portal_ensure_token()
        self.authenticate('aftersales_customer', 'aftersales_customer')
        for params in ({}, {'access_token': token}):
            response = self._open(self.unit_stranger, **params)
            self.assertNotEqual(response.headers['Content-Type'], 'application/pdf')
            self.assertTrue(response.url.endswith('/my'))

    def test_who_was_given_the_link_does_not_get_it(self):
        self.authenticate(None, None)
        token = self.unit._portal_ensure_token()
        self.assertIn('/web/login', self._open(self.unit, access_token=token).url)
        page = self.url_open(f'/my/equipment/{self.unit.id}?access_token={token}').text
        self.assertNotIn(f'/my/equipment/{self.unit.id}/warranty', page)
