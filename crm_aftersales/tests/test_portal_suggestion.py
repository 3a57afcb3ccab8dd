from odoo import http
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestPortalSuggestion(AftersalesCommon, HttpCase):
    """Known solutions are offered before a request is sent."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['aftersales.article'].search([]).active = False
        cls.article, cls.article_of_staff = cls.env['aftersales.article'].create(
            [
                {
                    'name': name,
                    'solution': "<p>Tighten the screw</p>",
                    'state': 'published',
                    'is_public': is_public,
                    'product_tmpl_ids': [Command.set(cls.product.product_tmpl_id.ids)],
                }
                for name, is_public in (("Pump rattles", True), ("Secret of the pump", False))
            ]
        )

    def setUp(self):
        super().setUp()
        self.authenticate('aftersales_customer', 'aftersales_customer')

    def _suggest(self, **values):
        before = self.env['aftersales.request'].search_count([])
        data = {'csrf_token': http.Request.csrf_token(self), 'suggest': '1', **values}
        response = self.url_open('/my/requests/new', data=data)
        self.assertEqual(self.env['aftersales.request'].search_count([]), before)
        self.assertEqual(response.status_code, 200)
        self.assertNotIn("Secret of the pump", response.text)
        return response.text

    def test_by_product(self):
        text = self.url_open('/my/requests/new', params={'unit_id': self.unit.id}).text
        self.assertIn("Pump rattles", text)
        self.assertNotIn("Secret of the pump", text)
        self.assertNotIn("Pump rattles", self.url_open('/my/requests/new').text)

    def test_by_words_and_what_was_entered_stays(self):
        text = self._suggest(name="It rattles", description="At night", type_id=self.type_fault.id)
        self.assertIn("Pump rattles", text)
        self.assertIn("Tighten the screw", text)
        self.assertIn('value="It rattles"', text)
        self.assertIn("At night", text)

    def test_nothing_fits(self):
        self.assertIn("Nothing known fits", self._suggest(name="Qwertz"))

    def test_product_of_others_says_nothing(self):
        self.assertNotIn("Pump rattles", self._suggest(unit_id=self.unit_stranger.id))
        page = self.url_open('/my/requests/new', params={'unit_id': self.unit_stranger.id})
        self.assertNotIn("Pump rattles", page.text)
