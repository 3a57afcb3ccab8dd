from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged

from .common import MONDAY, AftersalesCommon


@tagged('post_install', '-at_install')
class TestRequest(AftersalesCommon):
    def _say(self, request, author=None, **values):
        return request.message_post(
            body="It still makes a noise",
            author_id=(author or self.customer).id,
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
            **values,
        )

    # ------------------------------------------------------------
    # Creation
    # ------------------------------------------------------------

    def test_numbers(self):
        first, second = self.env['aftersales.request'].create([{'name': "A"}, {'name': "B"}])
        self.assertRegex(first.number, r'^SR\d{5}$')
        self.assertEqual(int(second.number[2:]), int(first.number[2:]) + 1)
        self.assertEqual(first.display_name, f"{first.number} A")

    def test_number_from_the_sequence_of_the_company(self):
        self.env['ir.sequence'].create(
            {
                'name': "Two",
                'code': 'aftersales.request',
                'prefix': 'TWO',
                'company_id': self.company_2.id,
            }
        )
        team = self.env['aftersales.team'].create({'name': "Two", 'company_id': self.company_2.id})
        requests = self.env['aftersales.request'].create(
            [
                {'name': "By company", 'company_id': self.company_2.id},
                {'name': "By team", 'team_id': team.id},
                {'name': "Ours"},
            ]
        )
        self.assertEqual(requests.mapped('number')[:2], ['TWO1', 'TWO2'])
        self.assertTrue(requests[2].number.startswith('SR'))
        self.assertEqual(requests.mapped('company_id.id'), [self.company_2.id, self.company.id])

    def test_nothing_is_received_on_a_day_to_come(self):
        tomorrow = fields.Datetime.now() + timedelta(days=1)
        with self.assertRaisesRegex(ValidationError, "to come"):
            self._create_request(date_received=tomorrow)
        request = self._create_request()
        with self.assertRaisesRegex(ValidationError, "to come"):
            request.date_received = tomorrow

    def test_average_rating_is_of_those_rated(self):
        requests = self._create_request() | self._create_request()
        read = requests._read_group
        domain = [('id', 'in', requests.ids)]
        self.assertFalse(read(domain, [], ['rating_last_value:avg'])[0][0])
        requests[0].rating_apply(4, token=requests[0]._rating_get_access_token())
        self.assertEqual(read(domain, [], ['rating_last_value:avg'])[0][0], 4)

    def test_type_gives_team_and_priority(self):
        self.type_complaint.team_id = self.team_workshop
        request = self._create_request(type_id=self.type_complaint.id)
        self.assertEqual(request.team_id, self.team_workshop)
        self.assertEqual(request.priority, '1')
        request = self._create_request(type_id=self.type_complaint.id, priority='2')
        self.assertEqual(request.priority, '2')
        self.assertEqual(self._create_request().team_id, self.team)

    def test_type_routes_what_staff_takes_in(self):
        self.type_complaint.team_id = self.team_workshop
        other = self.env['aftersales.team'].create({'name': "Other"})
        with Form(self.env['aftersales.request'].with_user(self.user_service)) as form:
            form.name = "A"
            self.assertEqual(form.team_id, self.team)
            form.type_id = self.type_complaint
            self.assertEqual(form.team_id, self.team_workshop)
            form.type_id = self.type_fault
            self.assertEqual(form.team_id, self.team, "not any more")
            form.team_id = other
            form.type_id = self.env['aftersales.request.type']
            self.assertEqual(form.team_id, other, "chosen by hand")
        with Form(form.record) as form:
            form.type_id = self.type_complaint
            self.assertEqual(form.team_id, other, "who works on it goes on")

    def test_default_team_of_another_company_is_not_taken(self):
        self.team.company_id = self.company
        self.company_2.aftersales_team_id = self.team
        request = self.env['aftersales.request'].create(
            {'name': "Two", 'company_id': self.company_2.id}
        )
        self.assertFalse(request.team_id)
        self.assertEqual(request.company_id, self.company_2)

    def test_unit_gives_customer_and_product(self):
        with Form(self.env['aftersales.request'].with_user(self.user_service)) as form:
            form.unit_id = self.unit
            form.name = "Noise"
            self.assertEqual(form.partner_id, self.customer)
            self.assertEqual(form.product_id, self.product)
            self.assertEqual(form.email_from, 'wang@sunrise.example.com')
        self.assertEqual(form.record.commercial_partner_id, self.customer_company)

    def test_imported_history_keeps_its_dates(self):
        self._create_policy(response=1, resolution=8)
        with self.mock_mail_gateway():
            request = self._create_request(
                stage_id=self._stage('closed').id,
                date_received=MONDAY,
                date_first_reply=MONDAY + timedelta(minutes=5),
                date_resolved=MONDAY + timedelta(days=7),
                date_closed=MONDAY + timedelta(days=8),
            )
        self.assertEqual(request.date_closed, MONDAY + timedelta(days=8))
        self.assertEqual(request.sla_deadline, MONDAY + timedelta(days=1))
        self.assertEqual(request.sla_state, 'breached')
        self.assertFalse(self._new_mails, "nobody is asked about the past")

    # ------------------------------------------------------------
    # States
    # ------------------------------------------------------------

    def test_way_through_the_stages(self):
        request = self._create_request().with_user(self.user_service)
        request.action_take()
        self.assertEqual((request.state, request.user_id), ('open', self.user_service))
        with freeze_time(MONDAY):
            request.action_resolve()
        self.assertEqual(request.date_resolved, MONDAY)
        self.assertFalse(request.date_closed)
        with freeze_time(MONDAY + timedelta(days=1)):
            request.action_close()
        self.assertEqual(request.date_resolved, MONDAY)
        self.assertEqual(request.date_closed, MONDAY + timedelta(days=1))
        request.action_reopen()
        self.assertFalse(request.date_resolved or request.date_closed)
        request.action_cancel()
        self.assertTrue(request.date_closed)
        self.assertFalse(request.date_resolved)

    def test_closing_without_resolving_resolves(self):
        request = self._create_request()
        request.action_close()
        self.assertEqual(request.date_resolved, request.date_closed)

    def test_meaning_of_a_used_stage_does_not_change(self):
        request = self._create_request()
        with self.assertRaises(UserError):
            request.stage_id.state = 'closed'
        request.stage_id.state = 'new'

    def test_no_stage_for_a_state_says_what_to_do(self):
        self._stage('waiting_supplier').active = False
        with self.assertRaisesRegex(UserError, "Stages"):
            self._stage('waiting_supplier')

    def test_all_stages_are_columns(self):
        stages = self.env['aftersales.request.stage'].search([])
        Request = self.env['aftersales.request'].with_context(read_group_expand=True)
        groups = Request.web_read_group(
            [('id', '=', self._create_request().id)], ['stage_id'], ['__count']
        )['groups']
        self.assertEqual([group['stage_id'][0] for group in groups], stages.ids)

    # ------------------------------------------------------------
    # The customer speaks
    # ------------------------------------------------------------

    def test_answer_ends_waiting_for_the_customer(self):
        request = self._create_request(stage_id=self._stage('waiting_customer').id)
        self._say(request)
        self.assertEqual(request.state, 'open')

    def test_note_of_ours_does_not_reopen(self):
        request = self._create_request()
        request.action_close()
        request.with_user(self.user_service).message_post(body="note", message_type='comment')
        self._say(request, self.user_service.partner_id)
        self.assertEqual(request.state, 'closed')

    def test_answer_within_the_days_reopens(self):
        self.company.aftersales_reopen_days = 14
        request = self._create_request()
        with freeze_time(MONDAY):
            request.action_close()
        with freeze_time(MONDAY + timedelta(days=14)):
            self._say(request)
        self.assertEqual((request.state, request.reopen_count), ('open', 1))
        self.assertFalse(request.child_ids)

    def test_answer_to_resolved_always_reopens(self):
        request = self._create_request()
        with freeze_time(MONDAY):
            request.action_resolve()
        with freeze_time(MONDAY + timedelta(days=90)):
            self._say(request)
        self.assertEqual(request.state, 'open')

    def test_late_answer_becomes_a_follow_up(self):
        request = self._create_request(description="old", user_id=self.user_service.id)
        with freeze_time(MONDAY):
            request.action_close()
        with freeze_time(MONDAY + timedelta(days=14, seconds=1)):
            attachment = self.env['ir.attachment'].create({'name': 'a.txt', 'raw': b'x'})
            self._say(request, attachment_ids=attachment.ids)
        self.assertEqual(request.state, 'closed')
        follow_up = request.child_ids
        self.assertRecordValues(
            follow_up,
            [
                {
                    'name': request.name,
                    'state': 'new',
                    'partner_id': self.customer.id,
                    'unit_id': self.unit.id,
                    'type_id': self.type_fault.id,
                    'team_id': self.team.id,
                }
            ],
        )
        self.assertIn("still makes a noise", follow_up.description)
        message = follow_up.message_ids.filtered(lambda m: m.author_id == self.customer)
        self.assertEqual(len(message), 1)
        self.assertEqual(message.attachment_ids.res_id, follow_up.id)
        # a second late mail goes to the same follow-up
        with freeze_time(MONDAY + timedelta(days=15)):
            self._say(request)
        self.assertEqual(request.child_ids, follow_up)

    def test_zero_days_never_reopens(self):
        self.company.aftersales_reopen_days = 0
        request = self._create_request()
        with freeze_time(MONDAY):
            request.action_close()
        with freeze_time(MONDAY + timedelta(minutes=1)):
            self._say(request)
        self.assertEqual(request.state, 'closed')
        self.assertTrue(request.child_ids)

    # ------------------------------------------------------------
    # Rating
    # ------------------------------------------------------------

    def _rating_messages(self, request):
        return self.env['crm.message'].search(
            [('origin_model', '=', request._name), ('origin_id', '=', request.id)]
        )

    def test_rating_is_asked_once(self):
        request = self._create_request(user_id=self.user_service.id)
        with freeze_time(MONDAY):
            request.action_resolve()
            self.assertFalse(self._rating_messages(request))
            request.action_close()
            self.assertEqual(len(self._rating_messages(request)), 1)
            request.name = "Renamed"
            closed = request.stage_id.copy({'name': "Closed and archived"})
            request.stage_id = closed
            self.assertEqual(len(self._rating_messages(request)), 1, "closed already")
        with freeze_time(MONDAY + timedelta(minutes=1)):
            request.action_reopen()
            request.action_close()
        messages = self._rating_messages(request)
        self.assertEqual(len(messages), 1, "once for each request, however often it is reopened")
        self.assertEqual(messages.person_id.partner_id, request.partner_id)
        self.assertEqual(set(messages.mapped('message_class')), {'survey'})

    def test_rating_mail_stays_in_the_chatter(self):
        request = self._create_request(user_id=self.user_service.id)
        request.action_close()
        message = self._rating_messages(request).sudo()
        message._enqueue()
        mail = self.env['mail.mail'].search([('crm_message_id', '=', message.id)])
        self.assertIn('/rate/', mail.body_html)
        self.assertEqual(mail.recipient_ids, request.partner_id)
        self.assertIn(mail.mail_message_id, request.message_ids)
        mail._unlink_in_bulk()
        self.assertIn("How was our service", request.message_ids[0].subject)

    def test_rating_of_other_documents_passes_the_gate(self):
        """What core asks for on its own, as projects do."""
        template = self.env['mail.template'].create(
            {
                'name': "Rate the order",
                'model_id': self.env['ir.model']._get_id('sale.order'),
                'subject': "Happy?",
            }
        )
        partner = self._create_request().partner_id
        order = self.env['sale.order'].create({'partner_id': partner.id})
        for _time in range(2):
            order.rating_send_request(template)
        message = self._rating_messages(order)
        self.assertRecordValues(message, [{'state': 'planned', 'message_class': 'survey'}])
        self.assertFalse(self.env['mail.mail'].search([('subject', '=', "Happy?")]))

    def test_rating_is_not_asked(self):
        praise = self._create_request(type_id=self.type_praise.id)
        nobody = self._create_request(partner_id=False, unit_id=False)
        cancelled = self._create_request()
        cancelled.action_cancel()
        (praise | nobody).action_close()
        for request in praise | nobody | cancelled:
            self.assertFalse(self._rating_messages(request))

    def test_rating_with_words_does_not_reopen(self):
        request = self._create_request(user_id=self.user_service.id)
        request.action_close()
        token = request._rating_get_access_token()
        request.sudo().rating_apply(5, token=token, feedback="Thank you")
        self.assertEqual(request.state, 'closed')
        self.assertEqual(request.rating_avg, 5)
        self.assertEqual(request.rating_ids.rated_partner_id, self.user_service.partner_id)
