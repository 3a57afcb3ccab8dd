import re
from datetime import timedelta

from odoo import fields
from odoo.tests import tagged
from odoo.tools import email_normalize

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestRequestNotice(AftersalesCommon):
    """Customers are told how their requests stand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for notice in ('received', 'waiting', 'resolved'):
            cls.company[f'aftersales_notice_{notice}'] = True

    def _get_notices(self, requests):
        return self.env['crm.message'].search(
            [
                ('origin_model', '=', 'aftersales.request'),
                ('origin_id', 'in', requests.ids),
                ('message_class', '=', 'transactional'),
            ]
        )

    def _get_subjects(self, request):
        names = self._get_notices(request).sorted('id').mapped('subject')
        return [name.removeprefix("After-Sales: ") for name in names]

    def _enqueue(self, messages):
        messages.sudo()._enqueue()
        return self.env['mail.mail'].search([('crm_message_id', 'in', messages.ids)])

    # ------------------------------------------------------------
    # When
    # ------------------------------------------------------------

    def test_received(self):
        for channel in ('email', 'portal', 'web', 'qr', 'api'):
            request = self._create_request(channel=channel)
            self.assertEqual(self._get_subjects(request), ["Request Received"], channel)
            self.assertEqual(self._get_notices(request).channel, 'email')

    def test_never_in_the_name_of_the_customer(self):
        """He raises it himself; without an address of the company his own was taken."""
        self.company.partner_id.email = False
        self.company.alias_domain_id = False
        requests = self.env['aftersales.request'].with_user(self.user_customer).sudo()
        request = requests.create(
            {'name': "Noise", 'partner_id': self.customer.id, 'channel': 'portal'}
        )
        mail = self._enqueue(self._get_notices(request))
        sender = self.env.ref('base.partner_root').email_normalized
        self.assertEqual(email_normalize(mail.email_from), sender)
        self.assertNotIn(self.customer.email, mail.reply_to)
        self.assertEqual(mail.author_id, self.company.partner_id)

    def test_who_talked_to_us_knows(self):
        for channel in ('phone', 'counter', 'letter'):
            self.assertFalse(self._get_notices(self._create_request(channel=channel)))

    def test_what_is_past_is_no_news(self):
        past = fields.Datetime.now() - timedelta(days=3)
        requests = self._create_request(channel='email', date_received=past)
        requests += self._create_request(channel='email', stage_id=self._stage('closed').id)
        requests += (
            self.env['aftersales.request']
            .with_context(import_file=True)
            .create({'name': "Imported", 'partner_id': self.customer.id, 'channel': 'email'})
        )
        self.assertFalse(self._get_notices(requests))

    def test_waiting_each_time(self):
        request = self._create_request()
        request.stage_id = self._stage('waiting_customer')
        self.assertEqual(self._get_subjects(request), ["Waiting for the Customer"])
        request.name = "Renamed"
        request.stage_id = request.stage_id.copy({'name': "Waiting for photos"})
        self.assertEqual(len(self._get_notices(request)), 1, "he knows already")

    def test_macro_that_answers_says_it_all(self):
        """An answer and a notice of the same step are one mail too many."""
        macro = self.env['aftersales.macro'].create(
            {
                'name': "Ask",
                'body': "<p>Please send a photo.</p>",
                'stage_id': self._stage('waiting_customer').id,
            }
        )
        answered, silent, noted = (self._create_request() for _number in range(3))
        macro._apply(answered)
        self.assertFalse(self._get_notices(answered))
        macro._apply(silent, body='')
        macro.is_note = True
        macro._apply(noted)
        for request in silent, noted:
            self.assertEqual(self._get_subjects(request), ["Waiting for the Customer"])

    def test_macro_that_answers_and_resolves(self):
        macro = self.env['aftersales.macro'].create(
            {
                'name': "Solve",
                'body': "<p>Please press the red button.</p>",
                'stage_id': self._stage('resolved').id,
            }
        )
        answered, silent = (self._create_request() for _number in range(2))
        macro._apply(answered)
        self.assertFalse(self._get_notices(answered))
        macro._apply(silent, body='')
        self.assertEqual(self._get_subjects(silent), ["Request Resolved"])

    def test_macro_reaches_nobody_without_address(self):
        self.company.aftersales_notice_sms = True
        self.customer.write({'email': False, 'phone': '+49 1520 1234567'})
        request = self._create_request()
        macro = self.env['aftersales.macro'].create(
            {
                'name': "Ask",
                'body': "<p>Please send a photo.</p>",
                'stage_id': self._stage('waiting_customer').id,
            }
        )
        macro._apply(request)
        self.assertEqual(self._get_notices(request).channel, 'sms')

    def test_resolved(self):
        request = self._create_request()
        request.action_resolve()
        request.action_close()
        self.assertEqual(self._get_subjects(request), ["Request Resolved"])

    def test_praise_is_not_resolved(self):
        request = self._create_request(type_id=self.type_praise.id)
        request.action_resolve()
        request.action_close()
        self.assertFalse(self._get_notices(request))

    def test_closed_at_once(self):
        opinion = self.env.ref('crm_aftersales.aftersales_request_type_opinion')
        rated, unrated = self._create_request(), self._create_request(type_id=opinion.id)
        (rated + unrated).action_close()
        self.assertFalse(self._get_notices(rated), "the question for a rating says it")
        self.assertEqual(self._get_subjects(unrated), ["Request Resolved"])

    def test_cancelled_is_not_resolved(self):
        request = self._create_request()
        request.action_cancel()
        self.assertFalse(self._get_notices(request))

    def test_settings(self):
        for notice in ('received', 'waiting', 'resolved'):
            self.company[f'aftersales_notice_{notice}'] = False
        request = self._create_request(channel='portal')
        request.stage_id = self._stage('waiting_customer')
        request.action_resolve()
        self.assertFalse(self._get_notices(request))

    def test_who_is_an_address_only_is_not_told(self):
        request = self._create_request(
            partner_id=False, unit_id=False, email_from='x@example.org', channel='email'
        )
        self.assertFalse(self._get_notices(request))

    def test_deleted_template_tells_nobody(self):
        self.env.ref('crm_aftersales.mail_template_request_resolved').unlink()
        request = self._create_request()
        request.action_resolve()
        self.assertFalse(self._get_notices(request))

    def test_sms_to_who_has_no_mail(self):
        self.customer.write({'email': False, 'phone': '+8613800138000'})
        request = self._create_request(channel='portal')
        self.assertFalse(self._get_notices(request), "costs money: only when wanted")
        self.company.aftersales_notice_sms = True
        request = self._create_request(channel='portal')
        notice = self._get_notices(request)
        self.assertEqual(notice.channel, 'sms')
        notice.sudo()._enqueue()
        sms = self.env['sms.sms'].search([('crm_message_id', '=', notice.id)])
        self.assertIn(request.number, sms.body)

    # ------------------------------------------------------------
    # What
    # ------------------------------------------------------------

    def test_mail(self):
        request = self._create_request(channel='portal', team_id=self.team.id)
        mail = self._enqueue(self._get_notices(request))
        self.assertEqual(mail.recipient_ids, self.customer)
        self.assertIn(request.number, mail.subject)
        self.assertIn(request.access_token, mail.body_html)
        self.assertIn('desk.test@', mail.reply_to, "an answer comes back to the request")
        self.assertIn(mail.mail_message_id, request.message_ids)
        self.assertFalse(request.date_first_reply, "an automatic word is no answer")
        headers = self._get_notices(request)._get_mail_headers()
        self.assertEqual(headers['Auto-Submitted'], 'auto-replied')

    def test_all_texts_and_languages(self):
        """Each notice comes in the customer's language, whoever caused it."""
        self.env['res.lang']._activate_lang('fr_FR')
        for notice in ('received', 'waiting', 'resolved'):
            template = self.env.ref(f'crm_aftersales.mail_template_request_{notice}')
            template.with_context(lang='fr_FR').subject = "Votre demande {{ object.number }}"
        self.customer.lang = 'fr_FR'
        request = self._create_request(channel='portal')
        request.with_user(self.user_service).stage_id = self._stage('waiting_customer')
        request.with_user(self.user_service).action_resolve()
        mails = self._enqueue(self._get_notices(request))
        self.assertEqual(mails.mapped('subject'), [f"Votre demande {request.number}"] * 3)
        for mail in mails:
            self.assertTrue(re.search(r'href="http[^"]+/my/requests/', mail.body_html))

    def test_address_without_a_name_is_greeted_as_its_company(self):
        address = self.env['res.partner'].create(
            {'type': 'other', 'parent_id': self.customer_company.id, 'email': 'depot@example.com'}
        )
        request = self._create_request(partner_id=address.id)
        templates = self.env['mail.template'].search([('model', '=', request._name)])
        greeted = templates.filtered(lambda template: 'Hello' in (template.body_html or ''))
        self.assertGreaterEqual(len(greeted), 6)
        for template in greeted:
            body = template._render_field('body_html', request.ids)[request.id]
            self.assertRegex(body, rf"Hello\s+{self.customer_company.name},", template.name)

    def test_decision(self):
        """Who made a suggestion is told what became of it, and why."""
        suggestion = self.env.ref('crm_aftersales.aftersales_request_type_suggestion')
        request = self._create_request(type_id=suggestion.id)
        request.write({'decision': 'declined', 'decision_reason': "A bell is too loud."})
        request.action_resolve()
        mail = self._enqueue(self._get_notices(request))
        self.assertIn("Declined: A bell is too loud.", mail.body_html)

    def test_refused_service_messages_stay_refused(self):
        """The gate decides: who wants nothing of the kind gets nothing."""
        person = self.env['crm.person']._for_partners(self.customer)
        person._set_consent(
            ['transactional'], ['email'], 'out', company=self.company, source='staff'
        )
        notice = self._get_notices(self._create_request(channel='portal'))
        notice.sudo()._decide(fields.Datetime.now())
        self.assertRecordValues(notice, [{'state': 'refused', 'reason': 'no_consent'}])

    def test_queries_do_not_grow(self):
        def count(number):
            requests = self.env['aftersales.request'].create(
                [{'name': f"{n}", 'partner_id': self.customer.id} for n in range(number)]
            )
            self.env.flush_all()
            before = self.env.cr.sql_log_count
            requests._plan_notices('received')
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        count(2)
        self.assertEqual(count(3), count(30))
