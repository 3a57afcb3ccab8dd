from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import AftersalesCommon

MAIL = """To: {to}
From: {email_from}
Cc: {cc}
Subject: {subject}
Message-Id: {msg_id}
{extra}Date: Mon, 02 Mar 2026 09:00:00 +0000
Content-Type: text/plain; charset="utf-8"

{return_path}The pump makes a noise.
"""


class MailGatewayCase(AftersalesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._init_mail_gateway()

    def _receive(self, email_from, subject="Noise", reply_to=None, **values):
        headers = f"In-Reply-To: {reply_to}\nReferences: {reply_to}\n" if reply_to else ''
        number = self.env['mail.message'].search([], order='id desc', limit=1).id
        mail = MAIL.format(
            to=f'desk.test@{self.alias_domain}',
            email_from=email_from,
            cc=values.get('cc', ''),
            subject=subject,
            msg_id=f'<test.{number}.{subject[:3]}@example.com>',
            extra=headers,
            return_path='',
        )
        with self.mock_mail_gateway(), mute_logger('odoo.addons.mail.models.mail_thread'):
            request_id = self.env['mail.thread'].message_process('mail.test.none', mail)
        return self.env['aftersales.request'].browse(request_id)


@tagged('post_install', '-at_install', 'mail_gateway')
class TestMailGateway(MailGatewayCase):
    def test_mail_of_a_customer_becomes_a_request(self):
        request = self._receive('Wang <wang@sunrise.example.com>', cc='boss@sunrise.example.com')
        self.assertRecordValues(
            request,
            [
                {
                    'name': "Noise",
                    'channel': 'email',
                    'partner_id': self.customer.id,
                    'team_id': self.team.id,
                    'user_id': False,
                    'state': 'new',
                    'date_first_reply': False,
                }
            ],
        )
        self.assertIn("makes a noise", request.description)
        self.assertIn('boss@sunrise.example.com', request.email_cc)
        self.assertIn(self.customer, request.message_partner_ids)

    def test_unknown_sender_leaves_no_contact(self):
        before = self.env['res.partner'].search_count([])
        request = self._receive('Somebody <nobody@unknown.example.com>')
        self.assertFalse(request.partner_id)
        self.assertIn('nobody@unknown.example.com', request.email_from)
        self.assertEqual(self.env['res.partner'].search_count([]), before)

    def test_contact_made_by_answering_is_linked(self):
        request = self._receive('Somebody <nobody@unknown.example.com>')
        contact = self.env['res.partner'].create(
            {'name': "Somebody", 'email': 'Nobody@unknown.example.com'}
        )
        request.with_user(self.user_service).message_post(
            body="We come tomorrow",
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
            partner_ids=contact.ids,
        )
        self.assertEqual(request.partner_id, contact)
        self.assertTrue(request.date_first_reply)

    def test_answer_lands_in_its_request_and_reopens_it(self):
        request = self._receive('wang@sunrise.example.com')
        message = request.with_user(self.user_service).message_post(
            body="Solved", message_type='comment', subtype_xmlid='mail.mt_comment'
        )
        request.action_close()
        again = self._receive(
            'wang@sunrise.example.com', subject="Re: Noise", reply_to=message.message_id
        )
        self.assertEqual(again, request)
        self.assertEqual((request.state, request.reopen_count), ('open', 1))

    def test_answer_of_an_unknown_sender_counts_as_the_customers(self):
        request = self._receive('nobody@unknown.example.com')
        request.stage_id = self._stage('waiting_customer')
        message = request.message_ids[0]
        self._receive('nobody@unknown.example.com', "Re: Noise", reply_to=message.message_id)
        self.assertEqual(request.state, 'open')

    def test_answer_of_staff_by_mail_is_the_first_response(self):
        request = self._receive('wang@sunrise.example.com')
        self.user_service.email = 'desk.agent@company.example.com'
        self._receive(
            'desk.agent@company.example.com',
            "Re: Noise",
            reply_to=request.message_ids[0].message_id,
        )
        self.assertTrue(request.date_first_reply)

    def test_answers_go_back_to_the_team(self):
        request = self._receive('wang@sunrise.example.com')
        self.assertIn(f'desk.test@{self.alias_domain}', request._notify_get_reply_to()[request.id])
        alone = self._create_request(team_id=self.team_workshop.id)
        self.assertIn(alone.id, alone._notify_get_reply_to())
