from datetime import date
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.fields import Datetime
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.crm_customer.gate import GateSource

from .common import MessageCase

PROCESS_LOGGER = 'odoo.addons.crm_customer.models.crm_message_process'


@tagged('post_install', '-at_install')
class TestQuietHours(MessageCase):
    """Rule 5.1: quiet hours on the customer's clock, the end not among them."""

    def look(self, zone, quiet_from, quiet_to, due_at, **policy):
        self.env['crm.contact.policy'].search([]).active = False
        self.create_policy(quiet_from=quiet_from, quiet_to=quiet_to, **policy)
        self.customer_person.customer_tz_choice = zone
        message = self.plan_message(f'{zone}:{due_at}', due_at)
        self.look_at(due_at)
        return message

    def test_5_1_shanghai(self):
        message = self.look('Asia/Shanghai', 21, 9, '2026-03-10 14:30:00')
        self.assert_waits(message, 'quiet_hours', '2026-03-11 01:00:00')
        self.assertEqual(message.planned_at, Datetime.to_datetime('2026-03-10 14:30:00'))
        self.look_at('2026-03-11 01:00:00')
        self.assertEqual(message.state, 'queued', "the end is not quiet any more")
        self.assertFalse(message.reason)

    def test_5_1_shanghai_evening(self):
        message = self.look('Asia/Shanghai', 21, 9, '2026-06-01 12:00:00')
        self.assertEqual((message.state, message.due_at.hour), ('queued', 12))

    def test_5_1_new_york_in_spring(self):
        message = self.look('America/New_York', 21, 8, '2026-03-08 06:30:00')
        self.assert_waits(message, 'quiet_hours', '2026-03-08 12:00:00')

    def test_5_1_new_york_in_autumn(self):
        message = self.look('America/New_York', 21, 8, '2026-11-01 05:45:00')
        self.assert_waits(message, 'quiet_hours', '2026-11-01 13:00:00')

    def test_5_1_kathmandu(self):
        message = self.look('Asia/Kathmandu', 21, 9, '2026-06-01 18:00:00')
        self.assert_waits(message, 'quiet_hours', '2026-06-02 03:15:00')

    def test_5_1_auckland(self):
        message = self.look('Pacific/Auckland', 22, 7, '2026-12-31 15:30:00')
        self.assert_waits(message, 'quiet_hours', '2026-12-31 18:00:00')

    def test_5_1_gap(self):
        message = self.look('America/New_York', 21, 2.5, '2026-03-08 06:30:00')
        self.assert_waits(message, 'quiet_hours', '2026-03-08 07:30:00')

    def test_5_1_fold(self):
        first = self.look('America/New_York', 21, 1.5, '2026-11-01 05:15:00')
        self.assert_waits(first, 'quiet_hours', '2026-11-01 05:30:00')
        self.look_at('2026-11-01 05:30:00')
        self.assertEqual(first.state, 'queued', "once only, not again an hour later")
        second = self.look('America/New_York', 21, 1.5, '2026-11-01 06:15:00')
        self.assert_waits(second, 'quiet_hours', '2026-11-01 06:30:00')

    def test_5_1_no_zone_of_his_own(self):
        self.env.company.resource_calendar_id.tz = 'Asia/Kathmandu'
        self.customer_person.country_id = False
        message = self.look(False, 21, 9, '2026-06-01 18:00:00')
        self.assert_waits(message, 'quiet_hours', '2026-06-02 03:15:00')

    def test_siesta_and_weekend(self):
        message = self.look('Asia/Shanghai', 12, 14, '2026-06-01 05:00:00')
        self.assert_waits(message, 'quiet_hours', '2026-06-01 06:00:00')
        friday_night = self.look(
            'Asia/Shanghai', 21, 9, '2026-06-05 14:00:00', saturday=False, sunday=False
        )
        self.assert_waits(friday_night, 'quiet_hours', '2026-06-08 01:00:00')

    def test_bounds(self):
        with self.assertRaises(ValidationError):
            self.create_policy(
                monday=False,
                tuesday=False,
                wednesday=False,
                thursday=False,
                friday=False,
                saturday=False,
                sunday=False,
            )

    def test_policy_without_a_name(self):
        with self.assertRaisesRegex(ValidationError, "please give a name"):
            self.create_policy(name=' ')

    def test_equal_hours_are_no_quiet_hours(self):
        message = self.look('Asia/Shanghai', 8, 8, '2026-06-01 00:00:00')
        self.assertEqual(message.state, 'queued')

    def test_not_held(self):
        self.create_policy(quiet_from=21, quiet_to=9, max_messages=1)
        night = '2026-03-10 14:30:00'
        messages = self.plan_message('1', night, 'transactional')
        messages += self.plan_message('2', night, 'safety', channel='post')
        messages += self.plan_message('3', night, 'greeting', channel='in_person')
        self.look_at(night)
        self.assertEqual(messages.mapped('state'), ['queued'] * 3)


@tagged('post_install', '-at_install')
class TestLate(MessageCase):
    """Rule 5.5: two days late is late enough."""

    def look_after(self, now, **values):
        message = self.plan_message(now, '2026-03-10 02:00:00', **values)
        self.look_at(now)
        return message

    def test_5_5_two_days(self):
        self.assertEqual(self.look_after('2026-03-12 02:00:00').state, 'queued')

    def test_5_5_longer(self):
        message = self.look_after('2026-03-12 02:00:01')
        self.assertEqual((message.state, message.reason), ('refused', 'expired'))

    def test_5_5_orders_go_late(self):
        message = self.look_after('2026-03-20 02:00:00', message_class='transactional')
        self.assertEqual(message.state, 'queued')

    def test_5_5_until_it_expires(self):
        message = self.look_after(
            '2026-03-10 03:00:00',
            message_class='transactional',
            expires_at=Datetime.to_datetime('2026-03-10 03:00:00'),
        )
        self.assertEqual((message.state, message.reason), ('refused', 'expired'))

    def test_5_5_never_two_greetings(self):
        self.plan_message('birthday:2026', '2026-03-10 02:00:00')
        self.assertFalse(self.plan_message('birthday:2026', '2026-03-11 02:00:00'))

    def test_held_no_longer_than_it_may(self):
        self.create_policy(quiet_from=21, quiet_to=9, defer_max_hours=4)
        message = self.plan_message('1', '2026-03-10 14:30:00')
        self.look_at('2026-03-10 14:30:00')
        self.assert_waits(message, 'quiet_hours', '2026-03-10 18:30:00')
        self.look_at('2026-03-10 18:30:00')
        self.assertEqual((message.state, message.reason), ('refused', 'expired'))


@tagged('post_install', '-at_install')
class TestFrequencyCap(MessageCase):
    """Rule 5.6: three in seven days."""

    def setUp(self):
        super().setUp()
        for day, hour in ((1, 3), (3, 4), (6, 5)):
            self.send(f'2026-06-0{day} 0{hour}:00:00')

    def send(self, when, **values):
        message = self.plan_message(when, when, 'offer', channel='in_person', **values)
        message.write({'channel': 'email', 'state': 'sent', 'decided_at': when, 'sent_at': when})
        return message

    def test_5_6_rolling(self):
        self.create_policy(max_messages=3, window_days=7)
        message = self.plan_message('1', '2026-06-07 23:00:00')
        self.look_at('2026-06-07 23:00:00')
        self.assert_waits(message, 'frequency_cap', '2026-06-08 03:00:00')
        self.look_at('2026-06-08 03:00:00')
        self.assertEqual(message.state, 'queued')

    def test_5_6_calendar_days_of_the_customer(self):
        self.create_policy(max_messages=3, window_days=7, window='calendar')
        message = self.plan_message('1', '2026-06-07 10:00:00')
        self.look_at('2026-06-07 10:00:00')
        # 1 June in Shanghai is the seventh day back until 8 June begins there
        self.assert_waits(message, 'frequency_cap', '2026-06-07 16:00:00')

    def test_5_6_orders_are_neither_held_nor_counted(self):
        self.create_policy(max_messages=4, window_days=7)
        order = self.plan_message('1', '2026-06-07 10:00:00', 'transactional')
        self.look_at('2026-06-07 10:00:00')
        self.assertEqual((order.state, order.counted_at), ('queued', False))
        greeting = self.plan_message('2', '2026-06-07 11:00:00')
        self.look_at('2026-06-07 11:00:00')
        self.assertEqual(greeting.state, 'queued')

    def test_5_6_by_priority_then_due(self):
        self.create_policy(max_messages=4, window_days=7)
        when = '2026-06-07 10:00:00'
        early = self.plan_message('early', '2026-06-07 09:00:00')
        late = self.plan_message('late', when)
        first = self.plan_message('first', when, priority=1)
        self.look_at(when)
        self.assertEqual((first.state, first.reason), ('queued', False))
        self.assert_waits(early, 'frequency_cap', '2026-06-08 03:00:00')
        self.assert_waits(late, 'frequency_cap', '2026-06-08 03:00:00')
        self.look_at('2026-06-08 03:00:00')
        self.assertEqual((early.state, late.state), ('queued', 'planned'))
        self.assert_waits(late, 'frequency_cap', '2026-06-10 04:00:00')

    def test_what_failed_does_not_count(self):
        self.create_policy(max_messages=3, window_days=7)
        self.messages.search([('person_id.partner_id', '=', self.customer_person.id)])[0].write(
            {'state': 'failed'}
        )
        message = self.plan_message('1', '2026-06-07 10:00:00')
        self.look_at('2026-06-07 10:00:00')
        self.assertEqual(message.state, 'queued')

    def test_of_one_channel(self):
        self.create_policy(channel='sms', max_messages=1, window_days=1)
        when = '2026-06-07 10:00:00'
        messages = self.plan_message('1', when, channel='sms')
        messages += self.plan_message('2', when, channel='sms')
        messages += self.plan_message('3', when)
        self.look_at(when)
        self.assertEqual(messages.mapped('state'), ['queued', 'planned', 'queued'])

    def test_own_policy_replaces_that_for_all(self):
        self.create_policy(max_messages=1)
        self.create_policy(max_messages=9, company_id=self.env.company.id)
        message = self.plan_message('1', '2026-06-07 10:00:00')
        self.look_at('2026-06-07 10:00:00')
        self.assertEqual(message.state, 'queued')

    def test_each_company_counts_its_own(self):
        self.create_policy(max_messages=1)
        other = self.env['res.company'].create({'name': "Other"})
        message = self.plan_message('1', '2026-06-07 10:00:00', company_id=other.id)
        self.look_at('2026-06-07 10:00:00')
        self.assertEqual(message.state, 'queued')


@tagged('post_install', '-at_install')
class TestQuietPeriod(MessageCase):
    """Rule 5.7: a promotion from 11 November, three days kept free before."""

    def setUp(self):
        super().setUp()
        self.env.company.resource_calendar_id.tz = 'Asia/Shanghai'
        self.env.company.crm_consent_promotion = 'opt_out'
        self.promotion = self.env['res.partner'].create({'name': "Singles Day"})
        self.period = self.register(self.promotion, '2026-11-10 16:00:00', '2026-11-14 16:00:00')

    def register(self, origin, start, end, **values):
        return self.env['crm.quiet.period']._announce(
            origin,
            promotion_from=Datetime.to_datetime(start),
            promotion_to=Datetime.to_datetime(end),
            **values,
        )

    def look(self, when, *args, **values):
        message = self.plan_message(f'{when}:{args}', when, *args, **values)
        self.look_at(when)
        return message

    def look_and_offer(self, **values):
        """Have a greeting due before the promotion, whose own message is planned."""
        offer = self.plan_message(
            'offer',
            '2026-11-11 02:00:00',
            'offer',
            origin_model=self.promotion._name,
            origin_id=self.promotion.id,
            content_values={'code': "1111"},
            **values,
        )
        self.period.action = 'fold'
        greeting = self.look('2026-11-09 02:00:00', content_values={'age': 40}, subject="Happy")
        return greeting, offer

    def test_5_7_range(self):
        self.assertEqual(self.period.date_from, Datetime.to_datetime('2026-11-07 16:00:00'))
        self.assertEqual(self.period.date_to, Datetime.to_datetime('2026-11-10 16:00:00'))

    def test_5_7_deferred_to_the_end(self):
        before = self.look('2026-11-07 15:59:59')
        first = self.look('2026-11-07 16:00:00', 'gift')
        last = self.look('2026-11-10 15:59:59', 'hint')
        after = self.look('2026-11-10 16:00:00')
        self.assertEqual((before.state, after.state), ('queued', 'queued'))
        self.assert_waits(first, 'quiet_period', '2026-11-14 16:00:00')
        self.assert_waits(last, 'quiet_period', '2026-11-14 16:00:00')

    def test_5_7_order_status_still_goes(self):
        for message_class in ('transactional', 'safety', 'survey'):
            message = self.look('2026-11-09 02:00:00', message_class)
            self.assertEqual(message.state, 'queued')
        self.assertEqual(self.look('2026-11-09 02:00:00', channel='in_person').state, 'queued')

    def test_5_7_the_promotion_itself_goes(self):
        message = self.look(
            '2026-11-09 02:00:00',
            'offer',
            origin_model=self.promotion._name,
            origin_id=self.promotion.id,
        )
        self.assertEqual(message.state, 'queued')

    def test_5_7_cancelled(self):
        message = self.look('2026-11-09 02:00:00')
        with self.patch_now('2026-11-09 05:00:00'):
            self.env['crm.quiet.period']._withdraw(self.promotion)
        self.assertEqual(message.due_at, Datetime.to_datetime('2026-11-09 05:00:00'))
        self.look_at('2026-11-09 05:00:00')
        self.assertEqual(message.state, 'queued')

    def patch_now(self, now):
        return patch.object(Datetime, 'now', lambda *args: Datetime.to_datetime(now))

    def test_5_7_overlapping(self):
        other = self.env['res.partner'].create({'name': "Black Friday"})
        self.register(other, '2026-11-09 16:00:00', '2026-11-20 16:00:00')
        self.assert_waits(self.look('2026-11-09 02:00:00'), 'quiet_period', '2026-11-20 16:00:00')

    def test_5_7_one_after_the_other(self):
        other = self.env['res.partner'].create({'name': "Black Friday"})
        self.register(other, '2026-11-16 16:00:00', '2026-11-20 16:00:00')
        message = self.look('2026-11-09 02:00:00')
        self.assert_waits(message, 'quiet_period', '2026-11-14 16:00:00')
        self.look_at('2026-11-14 16:00:00')
        self.assert_waits(message, 'quiet_period', '2026-11-20 16:00:00')

    def test_5_7_folded(self):
        greeting, offer = self.look_and_offer()
        self.assertEqual((greeting.state, greeting.folded_into_id), ('folded', offer))
        self.assertEqual(offer.content_values['code'], "1111")
        [part] = offer.content_values['folded']
        self.assertEqual((part['message_class'], part['subject']), ('greeting', "Happy"))
        self.assertEqual(part['content_values'], {'age': 40})

    def test_5_7_folded_into_a_message_that_is_refused(self):
        greeting, offer = self.look_and_offer()
        self.env.company.crm_consent_promotion = 'opt_in'
        self.look_at('2026-11-11 02:00:00')
        self.assertEqual((offer.state, offer.reason), ('refused', 'no_consent'))
        self.assertEqual((greeting.state, greeting.folded_into_id.id), ('planned', False))
        self.look_at('2026-11-11 02:00:00')
        self.assertEqual(greeting.state, 'queued', "the promotion has begun")

    def test_5_7_folded_into_a_message_that_staff_cancel(self):
        greeting, offer = self.look_and_offer()
        with self.patch_now('2026-11-09 05:00:00'):
            offer.action_cancel()
        self.look_at('2026-11-09 05:00:00')
        self.assert_waits(greeting, 'quiet_period', '2026-11-14 16:00:00')

    def test_5_7_nothing_to_fold_into(self):
        self.period.action = 'fold'
        self.assert_waits(self.look('2026-11-09 02:00:00'), 'quiet_period', '2026-11-14 16:00:00')

    def test_5_7_nothing_left_to_fold_into(self):
        self.plan_message(
            'offer',
            '2026-11-09 02:00:00',
            'offer',
            origin_model=self.promotion._name,
            origin_id=self.promotion.id,
        )
        self.env.company.crm_consent_promotion = 'opt_in'
        self.period.action = 'fold'
        self.assert_waits(self.look('2026-11-09 02:00:00'), 'quiet_period', '2026-11-14 16:00:00')

    def test_5_7_too_late_to_fold_into(self):
        self.plan_message(
            'offer',
            '2026-11-11 02:00:00',
            'offer',
            origin_model=self.promotion._name,
            origin_id=self.promotion.id,
        )
        self.period.action = 'fold'
        until = Datetime.to_datetime('2026-11-10 02:00:00')
        greeting = self.look('2026-11-09 02:00:00', expires_at=until)
        self.assert_waits(greeting, 'quiet_period', '2026-11-10 02:00:00')
        self.look_at('2026-11-10 02:00:00')
        self.assertEqual((greeting.state, greeting.reason), ('refused', 'expired'))

    def test_5_7_dropped(self):
        self.period.action = 'drop'
        message = self.look('2026-11-09 02:00:00')
        self.assertEqual((message.state, message.reason), ('refused', 'quiet_period'))

    def test_5_7_only_those_who_get_the_promotion(self):
        self.period._limit_to(SQL('SELECT id FROM crm_person WHERE partner_id = 0'))
        self.assertEqual(self.look('2026-11-09 02:00:00').state, 'queued')
        person = self.env['crm.person']._for_partners(self.customer_person)
        self.period._limit_to(SQL('SELECT id FROM crm_person WHERE id = %s', person.id))
        self.assertEqual(self.period.person_ids, person)
        self.assertEqual(self.look('2026-11-09 03:00:00').reason, 'quiet_period')

    def test_5_7_until_the_end_of_the_promotion(self):
        self.period.include_promotion = True
        self.assert_waits(self.look('2026-11-12 02:00:00'), 'quiet_period', '2026-11-14 16:00:00')

    def test_moved(self):
        self.register(self.promotion, '2026-11-20 16:00:00', '2026-11-24 16:00:00')
        self.assertEqual(self.look('2026-11-09 02:00:00').state, 'queued')
        self.assertEqual(self.look('2026-11-19 02:00:00').reason, 'quiet_period')


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


@tagged('post_install', '-at_install')
class TestSources(MessageCase):
    when = '2026-06-01 02:00:00'

    def look(self, *sources, **values):
        self.patch(self.registry['crm.message'], '_get_gate_sources', lambda model: [*sources])
        message = self.plan_message('1', self.when, **values)
        self.look_at(self.when)
        return message

    def source(self, reason, until=None, **values):
        query = SQL(
            'SELECT %s AS partner_id, NULL::int AS company_id, %s::timestamp AS until',
            self.customer_person.id,
            until,
        )
        return GateSource(reason=reason, query=query, **values)

    def test_until(self):
        message = self.look(self.source('in_house', '2026-06-03 04:00:00'))
        self.assert_waits(message, 'in_house', '2026-06-03 04:00:00')

    def test_until_nobody_knows(self):
        message = self.look(self.source('hush'))
        self.assert_waits(message, 'hush', '2026-06-01 03:00:00')

    def test_over(self):
        self.assertEqual(self.look(self.source('hush', self.when)).state, 'queued')

    def test_in_order(self):
        message = self.look(self.source('in_house'), self.source('hush'))
        self.assertEqual(message.reason, 'hush')

    def test_final(self):
        message = self.look(self.source('hush'), self.source('holdout', final=True))
        self.assertEqual((message.state, message.reason), ('refused', 'holdout'))

    def test_channels_and_classes(self):
        source = self.source('in_house', channels=['email'], classes=['offer', 'greeting'])
        self.assertEqual(self.look(source, channel='sms').state, 'queued')

    def test_of_another_class(self):
        source = self.source('in_house', classes=['offer', 'transactional'])
        self.assertEqual(self.look(source, message_class='transactional').state, 'queued')


@tagged('post_install', '-at_install')
class TestProcess(MessageCase):
    def setUp(self):
        super().setUp()
        self.partners = self.env['res.partner'].create(
            [{'name': f"C{n}", 'email': f'c{n}@example.com'} for n in range(30)]
        )
        self.handed_over = []
        self.patch(
            self.registry['crm.message'], '_enqueue', lambda messages: self.enqueue(messages)
        )
        self.broken = ()

    def enqueue(self, messages):
        for message in messages:
            if message.partner_id.name in self.broken:
                self.fail_in_database(message)
        self.handed_over += messages.ids

    def fail_in_database(self, message):
        message.env.cr.execute('SELECT 1 / 0')

    def plan_all(self, count=30, **values):
        return self.messages._plan(
            {
                'key': f'test:{partner.id}:{values}',
                'partner_id': partner.id,
                'message_class': 'greeting',
                'planned_at': Datetime.subtract(Datetime.now(), hours=1),
                **values,
            }
            for partner in self.partners[:count]
        )

    def run_workers(self):
        with self.enter_registry_test_mode():
            for number in (1, 2):
                self.env.ref(
                    f'crm_customer.ir_cron_crm_message_gate_{number}'
                ).method_direct_trigger()
        self.env.invalidate_all()

    def test_workers_share_the_persons(self):
        messages = self.plan_all()
        self.run_workers()
        self.assertEqual(set(messages.mapped('state')), {'queued'})
        self.assertEqual(sorted(self.handed_over), sorted(messages.ids), "each once")

    def test_batches(self):
        messages = self.plan_all()
        with patch('odoo.addons.crm_customer.models.crm_message_process.BATCH_SIZE', 4):
            self.run_workers()
        self.assertEqual(set(messages.mapped('state')), {'queued'})

    def test_all_of_a_person_in_one_batch(self):
        person = self.env['crm.person']._for_partners(self.partners[0])
        others = self.plan_all(5)
        last = self.plan_message('last', '2026-06-01 03:00:00', partner=self.partners[0])
        now = Datetime.now()
        with patch('odoo.addons.crm_customer.models.crm_message_process.BATCH_SIZE', 1):
            claimed, _mark = self.messages._claim_due(now, 0, 1)
        self.assertEqual(claimed, last + others[0])
        self.assertEqual(claimed.person_id, person)

    @mute_logger(PROCESS_LOGGER, 'odoo.sql_db')
    def test_one_that_cannot_be_written(self):
        self.broken = ("C3", "C17")
        messages = self.plan_all()
        messages._process(Datetime.now())
        failed = messages.filtered(lambda message: message.state == 'failed')
        self.assertEqual(failed.mapped('partner_id.name'), ["C3", "C17"])
        self.assertEqual(failed[0].reason, 'delivery')
        self.assertIn("division by zero", failed[0].failure)
        self.assertFalse(failed[0].counted_at)
        self.assertEqual(len(self.handed_over), 28)

    @mute_logger(PROCESS_LOGGER)
    def test_what_was_folded_into_a_broken_one(self):
        messages = self.plan_all(2)
        host, greeting = messages
        host.partner_id.name = "Broken"
        self.broken = ("Broken",)
        greeting.write({'state': 'folded', 'folded_into_id': host.id})
        with mute_logger('odoo.sql_db'):
            host._process(Datetime.now())
        self.assertEqual((host.state, greeting.state), ('failed', 'planned'))

    def test_queries_do_not_grow(self):
        def count(messages):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            with patch.object(self.registry['crm.message'], '_enqueue', lambda messages: None):
                messages._process(Datetime.now())
            return self.env.cr.sql_log_count - before

        self.create_policy(max_messages=9)
        count(self.plan_all(2))
        few = count(self.plan_all(3, priority=1))
        self.assertEqual(few, count(self.plan_all(30, priority=2)))

    def test_persons_are_claimed_when_room_is_used(self):
        self.create_policy(max_messages=2)
        messages = self.plan_all(2)
        messages[1].write({'message_class': 'transactional'})
        before = messages.person_id.mapped('lock_version')
        messages._process(Datetime.now())
        after = messages.person_id.mapped('lock_version')
        self.assertEqual([late - early for early, late in zip(before, after, strict=True)], [1, 0])
