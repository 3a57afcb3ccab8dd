from datetime import date

from odoo.tests import tagged

from .common import MessageCase


@tagged('post_install', '-at_install')
class TestConsent(MessageCase):
    """Rule 5.8: asked in the statement that decides, and again when the message leaves."""

    when = '2026-06-01 02:00:00'

    def setUp(self):
        super().setUp()
        self.person = self.env['crm.person']._for_partners(self.customer_person)

    def decide(self, purpose, status, channel='email'):
        self.person._set_consent(
            [purpose], [channel], status, company=self.env.company, source='staff'
        )

    def look(self, message_class, **values):
        message = self.plan_message(f'{message_class}:{values}', self.when, message_class, **values)
        self.look_at(self.when)
        return message

    def test_5_8_between_release_and_leaving(self):
        messages = self.look('greeting') + self.look('transactional')
        self.assertEqual(messages.mapped('state'), ['queued', 'queued'])
        self.decide('care', 'out')
        self.assertEqual(messages._recheck(), messages[1])
        self.assertEqual((messages[0].state, messages[0].reason), ('refused', 'no_consent'))
        self.assertFalse(messages[0].counted_at, "what was not sent takes no room")

    def test_5_8_out_of_promotion_keeps_orders(self):
        self.decide('promotion', 'out')
        self.assertEqual(self.look('offer').reason, 'no_consent')
        self.assertEqual(self.look('transactional').state, 'queued')

    def test_5_8_out_of_orders_keeps_safety(self):
        self.decide('transactional', 'out')
        self.assertEqual(self.look('transactional').reason, 'no_consent')
        self.assertEqual(self.look('safety').state, 'queued')

    def test_by_channel_and_company(self):
        self.env.company.crm_consent_promotion = 'opt_in'
        self.decide('promotion', 'in')
        self.assertEqual(self.look('offer').state, 'queued')
        self.assertEqual(self.look('offer', channel='sms').reason, 'no_consent')
        other = self.env['res.company'].create({'name': "Other"})
        self.assertEqual(self.look('offer', company_id=other.id).reason, 'no_consent')

    def test_archived(self):
        self.customer_person.active = False
        self.assertEqual(self.look('greeting').reason, 'archived')
        self.assertEqual(self.look('safety').state, 'queued', "a recall finds him all the same")

    def test_erased(self):
        message = self.plan_message('1', self.when, 'safety')
        self.person.write({'erased_on': self.when, 'partner_id': False})
        self.look_at(self.when)
        self.assertEqual((message.state, message.reason), ('refused', 'erased'))

    def test_blacklists(self):
        self.env['mail.blacklist'].create({'email': 'Zhang@example.com'})
        self.env['phone.blacklist'].create({'number': self.customer_person.phone_sanitized})
        self.assertEqual(self.look('greeting').reason, 'blacklist')
        self.assertEqual(self.look('greeting', channel='sms').reason, 'blacklist')
        self.assertEqual(self.look('greeting', channel='post').state, 'queued')
        self.assertEqual(self.look('transactional').state, 'queued')

    def test_suppressed_address(self):
        other = self.env['res.partner'].create({'name': "Before"})
        erased = self.env['crm.person']._for_partners(other)
        self.env['crm.person.address']._suppress(erased, {'email': 'zhang@example.com'})
        self.assertEqual(self.look('greeting').reason, 'blacklist')
        self.assertEqual(self.look('transactional').state, 'queued')

    def test_address_suppressed_for_another_company(self):
        other = self.env['res.partner'].create({'name': "Before"})
        deleted = self.env['crm.person']._for_partners(other)
        address = self.env['crm.person.address']
        company = self.env['res.company'].create({'name': "Elsewhere"})
        address._suppress(deleted, {'email': 'zhang@example.com'}, company)
        self.assertEqual(self.look('greeting').state, 'queued')
        self.assertEqual(self.look('greeting', company_id=company.id).reason, 'blacklist')

    def test_suppressed_channel_of_a_number(self):
        """Who refused calls only still gets text messages."""
        other = self.env['res.partner'].create({'name': "Before"})
        deleted = self.env['crm.person']._for_partners(other)
        number = self.customer_person.phone_sanitized
        self.env['crm.person.address']._suppress(deleted, {'phone': number})
        self.assertEqual(self.look('greeting', channel='phone').reason, 'blacklist')
        self.assertEqual(self.look('greeting', channel='sms').state, 'queued')

    def test_do_not_disturb(self):
        self.person.write({'do_not_disturb': True, 'do_not_disturb_until': date(2026, 6, 2)})
        self.assertEqual(self.look('greeting').reason, 'do_not_disturb')
        self.assertEqual(self.look('transactional').state, 'queued')
        message = self.plan_message('next', '2026-06-01 16:00:00')
        self.look_at('2026-06-01 16:00:00')
        self.assertEqual(message.state, 'queued', "2 June has begun in Shanghai")

    def test_address(self):
        self.customer_person.write({'email': False, 'phone': False, 'street': False})
        for channel in ('email', 'sms', 'phone', 'post'):
            message = self.look('transactional', channel=channel)
            self.assertEqual((message.state, message.reason), ('refused', 'no_address'))
        self.assertEqual(self.look('greeting', channel='in_person').state, 'queued')


@tagged('post_install', '-at_install')
class TestMerge(MessageCase):
    """Rule 5.11: two contacts turn out to be one."""

    when = '2026-06-01 02:00:00'

    def setUp(self):
        super().setUp()
        self.double = self.customer_person.copy({'email': 'zhang2@example.com'})

    def merge(self):
        persons = self.env['crm.person']._for_partners(self.customer_person + self.double)
        survivor = persons.filtered(lambda person: person.partner_id == self.customer_person)
        (persons - survivor)._merge_into(survivor)

    def test_5_11_what_both_got_counts(self):
        self.create_policy(max_messages=2)
        self.plan_message('1', '2026-05-30 02:00:00')
        self.look_at('2026-05-30 02:00:00')
        self.plan_message('2', '2026-05-31 02:00:00', partner=self.double)
        self.look_at('2026-05-31 02:00:00')
        self.merge()
        message = self.plan_message('3', self.when)
        self.look_at(self.when)
        self.assert_waits(message, 'frequency_cap', '2026-06-06 02:00:00')

    def test_5_11_one_greeting(self):
        birthday = {'content_model': 'mail.template', 'content_id': 1}
        messages = self.plan_message('1', self.when, partner=self.double, **birthday)
        messages += self.plan_message('2', '2026-06-01 03:00:00', **birthday)
        messages += self.plan_message('3', self.when, 'offer', **birthday)
        messages += self.plan_message('4', self.when, 'transactional')
        messages += self.plan_message('5', self.when, 'transactional', partner=self.double)
        self.merge()
        self.assertEqual(
            messages.mapped('state'), ['planned', 'cancelled', 'planned', 'planned', 'planned']
        )
        self.assertEqual(messages[1].reason, 'merged')

    def test_5_11_one_greeting_of_which_one_was_sent(self):
        sent = self.plan_message('1', self.when, partner=self.double)
        self.look_at(self.when)
        later = self.plan_message('2', '2026-06-01 01:00:00')
        self.merge()
        self.assertEqual((sent.state, later.state), ('queued', 'cancelled'))
