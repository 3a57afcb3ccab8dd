from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from .transport_common import TransportCase

DELIVERY = 'odoo.addons.crm_customer.models.mail_mail'
SERVER = 'odoo.addons.base.models.ir_mail_server'


@tagged('post_install', '-at_install')
class TestTrouble(TransportCase):
    def setUp(self):
        super().setUp()
        self.enterContext(mute_logger(DELIVERY, SERVER))

    def test_recipient_is_refused(self):
        self.sink.behaviour.refusals = {
            'customer0@example.com': '550 5.1.1 no such user',
            'customer1@example.com': '451 4.7.1 come back later',
        }
        messages = self.enqueue(self.partners)
        self.send()
        self.assertEqual(messages.mapped('state'), ['failed', 'queued', 'sent'])
        self.assertEqual(messages[0].reason, 'delivery')
        self.assertEqual(messages[0].failure, '550 5.1.1 no such user')
        self.assertFalse(messages[0].counted_at)
        self.assertEqual(self.get_mails(messages[0]).state, 'exception')
        self.assertGreater(messages[1].retry_at, fields.Datetime.now())

    def test_content_is_refused(self):
        self.sink.behaviour.data_answer = '554 looks like spam'
        message = self.enqueue(self.partner)
        self.send()
        self.assertEqual(message.state, 'failed')
        self.assertIn('spam', message.failure)

    def test_tried_again_with_growing_pauses_but_not_for_ever(self):
        self.sink.behaviour.data_answer = '452 too busy'
        message = self.enqueue(self.partner)
        pauses = []
        while message.state == 'queued':
            self.send()
            if message.retry_at:
                pauses.append((message.retry_at - message.attempted_at).total_seconds())
            message.retry_at = False
        self.assertEqual(message.state, 'failed')
        self.assertEqual(message.attempts, 12)
        self.assertEqual(pauses, sorted(pauses))
        self.assertLessEqual(pauses[-1], 8 * 3600)

    def test_server_is_down(self):
        self.mail_server.smtp_port = 1
        messages = self.enqueue(self.partners)
        for _attempt in range(15):
            self.send()
            self.assertEqual(set(messages.mapped('state')), {'queued'}, "nothing is lost")
            self.assertGreater(messages[0].retry_at, fields.Datetime.now())
            messages.retry_at = False
        self.mail_server.smtp_port = self.sink.port
        self.send()
        self.assertEqual(set(messages.mapped('state')), {'sent'})

    def test_connection_breaks_after_each_mail(self):
        self.sink.behaviour.drop_after_ok = True
        messages = self.enqueue(self.partners)
        self.send()
        messages.retry_at = False
        self.send()
        self.sink.behaviour.drop_after_ok = False
        messages.retry_at = False
        self.send()
        self.assertEqual(set(messages.mapped('state')), {'sent'})
        self.assertEqual(list(self.sink.counts.values()), [1, 1, 1])

    def test_server_takes_it_and_dies(self):
        """Nobody can tell: a greeting is not risked twice, an order mail is."""
        self.sink.behaviour.drop_instead_of_ok = True
        greeting = self.enqueue(self.partners[0], 'greeting')
        order = self.enqueue(self.partners[1], 'transactional')
        self.send()
        self.assertEqual((greeting.state, order.state), ('uncertain', 'queued'))
        self.sink.behaviour.drop_instead_of_ok = False
        order.retry_at = False
        self.send()
        self.assertEqual((greeting.state, order.state), ('uncertain', 'sent'))
        self.assertEqual(self.sink.counts[greeting.rfc_message_id], 1)
        self.assertEqual(self.sink.counts[order.rfc_message_id], 2, "under the same Message-Id")

    def test_address_is_gone(self):
        message = self.enqueue(self.partner)
        self.partner.email = False
        self.send()
        self.assertEqual((message.state, message.reason), ('refused', 'no_address'))

    def test_bounce(self):
        message = self.enqueue(self.partner)
        self.send()
        self.env['mail.thread']._routing_handle_bounce(
            None,
            {
                'bounced_email': False,
                'bounced_partner': self.env['res.partner'],
                'bounced_msg_ids': [message.rfc_message_id],
                'bounced_message': self.env['mail.message'],
                'body': '<p>Mailbox full</p>',
                'email_from': 'mailer-daemon@example.com',
                'to': 'bounce@example.com',
                'message_id': '<1@example.com>',
            },
        )
        self.assertRecordValues(
            message,
            [{'state': 'failed', 'reason': 'delivery', 'counted_at': False}],
        )
        self.assertIn("Mailbox full", message.failure)


@tagged('post_install', '-at_install')
class TestStuck(TransportCase):
    def setUp(self):
        super().setUp()
        self.manager = new_test_user(self.env, 'cm_manager', 'crm_customer.group_manager')

    def test_settled_after_fifteen_minutes(self):
        messages = self.enqueue(self.partners)
        late = self.enqueue(self.partner, 'safety', event='late')
        self.make_stuck(messages[0] | late)
        self.make_stuck(messages[1], minutes=14)
        self.recover()
        self.assertEqual(messages.mapped('state'), ['uncertain', 'sending', 'queued'])
        self.assertEqual(late.state, 'queued', "sent again")

    def test_administrators_are_told_and_told_off(self):
        message = self.enqueue(self.partner)
        self.make_stuck(message)
        self.recover()
        self.recover()
        check = self.env['crm.selfcheck'].search([('code', '=', 'customer.messages_uncertain')])
        self.assertEqual((check.state, check.count), ('fail', 1))
        of_manager = check.activity_ids.filtered(lambda task: task.user_id == self.manager)
        self.assertEqual(len(of_manager), 1)
        message.with_user(self.manager).action_mark_sent()
        self.recover()
        self.assertEqual(check.state, 'ok')
        self.assertFalse(check.activity_ids)

    def settle(self, action):
        message = self.enqueue(self.partner)
        self.make_stuck(message)
        self.recover()
        mail = self.get_mails(message)
        self.assertEqual((message.state, mail.state), ('uncertain', 'exception'))
        getattr(message.with_user(self.manager), action)()
        return message, mail

    def test_send_again(self):
        message, _mail = self.settle('action_send_again')
        self.assertEqual(message.state, 'queued')
        self.send()
        self.assertEqual((message.state, self.count_arrived(message)), ('sent', 1))

    def test_was_sent(self):
        message, mail = self.settle('action_mark_sent')
        self.assertEqual((message.state, message.sent_at), ('sent', message.attempted_at))
        self.assertFalse(mail.exists())
        self.assertEqual(message.counted_at, message.sent_at, "it counts against the cap")

    def test_was_not_sent(self):
        message, mail = self.settle('action_mark_not_sent')
        self.assertRecordValues(
            message, [{'state': 'failed', 'reason': 'staff', 'counted_at': False}]
        )
        self.assertFalse(mail.exists())
        message.with_user(self.manager).action_send_again()
        self.send()
        self.assertEqual((message.state, self.count_arrived(message)), ('sent', 1))

    def test_who_may_settle_what(self):
        message = self.enqueue(self.partner)
        with self.assertRaises(UserError):
            message.with_user(self.manager).action_send_again()
        message.state = 'uncertain'
        user = new_test_user(self.env, 'cm_user', 'crm_customer.group_all')
        for action in ('action_send_again', 'action_mark_sent', 'action_mark_not_sent'):
            with self.assertRaises(AccessError):
                getattr(message.with_user(user), action)()

    def test_crash_before_tidying_up(self):
        message = self.enqueue(self.partner)
        mail = self.get_mails(message)
        message.write({'state': 'sent', 'sent_at': fields.Datetime.now()})
        self.recover()
        self.assertFalse(mail.exists())
        self.send()
        self.assertEqual(self.count_arrived(message), 0)

    def test_self_checks(self):
        checks = self.env['crm.selfcheck']
        messages = self.enqueue(self.partners)
        self.assertEqual(checks._check_messages_queued()[0], True)
        self.assertEqual(checks._check_messages_sending()[0], True)
        self.get_mails(messages[0]).unlink()
        self.make_stuck(messages[1], minutes=61)
        self.assertEqual(checks._check_messages_queued()[::2], (False, 1))
        self.assertEqual(checks._check_messages_sending()[::2], (False, 1))

    def test_task_is_taken_back(self):
        message = self.enqueue(self.partner, channel='phone')
        with patch.object(
            self.registry['crm.message'], '_recheck', lambda messages: messages.browse()
        ):
            self.recover()
        self.assertFalse(self.partner.activity_ids)
        self.assertEqual(message.state, 'cancelled')
