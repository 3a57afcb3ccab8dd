import re
from email.header import decode_header, make_header
from unittest.mock import patch

from odoo import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from .transport_common import TransportCase

DELIVERY = 'odoo.addons.crm_customer.models.mail_mail'


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
