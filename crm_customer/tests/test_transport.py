import re
from email.header import decode_header, make_header
from unittest.mock import patch

import requests
from urllib3.exceptions import MaxRetryError

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.iap.tools.iap_tools import IAPServerError

from .transport_common import TransportCase

DELIVERY = 'odoo.addons.crm_customer.models.mail_mail'
TRANSPORT = 'odoo.addons.crm_customer.models.crm_message_transport'
SMS_API = 'odoo.addons.sms.tools.sms_api.SmsApi._send_sms_batch'
SERVER = 'odoo.addons.base.models.ir_mail_server'


@tagged('post_install', '-at_install')
class TestEnqueue(TransportCase):
    def test_mail_is_queued_not_sent(self):
        message = self.enqueue(self.partner)
        mail = self.get_mails(message)
        self.assertRecordValues(
            mail,
            [
                {
                    'state': 'outgoing',
                    'subject': "Hello Customer 0",
                    'recipient_ids': self.partner.ids,
                    'auto_delete': False,
                    'message_id': message.rfc_message_id,
                }
            ],
        )
        self.assertRecordValues(message, [{'state': 'queued', 'mail_mail_id_int': mail.id}])
        self.assertFalse(self.sink.counts, "nothing leaves in the transaction of the gate")

    def test_core_s_queue_leaves_it_alone(self):
        message = self.enqueue(self.partner)
        mail = self.get_mails(message)
        with self.committing() as env:
            env['mail.mail'].process_email_queue()
            mail.with_env(env).send()
        self.assertEqual((mail.state, self.count_arrived(message)), ('outgoing', 0))

    def test_message_id_follows_from_the_key(self):
        first, second = self.enqueue(self.partners[:2])
        self.assertNotEqual(first.rfc_message_id, second.rfc_message_id)
        self.assertEqual(first.rfc_message_id, first._get_rfc_message_id())
        self.assertRegex(first.rfc_message_id, r'^<[\w.]+@[\w.-]+>$')

    def test_language_of_the_customer(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.partner.lang = 'zh_CN'
        self.template.with_context(lang='zh_CN').subject = "您好 {{ object.name }}"
        messages = self.enqueue(self.partners[:2])
        self.assertEqual(
            self.get_mails(messages).sorted('id').mapped('subject'),
            ["您好 Customer 0", "Hello Customer 1"],
        )

    def test_template_about_the_origin(self):
        order = self.env['sale.order'].create({'partner_id': self.partner.id})
        self.template.write(
            {
                'model_id': self.env['ir.model']._get_id('sale.order'),
                'subject': "{{ object.name }} {{ ctx.get('message_values', {}).get('gift') }}",
                'body_html': '<p>Thanks</p>',
            }
        )
        message = self.enqueue(
            self.partner,
            origin_model='sale.order',
            origin_id=order.id,
            content_values={'gift': "Tea"},
        )
        mail = self.get_mails(message)
        self.assertEqual((mail.subject, mail.res_id), (f"{order.name} Tea", order.id))

    def test_own_words_without_template(self):
        message = self.enqueue(
            self.partner,
            content_model=False,
            content_id=False,
            subject="Your parcel",
            content_values={'body': '<p>It is there.</p>'},
        )
        mail = self.get_mails(message)
        self.assertEqual((mail.subject, mail.body_html), ("Your parcel", '<p>It is there.</p>'))

    def test_one_broken_message_stops_no_other(self):
        self.template.body_html = """<t t-out="1 / (object.name != 'Customer 1')"/>"""
        with mute_logger(TRANSPORT):
            messages = self.enqueue(self.partners)
        self.assertEqual(messages.mapped('state'), ['queued', 'failed', 'queued'])
        self.assertEqual(messages[1].reason, 'delivery')
        self.assertIn('division by zero', messages[1].failure)
        self.assertEqual(len(self.get_mails(messages)), 2)

    def test_text_that_is_gone(self):
        message = self.plan(self.partner)
        self.template.unlink()
        with mute_logger(TRANSPORT):
            message._enqueue()
        self.assertRecordValues(message, [{'state': 'failed', 'failure': "The template is gone."}])

    def test_queries_do_not_grow_with_the_messages(self):
        self.enqueue(self.partner, event='warm')
        counts = []
        for number in (3, 12):
            partners = self.env['res.partner'].create(
                [{'name': f"P{n}", 'email': f'p{n}@example.com'} for n in range(number)]
            )
            messages = self.plan(partners, event=f'n{number}')
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            messages._enqueue()
            self.env.flush_all()
            counts.append(self.cr.sql_log_count - before)
        self.assertEqual(counts[0], counts[1])

    def test_folded_messages_stand_before_the_text(self):
        """What the gate folded into a promotion is said in it."""
        own = {'content_model': False, 'content_id': False}
        text = '<html><body class="x"><p>Sale!</p></body></html>'
        host = self.plan(self.partner, 'offer', content_values={'body': text}, **own)
        part = self.plan(self.partner, event='birthday')
        self.fold(part, host)
        host._enqueue()
        body = self.get_mails(host).body_html
        self.assertRegex(body, r'^<html><body class="x"><p>Dear .*</p><p>Sale!</p></body></html>$')
        self.assertEqual(part.state, 'folded')

    def fold(self, part, host):
        part.write({'state': 'folded', 'folded_into_id': host.id})
        self.env.flush_all()
        part._fold()

    def test_template_shows_folded_messages_itself(self):
        host, part = self.plan(self.partner), self.plan(self.partner, event='birthday')
        self.template.body_html = (
            """<p><t t-out="ctx.get('message_values', {}).get('folded') and 'And more'"/></p>"""
        )
        self.fold(part, host)
        host._enqueue()
        self.assertEqual(self.get_mails(host).body_html, '<p>And more</p>')

    def test_text_message(self):
        self.partner.phone = '+4930123456'
        template = self.env['sms.template'].create(
            {
                'name': "SMS",
                'model_id': self.env['ir.model']._get_id('res.partner'),
                'body': "Hi {{ object.name }}",
            }
        )
        content = {'content_model': 'sms.template', 'content_id': template.id}
        offer = self.enqueue(self.partner, 'offer', channel='sms', event='offer', **content)
        order = self.enqueue(self.partner, 'transactional', channel='sms', event='o', **content)
        sms = self.env['sms.sms'].search([('crm_message_id', 'in', (offer | order).ids)])
        self.assertEqual(set(sms.mapped('state')), {'process'}, "core's queue takes 'outgoing'")
        self.assertEqual(set(sms.mapped('number')), {'+4930123456'})
        by_message = {row.crm_message_id: row.body for row in sms}
        self.assertEqual(by_message[order], "Hi Customer 0")
        self.assertRegex(by_message[offer], r"(?s)^Hi Customer 0.*http.*/crm/unsubscribe/")

    def test_task_for_staff(self):
        seller = new_test_user(self.env, 'seller', 'sales_team.group_sale_salesman')
        self.partners.user_id = seller
        calls = self.enqueue(self.partners, channel='phone')
        tasks = self.partners.activity_ids
        self.assertEqual(calls.mapped('state'), ['queued'] * 3)
        self.assertEqual(tasks.user_id, seller)
        self.assertEqual(tasks[0].activity_type_id, self.env.ref('mail.mail_activity_data_call'))
        self.partners[0].activity_ids.with_user(seller).action_feedback("Done")
        self.partners[1].activity_ids.with_user(seller).unlink()
        self.assertEqual(calls.mapped('state'), ['sent', 'cancelled', 'queued'])
        self.assertTrue(calls[0].sent_at)
        calls[2].write({'state': 'refused', 'reason': 'no_consent'})
        self.partners[2].activity_ids.with_user(seller).action_feedback("Done all the same")
        self.assertRecordValues(calls[2], [{'state': 'refused', 'reason': 'no_consent'}])


@tagged('post_install', '-at_install')
class TestSend(TransportCase):
    def test_sent_and_cleaned_up(self):
        messages = self.enqueue(self.partners)
        mails = self.get_mails(messages)
        log = mails.mail_message_id
        self.send()
        self.assertEqual(messages.mapped('state'), ['sent'] * 3)
        self.assertTrue(all(message.sent_at and message.attempts == 1 for message in messages))
        self.assertEqual(messages.mapped('counted_at'), messages.mapped('sent_at'))
        self.assertEqual(set(self.sink.counts), set(messages.mapped('rfc_message_id')))
        self.assertEqual(set(self.sink.counts.values()), {1})
        self.assertFalse(mails.exists() or log.exists())
        self.send()
        self.assertEqual(self.sink.counts.total(), 3)

    def test_order_mail_is_not_counted(self):
        message = self.enqueue(self.partner, 'transactional')
        self.send()
        self.assertRecordValues(message, [{'state': 'sent', 'counted_at': False}])

    def test_what_stays_in_the_chatter_stays(self):
        self.template.auto_delete = False
        message = self.enqueue(self.partner)
        mail = self.get_mails(message)
        log = mail.mail_message_id
        self.assertEqual(log.notification_ids.notification_status, 'ready')
        self.send()
        self.assertFalse(mail.exists())
        self.assertIn("Dear Customer 0", self.partner.message_ids[0].body)
        self.assertEqual(self.partner.message_ids[0], log)
        self.assertEqual(log.notification_ids.notification_status, 'sent')

    def test_files_are_sent_and_deleted(self):
        file = self.env['ir.attachment'].create({'name': "plan.txt", 'raw': b'plan'})
        message = self.enqueue(self.partner)
        mail = self.get_mails(message)
        mail._add_files([("own.txt", b'b3du')])
        own = mail.attachment_ids
        mail.attachment_ids = [Command.link(file.id)]
        self.send()
        parts = [part.get_filename() for part in self.sink.parsed()[0].walk()]
        self.assertIn("own.txt", parts)
        self.assertIn("plan.txt", parts)
        self.assertFalse(own.exists(), "made for this mail")
        self.assertTrue(file.exists(), "not ours")

    def test_unsubscribe_in_promotion_care_and_survey(self):
        classes = ('offer', 'greeting', 'gift', 'hint', 'survey', 'transactional', 'safety')
        self.company.crm_consent_promotion = 'opt_out'
        for message_class in classes:
            self.enqueue(self.partner, message_class, event=message_class)
        self.send()
        mails = self.sink.parsed()
        self.assertEqual(len(mails), len(classes))
        with_link = [mail for mail in mails if mail['List-Unsubscribe']]
        self.assertEqual(len(with_link), 5)
        for mail in mails:
            bodies = [part.get_payload(decode=True).decode() for part in mail.get_payload()]
            for body in bodies:
                self.assertEqual('/crm/preferences/' in body, mail in with_link)
        for mail in with_link:
            self.assertEqual(mail['List-Unsubscribe-Post'], 'List-Unsubscribe=One-Click')
            self.assertIn('/crm/unsubscribe/', mail['List-Unsubscribe'])

    def test_mail_programs_can_read_the_way_out(self):
        """However long the address of the shop: encoded, no program finds the link in it."""
        long = f'https://{"quite-long." * 10}example.com:8069'
        for base in ('http://127.0.0.1:8330', long, 'https://büro.example'):
            with self.subTest(base=base):
                self.env['ir.config_parameter'].set_param('web.base.url', base)
                self.company.invalidate_recordset()
                self.sink.mails.clear()
                message = self.enqueue(self.partner, event=base)
                self.send()
                self.assertEqual(message.state, 'sent', message.failure)
                mail = self.sink.parsed()[0]
                url = base.replace('büro', 'xn--bro-hoa')
                link = mail['List-Unsubscribe']
                self.assertRegex(link, rf'^<{re.escape(url)}/crm/unsubscribe/[\w.-]+>$')
                self.assertEqual(mail['Message-Id'], message.rfc_message_id)
                self.assertLess(max(map(len, self.sink.mails[0].split(b'\r\n'))), 998)

    def test_only_to_the_address_that_was_asked_about(self):
        """The gate knows of the first address whether its owner wants to be written to."""
        self.partner.email = 'first@example.com, Second <second@example.com>'
        self.assertEqual(self.partner.email_normalized, 'first@example.com')
        recipients = []
        self.sink.behaviour.on_recipient = recipients.append
        self.enqueue(self.partner)
        self.send()
        self.assertEqual(recipients, ['first@example.com'])
        self.assertNotIn('second@', str(self.sink.parsed()[0]['To']))

    def test_address_changed_while_others_were_being_sent(self):
        """Built for one address, and in between the customer has another: it waits for a turn."""
        recipients = []
        self.sink.behaviour.on_recipient = recipients.append
        messages = self.enqueue(self.partners)
        original = self.registry['mail.mail']._build_letter
        built = []

        def build(mail, *args):
            letter = original(mail, *args)
            built.append(letter.address)
            if built == ['customer0@example.com', 'customer1@example.com']:
                partner = mail.crm_message_id.partner_id
                partner.email = 'moved@example.com'
                partner.flush_recordset()
            return letter

        with patch.object(self.registry['mail.mail'], '_build_letter', build):
            self.send()
        self.assertEqual(messages.mapped('state'), ['sent'] * 3)
        self.assertEqual(messages.mapped('attempts'), [1] * 3)
        self.assertEqual(
            recipients, ['customer0@example.com', 'customer2@example.com', 'moved@example.com']
        )

    def test_links_are_not_stored(self):
        mail = self.get_mails(self.enqueue(self.partner, 'offer'))
        self.assertNotIn('/crm/', mail.body_html)
        self.assertNotIn('/crm/', mail.headers or '')

    def test_most_important_first(self):
        self.enqueue(self.partners[0], priority=5)
        self.enqueue(self.partners[1], priority=0)
        self.send()
        subjects = [str(make_header(decode_header(m['Subject']))) for m in self.sink.parsed()]
        self.assertEqual(subjects, ["Hello Customer 1", "Hello Customer 0"])

    def test_shards_share_the_customers(self):
        messages = self.enqueue(self.partners)
        self.send(0, 2)
        sent = messages.filtered(lambda message: message.state == 'sent')
        self.assertEqual(sent, messages.filtered(lambda message: message.person_id.id % 2 == 0))
        self.send(1, 2)
        self.assertEqual(self.sink.counts.total(), 3)

    def test_the_committed_state_when_the_mail_arrives(self):
        message = self.enqueue(self.partner)
        seen = []

        def record(messages, cr, letter, following=None):
            result = original(messages, cr, letter, following)
            cr.execute('SELECT state FROM crm_message WHERE id = %s', [message.id])
            if letter or following:
                seen.append((self.sink.counts.total(), *cr.fetchone()))
            return result

        original = self.registry['crm.message']._record
        with patch.object(self.registry['crm.message'], '_record', record):
            self.send()
        self.assertEqual(seen, [(0, 'sending'), (1, 'sent')])

    def test_refused_while_it_was_queued(self):
        messages = self.enqueue(self.partners)
        mail = self.get_mails(messages[1])

        def recheck(these):
            out = these & these.browse(messages[1].id)
            out.write({'state': 'refused', 'reason': 'no_consent'})
            return these - out

        with patch.object(self.registry['crm.message'], '_recheck', recheck):
            self.send()
        self.assertEqual(messages.mapped('state'), ['sent', 'refused', 'sent'])
        self.assertFalse(mail.exists())
        self.assertEqual(self.sink.counts.total(), 2)

    def test_refused_while_others_were_being_sent(self):
        """A slow server does not make the question older than a second."""
        messages = self.enqueue(self.partners)
        asked = []

        def recheck(these):
            asked.append(these)
            if len(asked) == 1:
                return these
            these[-1:].write({'state': 'refused', 'reason': 'no_consent'})
            return these[:-1]

        with (
            patch(f'{DELIVERY}.MAX_AGE_OF_CHECK', 0),
            patch.object(self.registry['crm.message'], '_recheck', recheck),
        ):
            self.send()
        self.assertIn('refused', messages.mapped('state'))
        self.assertEqual(self.sink.counts.total(), messages.mapped('state').count('sent'))

    def test_what_became_of_it_is_known_before_others_are_built(self):
        messages = self.enqueue(self.partners)
        seen = []

        def build(mail, *args):
            self.env.invalidate_all()
            seen.append(messages.mapped('state'))
            return original(mail, *args)

        original = self.registry['mail.mail']._build_letter
        ahead = patch(f'{DELIVERY}.BUILT_AHEAD', 1)
        with ahead, patch.object(self.registry['mail.mail'], '_build_letter', build):
            self.send()
        sent = [states.count('sent') for states in seen]
        self.assertEqual((sent, seen[-1].count('sending')), ([0, 1, 2], 0))

    def test_mail_somebody_cancelled(self):
        message = self.enqueue(self.partner)
        self.get_mails(message).cancel()
        self.send()
        self.assertRecordValues(message, [{'state': 'cancelled', 'reason': 'staff'}])
        self.assertEqual(self.count_arrived(message), 0)

    def test_server_of_a_user_sends_so_many_a_minute(self):
        self.mail_server.owner_user_id = self.env.user
        messages = self.enqueue(self.partners, event='limit')
        self.get_mails(messages).mail_server_id = self.mail_server
        self.env['ir.config_parameter'].set_param('mail.server.personal.limit.minutes', '2')
        allowed = patch.object(
            self.registry['mail.mail'], '_filter_mail_mail_servers', lambda _mails, servers: servers
        )
        forced = patch.object(
            self.registry['ir.mail_server'], '_check_forced_mail_server', lambda *_args: None
        )
        with allowed, forced:
            self.send()
        self.assertEqual(sorted(messages.mapped('state')), ['queued', 'sent', 'sent'])
        waiting = messages.filtered(lambda message: message.state == 'queued')
        self.assertEqual(waiting.retry_at, self.get_mails(waiting).scheduled_date)

    def test_mail_somebody_deleted(self):
        message = self.enqueue(self.partner)
        self.get_mails(message).unlink()
        with mute_logger('odoo.addons.crm_customer.models.crm_message_delivery'):
            self.send()
        self.send()
        self.assertEqual((message.state, self.count_arrived(message)), ('sent', 1))


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


@tagged('post_install', '-at_install')
class TestTextMessages(TransportCase):
    def setUp(self):
        super().setUp()
        self.calls, self.answers = [], {}
        self.startPatcher(patch(SMS_API, lambda _api, batches, **_kw: self.answer(batches)))
        for number, partner in enumerate(self.partners):
            partner.phone = f'+493012345{number}'

    def answer(self, batches):
        """Answer as a provider does; what ``answers`` holds for a number may be an exception."""
        results = []
        for number in [number for batch in batches for number in batch['numbers']]:
            self.calls.append(number['number'])
            state = self.answers.get(number['number'], 'success')
            if isinstance(state, Exception):
                raise state
            results.append({'uuid': number['uuid'], 'state': state, 'credit': 1})
        return results

    def get_sms(self, messages):
        return self.env['sms.sms'].search([('crm_message_id', 'in', messages.ids)])

    def test_what_the_provider_answers(self):
        self.answers['+4930123451'] = 'wrong_number_format'
        self.answers['+4930123452'] = 'insufficient_credit'
        messages = self.enqueue(self.partners, channel='sms')
        self.send()
        self.assertEqual(messages.mapped('state'), ['sent', 'failed', 'queued'])
        self.assertTrue(messages[2].retry_at)
        self.assertEqual(messages.mapped('attempts'), [1, 1, 1])
        self.assertEqual(self.get_sms(messages[2]).state, 'process', "not core's to send")
        self.answers.clear()
        messages.retry_at = False
        self.send()
        self.assertEqual(messages.mapped('state'), ['sent', 'failed', 'sent'])
        self.assertEqual(len(self.calls), 4)

    def test_provider_takes_it_and_does_not_answer(self):
        """Nobody can tell: a greeting is not risked twice, news of an order are."""
        cases = (
            (requests.exceptions.ReadTimeout(), ['uncertain', 'queued']),
            (requests.exceptions.ConnectTimeout(), ['queued', 'queued']),
            (requests.exceptions.ConnectionError("Connection aborted."), ['uncertain', 'queued']),
            (requests.exceptions.ConnectionError(MaxRetryError(None, '')), ['queued', 'queued']),
            (UserError("No account"), ['queued', 'queued']),
            ('insufficient_credit', ['queued', 'queued']),
            ('server_error', ['uncertain', 'queued']),
            (IAPServerError(), ['uncertain', 'queued']),
            (self.get_http_error(502), ['uncertain', 'queued']),
            (self.get_http_error(401), ['queued', 'queued']),
        )
        for number, (error, states) in enumerate(cases):
            with self.subTest(error=error):
                self.answers['+4930123450'] = error
                messages = self.enqueue(self.partner, event=f'g{number}', channel='sms')
                messages |= self.enqueue(
                    self.partner, 'transactional', event=f'o{number}', channel='sms'
                )
                self.send()
                self.assertEqual(messages.mapped('state'), states)
                messages.write({'state': 'cancelled'})

    def get_http_error(self, status):
        """Return what core raises when the provider answers with an error of HTTP."""
        answer = requests.Response()
        answer.status_code = status
        error = AccessError("An error occurred while reaching the provider.")
        error.__context__ = requests.exceptions.HTTPError(response=answer)
        return error

    def test_tried_again_but_not_for_ever(self):
        self.answers['+4930123450'] = 'insufficient_credit'
        message = self.enqueue(self.partner, channel='sms')
        for _attempt in range(14):
            self.send()
            message.retry_at = False
        self.assertEqual((message.state, message.attempts, len(self.calls)), ('failed', 12, 12))

    def test_short_message_somebody_deleted(self):
        messages = self.enqueue(self.partners, channel='sms')
        self.get_sms(messages[0]).unlink()
        with mute_logger('odoo.addons.crm_customer.models.crm_message_delivery'):
            self.send()
        self.send()
        self.assertEqual(messages.mapped('state'), ['sent'] * 3)
        self.assertEqual(sorted(self.calls), sorted(self.partners.mapped('phone_sanitized')))

    def test_short_message_somebody_cancelled(self):
        message = self.enqueue(self.partner, channel='sms')
        self.get_sms(message).action_set_canceled()
        self.send()
        self.assertRecordValues(message, [{'state': 'cancelled', 'reason': 'staff'}])
        self.assertFalse(self.calls)

    def test_sent_by_hand_it_waits_for_its_queue(self):
        message = self.enqueue(self.partner, channel='sms')
        sms = self.get_sms(message)
        sms.action_set_outgoing()
        sms.send()
        with self.committing() as env:
            env['sms.sms']._process_queue()
        self.assertFalse(self.calls)
        self.send()
        self.assertEqual((message.state, len(self.calls)), ('sent', 1))

    def test_only_to_the_number_that_was_asked_about(self):
        message = self.enqueue(self.partner, channel='sms')
        self.partner.phone = '+4930999999'
        self.send()
        self.assertEqual((message.state, self.calls), ('sent', ['+4930999999']))

    def test_number_changed_in_the_last_moment(self):
        messages = self.enqueue(self.partners[:2], channel='sms')
        original = self.registry['sms.sms']._write_again_to_changed_numbers

        def write_again(sms):
            moved = original(sms)
            if not self.calls:
                partner = sms.crm_message_id.partner_id & self.partner.with_env(sms.env)
                partner.phone = '+4930999999'
                partner.flush_recordset()
            return moved

        with patch.object(self.registry['sms.sms'], '_write_again_to_changed_numbers', write_again):
            self.send()
        self.assertEqual(messages.mapped('state'), ['sent'] * 2)
        self.assertEqual(self.calls, ['+4930123451', '+4930999999'])
