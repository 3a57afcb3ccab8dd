from odoo.exceptions import ValidationError
from odoo.fields import Datetime
from odoo.tests import tagged

from .common import MessageCase


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
