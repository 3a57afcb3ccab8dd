from odoo.fields import Datetime
from odoo.tests import tagged

from odoo.addons.crm_customer.tests.common import MessageCase


@tagged('post_install', '-at_install')
class TestMessage(MessageCase):
    """A customer with an open complaint is left in peace."""

    def setUp(self):
        super().setUp()
        self.complaint_type = self.env.ref('crm_aftersales.aftersales_request_type_complaint')
        self.company_partner = self.env['res.partner'].create(
            {'name': "Lake Road Hotel", 'is_company': True, 'email': 'hotel@example.com'}
        )
        self.customer_person.parent_id = self.company_partner
        self.request = self.create_request(self.complaint_type)

    def create_request(self, request_type):
        return self.env['aftersales.request'].create(
            {
                'name': "Noise until three",
                'partner_id': self.customer_person.id,
                'type_id': request_type.id,
            }
        )

    def look(self, when, *args, **values):
        message = self.plan_message(f'{when}:{args}:{values}', when, *args, **values)
        self.look_at(when)
        return message

    def test_open_complaint(self):
        message = self.look('2026-06-01 02:00:00')
        self.assert_waits(message, 'hush', '2026-06-01 03:00:00')
        colleague = self.look('2026-06-01 02:00:00', partner=self.company_partner)
        self.assertEqual(colleague.reason, 'hush', "the company he complained for")

        stage = self.env['aftersales.request.stage'].search([('state', '=', 'closed')], limit=1)
        self.request.stage_id = stage
        self.env.flush_all()
        self.look_at('2026-06-01 03:00:00')
        self.assertEqual(message.state, 'queued')

    def test_orders_and_safety_go_on(self):
        for message_class in ('transactional', 'safety'):
            self.assertEqual(self.look('2026-06-01 02:00:00', message_class).state, 'queued')

    def test_other_requests_do_not_hold(self):
        self.assertTrue(self.complaint_type.holds_messages)
        fault = self.env.ref('crm_aftersales.aftersales_request_type_fault')
        self.assertFalse(fault.holds_messages)
        self.request.type_id = fault
        self.assertEqual(self.look('2026-06-01 02:00:00').state, 'queued')

    def test_other_company(self):
        company = self.env['res.company'].create({'name': "Other"})
        message = self.look('2026-06-01 02:00:00', company_id=company.id)
        self.assertEqual(message.state, 'queued')
        self.assertEqual(message.decided_at, Datetime.to_datetime('2026-06-01 02:00:00'))
