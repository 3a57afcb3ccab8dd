import base64
from datetime import timedelta
from email.message import EmailMessage

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
        headers += ''.join(f"{name}: {value}\n" for name, value in values.get('headers', ()))
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
        return self._process(mail)

    def _process(self, mail, model='mail.test.none'):
        """Hand a mail to the gateway as it came in."""
        with self.mock_mail_gateway(), mute_logger('odoo.addons.mail.models.mail_thread'):
            request_id = self.env['mail.thread'].message_process(model, mail)
        return self.env['aftersales.request'].browse(request_id)

    def _process_made(self, content=None, **headers):
        """Hand a mail to the gateway that is made of headers and a function that fills it."""
        mail = EmailMessage()
        headers = {
            'To': f'desk.test@{self.alias_domain}',
            'From': 'wang@sunrise.example.com',
            'Subject': "Noise",
            'Message-Id': '<made@example.com>',
            **headers,
        }
        for name, value in headers.items():
            mail[name] = value
        mail.set_content("The pump makes a noise.")
        if content:
            content(mail)
        return self._process(mail.as_bytes())

    def _answer(self, request, **values):
        return request.with_user(self.user_service).message_post(
            body="Which pump?",
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
            **values,
        )


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

    def test_contact_gets_the_name_of_the_sender(self):
        request = self._receive('Somebody <nobody@unknown.example.com>')
        contact = request._partner_find_from_emails_single(['nobody@unknown.example.com'])
        self.assertEqual(contact.name, "Somebody")

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

    def test_same_mail_twice(self):
        first = self._process_made()
        self.assertTrue(first)
        self.assertFalse(self._process_made())

    def test_copy_reader_answers(self):
        request = self._receive('wang@sunrise.example.com', cc='boss@example.com')
        answer = self._answer(request)
        request.stage_id = self._stage('waiting_customer')
        again = self._receive('boss@example.com', "Re: Noise", reply_to=answer.message_id)
        self.assertEqual(again, request)
        self.assertEqual(request.state, 'open')

    def test_late_mails_make_one_follow_up_with_its_copy_readers(self):
        request = self._receive('wang@sunrise.example.com', cc='boss@example.com')
        answer = self._answer(request)
        request.action_close()
        request.date_closed -= timedelta(days=100)
        for subject in ("Re: Noise", "And again"):
            self._receive('wang@sunrise.example.com', subject, reply_to=answer.message_id)
        self.assertEqual(request.state, 'closed')
        self.assertEqual(len(request.child_ids), 1)
        self.assertIn('boss@example.com', request.child_ids.email_cc)
        self.assertEqual(len(request.child_ids.website_message_ids), 2)

    def test_number_at_the_end_of_a_sentence(self):
        request = self._create_request()
        for subject in (f"News on {request.number}.", f"{request.number}- news?"):
            self.assertEqual(self._receive('wang@sunrise.example.com', subject), request)

    # ------------------------------------------------------------
    # Programs
    # ------------------------------------------------------------

    def test_out_of_office_moves_nothing(self):
        request = self._receive('wang@sunrise.example.com')
        answer = self._answer(request)
        for header in (('Auto-Submitted', 'auto-replied'), ('X-Autoreply', 'yes')):
            request.stage_id = self._stage('waiting_customer')
            self._receive(
                'wang@sunrise.example.com',
                f"Away {header[0]}",
                reply_to=answer.message_id,
                headers=[header],
            )
            self.assertEqual(request.state, 'waiting_customer')
        note = request.message_ids[0]
        self.assertTrue(note.is_internal and note.subtype_id.internal)
        self.assertEqual(note.notified_partner_ids, self.user_service.partner_id)
        request.action_close()
        away = {'reply_to': answer.message_id, 'headers': [('Auto-Submitted', 'auto-replied')]}
        self._receive('wang@sunrise.example.com', "Still away", **away)
        self.assertEqual((request.state, request.reopen_count), ('closed', 0))
        request.date_closed -= timedelta(days=100)
        self._receive('wang@sunrise.example.com', "For ever away", **away)
        self.assertFalse(request.child_ids)

    def test_what_a_program_answers_is_mailed_to_no_customer(self):
        """Two who are out of office do not answer each other through us."""
        request = self._receive('wang@sunrise.example.com')
        request.message_subscribe(self.customer_company.ids)
        self._receive(
            'wang@sunrise.example.com',
            "Away",
            reply_to=request.message_ids.filtered(lambda m: m.message_type == 'email').message_id,
            headers=[('Auto-Submitted', 'auto-replied')],
        )
        self.assertFalse(request.message_ids[0].notified_partner_ids)

    def test_who_is_out_of_office_does_not_answer_programs(self):
        request = self._receive('wang@sunrise.example.com')
        answer = self._answer(request)
        self.user_service.write(
            {'out_of_office_from': '2026-01-01', 'out_of_office_message': "<p>Away</p>"}
        )
        away = [('Auto-Submitted', 'auto-replied')]
        self._receive('wang@sunrise.example.com', "Away", reply_to=answer.message_id, headers=away)
        self.assertNotIn('out_of_office', request.message_ids.mapped('message_type'))

    def test_answer_to_a_notice_is_not_mailed_to_the_company(self):
        """Our own address may be one that makes requests of mails."""
        request = self._receive('info@sunrise.example.com')
        notice = self._answer(request)
        notice.author_id = self.company.partner_id
        self._receive('info@sunrise.example.com', "Thanks", reply_to=notice.message_id)
        told = request.message_ids.filtered(lambda m: m.subject == "Thanks").notified_partner_ids
        self.assertEqual(told, self.user_service.partner_id)

    def test_program_that_writes_first_gets_no_notice(self):
        self.company.aftersales_notice_received = True

        def notices(request):
            return self.env['crm.message'].search_count(
                [('origin_model', '=', request._name), ('origin_id', '=', request.id)]
            )

        request = self._receive('wang@sunrise.example.com', headers=[('Auto-Submitted', 'no')])
        self.assertEqual(notices(request), 1)
        alarm = self._receive(
            'wang@sunrise.example.com',
            "Alarm",
            headers=[('Auto-Submitted', 'auto-generated')],
        )
        self.assertEqual((alarm.state, notices(alarm)), ('new', 0))

    def test_mailbox_without_an_address_of_a_team(self):
        """Servers of incoming mail may make requests of all that comes in."""
        self.company.aftersales_notice_received = True
        request = self._create_request()

        def fetch(subject, extra=''):
            head = f"To: all@example.org\nFrom: wang@sunrise.example.com\nSubject: {subject}\n"
            mail = f"{head}Message-Id: <{subject[:3]}@example.com>\n{extra}\nIt is loud\n"
            return self._process(mail, 'aftersales.request')

        self.assertEqual(fetch(f"Re: {request.number}"), request)
        alarm = fetch("Alarm", "Auto-Submitted: auto-generated\n")
        self.assertEqual(alarm.state, 'new')
        notices = self.env['crm.message'].search([('origin_id', '=', alarm.id)])
        self.assertFalse(notices.filtered(lambda notice: notice.origin_model == alarm._name))

    def test_bounce_changes_nothing(self):
        request = self._receive('wang@sunrise.example.com')
        answer = self._answer(request)
        request.action_close()
        status = f"""Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; {self.customer.email}
Action: failed
Status: 5.1.1
"""
        mail = f"""To: {self.alias_bounce}@{self.alias_domain}
From: MAILER-DAEMON@mx.example.com
Subject: Undelivered
Message-Id: <bounce@mx.example.com>
In-Reply-To: {answer.message_id}
References: {answer.message_id}
Content-Type: multipart/report; report-type=delivery-status; boundary=xx

--xx
Content-Type: text/plain

Nobody here
--xx
{status}
--xx
Content-Type: message/rfc822

Message-Id: {answer.message_id}
Subject: Noise

x
--xx--
"""
        before = self.env['aftersales.request'].search_count([])
        self.assertFalse(self._process(mail))
        self.assertEqual(self.env['aftersales.request'].search_count([]), before)
        self.assertEqual(request.state, 'closed')
        told = answer.notification_ids.filtered(lambda n: n.res_partner_id == self.customer)
        self.assertEqual(told.notification_status, 'bounce')

    # ------------------------------------------------------------
    # Text, pictures and files
    # ------------------------------------------------------------

    def test_pictures_in_the_text(self):
        def fill(mail):
            html = '<p style="position:fixed; color:red">Look</p><img src="cid:a@b"/>'
            mail.add_alternative(html, subtype='html')
            picture = base64.b64decode('R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw==')
            mail.get_payload()[1].add_related(
                picture, 'image', 'gif', cid='<a@b>', filename='a.gif'
            )
            mail.add_attachment(b'%PDF', maintype='application', subtype='pdf', filename='账单.pdf')

        request = self._process_made(fill)
        self.assertIn('/web/image/', request.description)
        self.assertNotIn('cid:', request.description)
        self.assertNotIn('position', request.description, "nothing lies above the form")
        files = self.env['ir.attachment'].search(
            [('res_model', '=', request._name), ('res_id', '=', request.id)]
        )
        self.assertEqual(set(files.mapped('name')), {'a.gif', '账单.pdf'})

    def test_chinese_mail(self):
        def encode(text):
            return '=?gb18030?B?' + base64.b64encode(text.encode('gb18030')).decode() + '?='

        mail = f"""To: desk.test@{self.alias_domain}
From: {encode("王小明")} <wang.xm@example.com>
Subject: {encode("水泵有㐂噪音")}
Message-Id: <gb@example.com>
Content-Type: text/plain; charset="gb18030"
Content-Transfer-Encoding: 8bit

水泵坏了㐂
"""
        request = self._process(mail.encode('gb18030'))
        self.assertEqual(request.name, "水泵有㐂噪音")
        self.assertIn("水泵坏了㐂", request.description)
        self.assertIn("王小明", request.email_from)

    def test_huge_mail(self):
        request = self._process_made(
            lambda mail: mail.set_content("word " * 200_000), Subject="a " * 2000
        )
        self.assertLessEqual(len(request.name), 500)
        self.assertEqual(request.description.count("word"), 200_000)

    # ------------------------------------------------------------
    # Our mails
    # ------------------------------------------------------------

    def test_notice_of_an_intake(self):
        """It comes from the company, and asks for answers only where they arrive."""
        self.company.aftersales_notice_received = True
        self.company.name = "Pumps Ltd"

        def get_mail(request):
            notice = self.env['crm.message'].search([('origin_id', '=', request.id)])
            notice.sudo()._enqueue()
            return self.env['mail.mail'].search([('crm_message_id', '=', notice.id)])

        mail = get_mail(self._receive('info@sunrise.example.com'))
        self.assertIn("Pumps Ltd", mail.reply_to)
        self.assertNotIn("OdooBot", mail.reply_to)
        self.assertIn("answer this mail", mail.body_html)
        self.company.alias_domain_id = False
        alone = self._create_request(team_id=self.team_workshop.id, channel='portal')
        self.assertNotIn("answer this mail", get_mail(alone).body_html)
