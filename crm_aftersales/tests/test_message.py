from unittest.mock import patch

from odoo.fields import Datetime
from odoo.tests import tagged

from odoo.addons.crm_customer.tests.common import MessageCase


class ComplaintCase(MessageCase):
    def setUp(self):
        super().setUp()
        self.complaint_type = self.env.ref('crm_aftersales.aftersales_request_type_complaint')
        self.company_partner = self.env['res.partner'].create(
            {'name': "Lake Road Hotel", 'is_company': True, 'email': 'hotel@example.com'}
        )
        self.customer_person.parent_id = self.company_partner
        self.request = self.create_request(self.complaint_type)

    def create_request(self, request_type, partner=None):
        return self.env['aftersales.request'].create(
            {
                'name': "Noise until three",
                'partner_id': (partner or self.customer_person).id,
                'type_id': request_type.id,
            }
        )

    def look(self, when, *args, **values):
        message = self.plan_message(f'{when}:{args}:{values}', when, *args, **values)
        self.look_at(when)
        return message


@tagged('post_install', '-at_install')
class TestMessage(ComplaintCase):
    """A customer with an open complaint is left in peace."""

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


@tagged('post_install', '-at_install')
class TestMessageLeavesAtOnce(ComplaintCase):
    """What a complaint held is looked at as soon as it holds no more, not within the hour."""

    DUE, LATER = '2099-06-01 02:00:00', '2099-06-01 03:00:00'

    def setUp(self):
        super().setUp()
        self.held = self.look(self.DUE)
        self.held_of_company = self.look(self.DUE, partner=self.company_partner)
        self.stranger = self.env['res.partner'].create(
            {'name': "Mr Qian", 'email': 'qian@example.com'}
        )
        self.strangers_request = self.create_request(self.complaint_type, self.stranger)
        self.other = self.look(self.DUE, partner=self.stranger)
        self.assert_all_wait()

    def assert_all_wait(self):
        for message in self.held | self.held_of_company | self.other:
            self.assert_waits(message, 'hush', self.LATER)

    def assert_released(self, *, other=False):
        self.assert_waits(self.held, 'hush', self.DUE)
        self.assert_waits(self.held_of_company, 'hush', self.DUE)
        self.assert_waits(self.other, 'hush', self.DUE if other else self.LATER)

    def get_stage(self, state):
        return self.env['aftersales.request.stage']._get_for_state(state)

    def test_closed(self):
        for state in ('resolved', 'closed', 'cancelled'):
            with self.subTest(state), self.env.cr.savepoint() as savepoint:
                self.request.stage_id = self.get_stage(state)
                self.assert_released()
                savepoint.rollback()
        self.request.stage_id = self.get_stage('open')
        self.assert_all_wait()

    def test_one_question_for_a_batch(self):
        requests = self.request | self.strangers_request
        gate = self.registry['crm.message']
        with patch.object(gate, '_look_again', autospec=True) as look_again:
            requests.action_close()
        look_again.assert_called_once()
        requests.action_reopen()
        with patch.object(gate, '_look_again', autospec=True) as look_again:
            self.create_request(self.env.ref('crm_aftersales.aftersales_request_type_fault'))
            requests.priority = '2'
        look_again.assert_not_called()

    def test_another_type_or_customer(self):
        fault = self.env.ref('crm_aftersales.aftersales_request_type_fault')
        for vals in ({'type_id': fault.id}, {'partner_id': self.stranger.id}):
            with self.subTest(vals), self.env.cr.savepoint() as savepoint:
                self.request.write(vals)
                self.assert_released()
                savepoint.rollback()

    def test_deleted(self):
        self.request.unlink()
        self.assert_released()

    def test_type_holds_no_more(self):
        self.complaint_type.name = "Grievance"
        self.assert_all_wait()
        self.complaint_type.holds_messages = False
        self.assert_released(other=True)

    def test_by_who_may_not_read_messages(self):
        user = self.env['res.users'].create(
            {
                'name': "Desk",
                'login': 'desk_of_complaints',
                'group_ids': [self.env.ref('crm_aftersales.group_own').id],
            }
        )
        self.request.user_id = user
        self.request.with_user(user).action_close()
        self.assert_released()
