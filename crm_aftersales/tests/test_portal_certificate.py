import io
from unittest.mock import patch

from odoo.tests import HttpCase, tagged
from odoo.tools.pdf import PdfFileReader, PdfFileWriter

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

    def test_several_are_one_file_where_only_one_can_be_rendered_at_a_time(self):
        """As with the wkhtmltopdf of most distributions."""
        warranty = self.unit.warranty_ids
        values = {**warranty.copy_data()[0], 'layer': 'extended', 'date_end': '2030-01-09'}
        warranty.sudo().create(values)
        rendered = []

        def render(_report, _ref, res_ids, **_kwargs):
            (res_id,) = res_ids
            rendered.append(res_id)
            writer, stream = PdfFileWriter(), io.BytesIO()
            writer.addBlankPage(width=100, height=100)
            writer.write(stream)
            return stream.getvalue(), 'pdf'

        self.authenticate('aftersales_customer', 'aftersales_customer')
        with patch.object(self.registry['ir.actions.report'], '_render_qweb_pdf', render):
            response = self._open(self.unit)
        self.assertEqual(rendered, self.unit._get_portal_warranties().ids)
        self.assertEqual(PdfFileReader(io.BytesIO(response.content)).getNumPages(), 2)
        self.assertEqual(int(response.headers['Content-Length']), len(response.content))

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
