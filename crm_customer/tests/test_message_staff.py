from lxml import etree

from odoo.exceptions import AccessError, UserError
from odoo.fields import Datetime
from odoo.tests import new_test_user, tagged

from .common import MessageCase


@tagged('post_install', '-at_install')
class TestMessageStaff(MessageCase):
    night = '2026-03-10 14:30:00'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other_company = cls.env['res.company'].create({'name': "Other"})
        cls.user_manager = new_test_user(cls.env, 'ms_manager', 'crm_customer.group_manager')
        cls.user_own = new_test_user(cls.env, 'ms_own', 'crm_customer.group_own')
        cls.user_salesman = new_test_user(cls.env, 'ms_sales', 'sales_team.group_sale_salesman')
        cls.user_employee = new_test_user(cls.env, 'ms_employee', 'base.group_user')

    def setUp(self):
        super().setUp()
        self.patch(self.registry['crm.message'], '_enqueue', lambda messages: None)
        self.create_policy(quiet_from=21, quiet_to=9)
        now = Datetime.now()
        self.message = self.plan_message('1', Datetime.to_string(now), subject="Happy")
        self.message.write({'reason': 'quiet_hours', 'due_at': Datetime.add(now, hours=9)})

    def test_release(self):
        action = self.message.with_user(self.user_manager).action_release()
        self.assertEqual(self.message.state, 'queued')
        self.assertIn("1 released", action['params']['message'])

    def test_screens_say_when_next_and_what_a_press_does(self):
        view = self.env.ref('crm_customer.crm_message_view_list')
        arch = etree.fromstring(self.env['crm.message'].get_view(view.id, 'list')['arch'])
        [due] = arch.xpath("//field[@name='due_at']")
        self.assertEqual(due.get('optional'), 'show')
        # "Ok" and "Cancel" under "Cancel" left open which of the two cancels
        for view_type in ('list', 'form'):
            arch = etree.fromstring(self.env['crm.message'].get_view(None, view_type)['arch'])
            [button] = arch.xpath("//button[@name='action_cancel']")
            self.assertEqual(button.get('confirm-label'), "Do Not Send")
            self.assertEqual(button.get('cancel-label'), "Back")

    def test_release_asks_what_refuses_for_good(self):
        self.customer_person.email = False
        action = self.message.with_user(self.user_manager).action_release()
        self.assertEqual((self.message.state, self.message.reason), ('refused', 'no_address'))
        self.assertIn("1 refused", action['params']['message'])

    def test_cancel(self):
        self.message.with_user(self.user_manager).action_cancel()
        self.assertEqual((self.message.state, self.message.reason), ('cancelled', 'staff'))
        with self.assertRaises(UserError):
            self.message.with_user(self.user_manager).action_release()

    def test_cancel_what_was_released(self):
        message = self.message.with_user(self.user_manager)
        message.action_release()
        mails = self.env['mail.mail'].create(
            {'crm_message_id': self.message.id, 'state': 'outgoing', 'subject': "Happy"}
        )
        message.action_cancel()
        self.assertEqual((self.message.state, self.message.reason), ('cancelled', 'staff'))
        self.assertFalse(mails.exists().filtered(lambda mail: mail.state == 'outgoing'))
        self.message.state = 'sending'
        with self.assertRaises(UserError):
            message.action_cancel()

    def test_only_managers(self):
        for user in (self.user_own, self.user_salesman):
            message = self.message.with_user(user)
            self.assertEqual(message.subject, "Happy")
            for action in (message.action_release, message.action_cancel):
                with self.assertRaises(AccessError):
                    action()
            with self.assertRaises(AccessError):
                message.write({'state': 'sent'})
            with self.assertRaises(AccessError):
                message.read(['content_values'])

    def test_others_read_nothing(self):
        with self.assertRaises(AccessError):
            self.message.with_user(self.user_employee).read(['subject'])

    def test_other_company(self):
        self.message.company_id = self.other_company
        for user in (self.user_manager, self.user_own, self.user_salesman):
            self.assertFalse(
                self.env['crm.message'].with_user(user).search([('id', '=', self.message.id)])
            )
        with self.assertRaises(AccessError):
            self.message.with_user(self.user_manager).action_cancel()
        policy = self.create_policy(company_id=self.other_company.id)
        period = self.env['crm.quiet.period'].create(
            {
                'name': "Other",
                'company_id': self.other_company.id,
                'promotion_from': self.night,
                'promotion_to': '2026-03-11 14:30:00',
            }
        )
        for record in (policy, period):
            with self.assertRaises(AccessError):
                record.with_user(self.user_manager).read(['name'])
        with self.assertRaises(AccessError):
            self.create_policy().with_user(self.user_own).write({'max_messages': 9})

    def test_on_the_customer(self):
        company = self.env['res.partner'].create({'name': "Zhang & Co", 'is_company': True})
        self.customer_person.parent_id = company
        self.plan_message('2', self.night).state = 'sent'
        customers = (company + self.customer_person).with_user(self.user_salesman)
        self.assertEqual(customers.mapped('crm_message_count'), [2, 2])
        self.assertEqual(customers.mapped('crm_message_waiting_count'), [1, 1])
        action = customers[0].action_view_crm_messages()
        self.assertEqual(len(self.messages.search(action['domain'])), 2)
        self.assertEqual(self.user_employee.partner_id.crm_message_count, 0)

    def test_on_the_customer_in_few_queries(self):
        partners = self.env['res.partner'].create([{'name': str(n)} for n in range(20)])
        for partner in partners:
            self.plan_message(partner.id, self.night, partner=partner)

        def count(some):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            some.mapped('crm_message_count')
            return self.env.cr.sql_log_count - before

        count(partners[:2])
        self.assertEqual(count(partners[:2]), count(partners))

    def test_waterfall_adds_up(self):
        origin = {'origin_model': 'res.partner', 'origin_id': 4711}
        self.plan_message('a', self.night, **origin).write({'state': 'sent'})
        self.plan_message('b', self.night, **origin).write({'state': 'sent'})
        self.plan_message('c', self.night, **origin).write(
            {'state': 'refused', 'reason': 'no_consent'}
        )
        self.plan_message('d', self.night, **origin).write(
            {'state': 'refused', 'reason': 'archived'}
        )
        self.plan_message('e', self.night, **origin)
        domain = [('origin_model', '=', 'res.partner'), ('origin_id', '=', 4711)]
        steps = self.messages._get_waterfall(domain)
        self.assertEqual(
            [(step['label'], step['count']) for step in steps],
            [("Customer archived", 1), ("No consent", 1), ("Waiting", 1), ("Sent", 2)],
        )
        self.assertEqual(sum(step['count'] for step in steps), self.messages.search_count(domain))
