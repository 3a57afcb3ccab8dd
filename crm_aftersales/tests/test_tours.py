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
        """The customer finds his product, asks for service, adds a word, cancels and reopens."""
        self.start_tour('/my', 'crm_aftersales_customer', login='aftersales_customer')
        request = self.env['aftersales.request'].search([('name', '=', "Tour: from the portal")])
        self.assertEqual(request.partner_id, self.customer)
        self.assertEqual(request.unit_id, self.unit)
        said = ' '.join(request.message_ids.filtered('body').mapped('body'))
        for words in ("Please hurry", "The water is gone", "Wet again"):
            self.assertIn(words, said)
        self.assertRecordValues(request, [{'state': 'open', 'reopen_count': 1}])
