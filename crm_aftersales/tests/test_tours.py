from odoo.tests import HttpCase, tagged

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestTours(AftersalesCommon, HttpCase):
    def test_service_desk(self):
        """The desk takes a call, works on the request, resolves and closes it."""
        self.start_tour(
            '/odoo/service-requests', 'crm_aftersales_service_desk', login='aftersales_service'
        )
        request = self.env['aftersales.request'].search([('name', '=', "Tour: pump is dry")])
        self.assertEqual(request.state, 'closed')
        self.assertEqual(request.user_id, self.user_service)
        self.assertTrue(request.date_first_reply)

    def test_customer(self):
        """The customer finds his product on the portal and asks for service."""
        self.start_tour('/my', 'crm_aftersales_customer', login='aftersales_customer')
        request = self.env['aftersales.request'].search([('name', '=', "Tour: from the portal")])
        self.assertEqual(request.partner_id, self.customer)
        self.assertEqual(request.unit_id, self.unit)
        self.assertIn("Please hurry", request.message_ids[0].body)
