from datetime import datetime, timedelta

from odoo.tests import HttpCase, tagged

from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestTours(CrmCustomerCommon, HttpCase):
    def test_customer_timeline(self):
        start = datetime(2026, 1, 1)
        for index in range(60):
            self.create_message(self.contact, start + timedelta(hours=index), f"Note {index}")
        self.create_order(self.customer, start, name="TOUR-1")
        self.start_tour(
            f'/odoo/res.partner/{self.customer.id}', 'crm_customer_timeline', login='admin'
        )

    def test_customer_consent(self):
        self.contact.email = 'chen@example.com'
        self.start_tour(
            f'/odoo/res.partner/{self.contact.id}', 'crm_customer_consent', login='admin'
        )
        person = self.env['crm.person']._for_partners(self.contact)
        self.assertEqual(person._get_consent_statuses(self.company), {('care', 'sms'): 'out'})
