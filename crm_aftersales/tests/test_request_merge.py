from datetime import timedelta

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.crm_customer.tests.common import TwoCursorsCase

from .common import MONDAY, AftersalesCommon
from .test_mail_gateway import MailGatewayCase


class MergeCase(AftersalesCommon):
    def _merge(self, survivor, *sources, user=None):
        requests = self.env['aftersales.request'].union(*sources)
        return requests.with_user(user or self.user_service)._merge_into(survivor)

    def _say(self, request, author=None, body="It still makes a noise", **values):
        return request.message_post(
            body=body,
            author_id=(author or self.customer).id,
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
            **values,
        )


@tagged('post_install', '-at_install')
class TestRequestMerge(MergeCase):
    """Rules of merging: who may be merged, what moves, and what is left of the others."""

    # ------------------------------------------------------------
    # Which requests
    # ------------------------------------------------------------

    def test_4_4_2_only_same_commercial_partner(self):
        ours, colleagues = self._create_request(), self._create_request()
        colleagues.write({'partner_id': self.customer_company.id})
        self._merge(ours, colleagues)
        self.assertEqual(colleagues.merged_into_id, ours)
        theirs = self._create_request(partner_id=self.stranger.id, unit_id=self.unit_stranger.id)
        with self.assertRaises(UserError) as refusal:
            self._merge(ours, theirs)
        self.assertIn("not of the same customer", str(refusal.exception))
        self.assertFalse(theirs.merged_into_id)

    def test_4_4_2_only_same_company(self):
        ours = self._create_request()
        theirs = self._create_request(company_id=self.company_2.id, unit_id=False, team_id=False)
        with self.assertRaises(UserError) as refusal:
            theirs._merge_into(ours)
        self.assertIn("different companies", str(refusal.exception))

    def test_unknown_senders_of_one_address(self):
        first, second, other, phone_1, phone_2 = self.env['aftersales.request'].create(
            [
                {'name': "A", 'email_from': 'New <new@example.com>'},
                {'name': "B", 'email_from': 'new@EXAMPLE.com'},
                {'name': "C", 'email_from': 'other@example.com'},
                {'name': "D"},
                {'name': "E"},
            ]
        )
        self._merge(first, second)
        self.assertEqual(second.merged_into_id, first)
        for survivor, source in ((first, other), (phone_1, phone_2)):
            with self.assertRaises(UserError):
                self._merge(survivor, source)

    def test_rights(self):
        mine = self._create_request(user_id=self.user_technician.id)
        desks = self._create_request(user_id=self.user_service.id)
        for survivor, source in ((mine, desks), (desks, mine)):
            with mute_logger('odoo.addons.base.models.ir_rule'), self.assertRaises(AccessError):
                self._merge(survivor, source, user=self.user_technician)
        own = self._create_request(user_id=self.user_technician.id)
        self._merge(mine, own, user=self.user_technician)
        self.assertEqual(own.merged_into_id, mine)

    def test_one_is_not_merged(self):
        request = self._create_request()
        with self.assertRaises(UserError):
            self._merge(request, request)

    def test_merged_only_once(self):
        first, second, third = (self._create_request() for _number in range(3))
        self._merge(first, second)
        with self.assertRaises(UserError) as refusal:
            self._merge(third, second)
        self.assertIn(first.number, str(refusal.exception))

    # ------------------------------------------------------------
    # What moves
    # ------------------------------------------------------------

    def test_4_4_2_everything_moves(self):
        survivor, source = self._create_request(unit_id=False), self._create_request()
        source.description = "<p>Since Monday</p>"
        message = self._say(source)
        attachment = self.env['ir.attachment'].create(
            {'name': 'a.txt', 'raw': b'x', 'res_model': source._name, 'res_id': source.id}
        )
        activity = source.activity_schedule(
            'mail.mail_activity_data_call', user_id=self.user_service.id
        )
        source.message_subscribe(self.customer_company.ids)
        child = self._create_request(parent_id=source.id)
        rating = self.env['rating.rating'].create(
            {
                'res_model_id': self.env['ir.model']._get_id(source._name),
                'res_id': source.id,
                'rating': 5,
                'consumed': True,
            }
        )
        source.email_cc = 'boss@sunrise.example.com'
        self._merge(survivor, source)
        self.assertEqual(message.res_id, survivor.id)
        self.assertEqual(attachment.res_id, survivor.id)
        self.assertEqual(survivor.activity_ids, activity)
        self.assertIn(self.customer_company, survivor.message_partner_ids)
        self.assertEqual(survivor.child_ids, child)
        self.assertEqual(survivor.rating_ids, rating)
        self.assertEqual((survivor.rating_last_value, source.rating_last_value), (5, 0))
        self.assertIn('boss@sunrise.example.com', survivor.email_cc)
        self.assertEqual(survivor.unit_id, self.unit)
        note = survivor.message_ids[0].body
        self.assertIn(source.number, note)
        self.assertIn("Since Monday", note)
        self.assertIn(survivor.number, source.message_ids[0].body)

    def test_who_follows_whom(self):
        first = self._create_request()
        second = self._create_request(parent_id=first.id)
        third = self._create_request()
        self._merge(third, second)
        self.assertEqual(third.parent_id, first)
        self._merge(third, first)
        self.assertFalse(third.parent_id, "nobody follows himself")

    def test_what_the_survivor_says_is_kept(self):
        survivor, source = self._create_request(name="Pump"), self._create_request(unit_id=False)
        survivor.user_id, source.user_id = self.user_service, self.user_manager
        self._merge(survivor, source)
        self.assertEqual((survivor.name, survivor.user_id), ("Pump", self.user_service))

    def test_most_urgent_wins(self):
        point = self.env['aftersales.service.point'].create({'name': "East"})
        code = self.env['aftersales.code'].create(
            {'name': "Worn", 'code': 'worn.test', 'kind': 'cause'}
        )
        survivor, source, urgent = (self._create_request() for _number in range(3))
        source.write({'user_id': self.user_service.id, 'service_point_id': point.id})
        source.cause_code_id = code
        urgent.write({'impact': '3', 'urgency': '2'})
        self._merge(survivor, source | urgent)
        self.assertRecordValues(
            survivor,
            [
                {
                    'priority': '2',
                    'impact': '3',
                    'urgency': '2',
                    'user_id': self.user_service.id,
                    'service_point_id': point.id,
                    'team_id': self.team.id,
                    'cause_code_id': code.id,
                }
            ],
        )
        over = self._create_request(priority='3')
        over.action_close()
        self._merge(survivor, over)
        self.assertEqual(survivor.priority, '2', "what is over is not urgent")

    def test_shortest_promise_wins(self):
        slow = self._create_policy(response=2, resolution=8, sequence=2)
        quick = self._create_policy(
            response=1, resolution=2, type_ids=self.type_complaint.ids, sequence=1
        )
        with freeze_time(MONDAY):
            survivor = self._create_request(date_received=MONDAY)
            source = self._create_request(
                date_received=MONDAY, type_id=self.type_complaint.id, priority='0'
            )
            self.assertEqual((survivor.sla_policy_id, source.sla_policy_id), (slow, quick))
            self._merge(survivor, source)
            self.assertEqual(survivor.sla_policy_id, quick)
            clock = survivor.sla_clock_ids.filtered(lambda clock: clock.kind == 'resolution')
            self.assertEqual(clock.deadline, MONDAY + timedelta(hours=2))
            self.assertFalse(survivor._get_wrong_clocks())
            other = self._create_request(date_received=MONDAY)
            self._merge(survivor, other)
            self.assertEqual(survivor.sla_policy_id, quick, "a slower one changes nothing")

    def test_no_promise_gets_longer(self):
        """Each is kept that either of them made, whatever is learnt about the request later."""
        values = {'calendar_source': 'always'}
        own = self._create_policy(response=1, resolution=8, sequence=2, **values)
        self._create_policy(
            response=6, resolution=7, type_ids=self.type_complaint.ids, sequence=1, **values
        )
        with freeze_time(MONDAY):
            survivor, other = (self._create_request(date_received=MONDAY) for _number in range(2))
            source = self._create_request(
                date_received=MONDAY, type_id=self.type_complaint.id, priority='0'
            )
            self._merge(survivor, source)
            expected = {
                'first_response': MONDAY + timedelta(hours=1),
                'resolution': MONDAY + timedelta(hours=7),
            }
            self.assertEqual(self._get_deadlines(survivor), expected)
            survivor.unit_id = False
            self.assertEqual(self._get_deadlines(survivor), expected, "the same policy fits")
            self._merge(other, survivor)
            self.assertEqual(self._get_deadlines(other), expected)
            self.assertFalse(other._get_wrong_clocks())
            slow = self._create_policy(response=9, resolution=9, sequence=0, **values)
            other.priority = '0'
            self.assertEqual(other.sla_policy_id, slow, "another policy fits")
            slow.active = False
            other.priority = '1'
            self.assertEqual(other.sla_policy_id, own)

    def test_shortest_promise_by_the_clock(self):
        """Fewer hours of a desk that opens later are a longer promise."""
        self._create_policy(response=2, resolution=9, sequence=2, calendar_source='always')
        self._create_policy(response=2, resolution=8, type_ids=self.type_complaint.ids, sequence=1)
        night = MONDAY - timedelta(hours=9)
        with freeze_time(night):
            survivor = self._create_request(date_received=night)
            source = self._create_request(date_received=night, type_id=self.type_complaint.id)
            before = self._get_deadlines(survivor)
            self._merge(survivor, source)
            self.assertEqual(self._get_deadlines(survivor), before)

    def _get_deadlines(self, request):
        clocks = request.sla_clock_ids.filtered(lambda clock: clock.state != 'cancelled')
        return {clock.kind: clock.deadline for clock in clocks}

    def test_part_that_is_merged_back_owes_its_answer(self):
        self._create_policy(response=1, resolution=8, next_response_hours=1)
        with freeze_time(MONDAY) as clock:
            request = self._create_request(date_received=MONDAY)
            self._say(request, self.user_service.partner_id)
            clock.tick(600)
            message = self._say(request)
            before = self._get_deadlines(request)
            self.assertIn('next_response', before)
            clock.tick(600)
            part = request._split("The bill", message)
            self.assertNotIn('next_response', self._get_deadlines(request))
            clock.tick(600)
            self._merge(request, part)
            self.assertEqual(self._get_deadlines(request), before)
            self.assertFalse(request._get_wrong_clocks())

    def test_what_names_a_request_follows(self):
        survivor, source = self._create_request(), self._create_request()
        part = self.env['aftersales.unit.component'].create(
            {'unit_id': self.unit.id, 'product_id': self.product.id, 'request_in_id': source.id}
        )
        self._merge(survivor, source)
        self.assertEqual(part.request_in_id, survivor)

    def test_open_matter_stays_open(self):
        survivor, source = self._create_request(), self._create_request()
        survivor.action_close()
        self._merge(survivor, source)
        self.assertEqual(survivor.state, 'open')

    def test_4_1_11_survivor_keeps_the_earliest_start(self):
        policy = self._create_policy(response=1, resolution=8)
        with freeze_time(MONDAY):
            source = self._create_request(date_received=MONDAY)
            self._say(source, self.user_service.partner_id)
        with freeze_time(MONDAY.replace(hour=11)):
            survivor = self._create_request()
            self._merge(survivor, source)
            self.assertEqual(survivor.date_received, MONDAY)
            self.assertEqual(survivor.date_first_reply, MONDAY)
            self.assertEqual(survivor.sla_policy_id, policy)
            self.assertEqual(survivor.sla_deadline, MONDAY + timedelta(days=1))
            self.assertEqual(source.sla_state, 'none')

    def test_hook(self):
        survivor, source = self._create_request(), self._create_request()
        called = []
        self.patch(
            self.env.registry['aftersales.request'],
            '_merge_after_hook',
            lambda self, sources: called.append((self.id, sources.ids)),
        )
        self._merge(survivor, source)
        self.assertEqual(called, [(survivor.id, source.ids)])

    # ------------------------------------------------------------
    # What is left of the others
    # ------------------------------------------------------------

    def test_4_4_2_chains_lead_to_the_final_one(self):
        first, second, third, fourth = (self._create_request() for _number in range(4))
        self._merge(second, first)
        self._merge(third, second)
        self.assertEqual((first | second).merged_into_id, third)
        self._merge(second, fourth)
        self.assertEqual(fourth.merged_into_id, third)

    def test_merged_is_over_and_stays_so(self):
        self._create_policy(response=1, resolution=1)
        survivor, source = self._create_request(), self._create_request(date_received=MONDAY)
        self.assertEqual(source.sla_state, 'breached')
        self._merge(survivor, source)
        self.assertEqual((source.state, source.sla_state), ('cancelled', 'none'))
        self.assertTrue(source.date_closed)
        for move in ('action_reopen', 'action_take', 'action_resolve'):
            with self.subTest(move=move), self.assertRaises(ValidationError):
                getattr(source, move)()
                self.env.flush_all()
                source._move_to_state('open')

    def test_merged_by_hand_is_not_possible(self):
        first, second = self._create_request(), self._create_request()
        with self.assertRaises(AccessError):
            second.with_user(self.user_manager).merged_into_id = first

    def test_merged_does_not_count(self):
        survivor, source = self._create_request(), self._create_request()
        self._merge(survivor, source)
        self.assertEqual(self.customer.aftersales_request_count, 1)
        lines = self.customer._get_briefing_requests()[self.customer.id]
        self.assertEqual([line.target[1] for line in lines], survivor.ids)
        domain = self.customer._get_timeline_source_requests().domain
        self.assertEqual(self.env['aftersales.request'].search(domain), survivor)
        domain = self.env.ref('crm_aftersales.aftersales_request_action_analysis').domain
        self.assertIn('merged_into_id', domain)
        reported = self.env['aftersales.report'].search(
            [('request_id', 'in', (survivor | source).ids)]
        )
        self.assertEqual(reported.request_id, survivor)

    def test_4_4_2_word_to_a_merged_one_lands_in_the_survivor(self):
        survivor, source = self._create_request(), self._create_request()
        survivor.stage_id = self._stage('waiting_customer')
        self._merge(survivor, source)
        message = self._say(source.with_user(self.user_customer).sudo())
        self.assertEqual(message.res_id, survivor.id)
        self.assertEqual(survivor.state, 'open', "the customer answered")
        self.assertEqual(source.state, 'cancelled')
        self.assertFalse(source.child_ids)

    # ------------------------------------------------------------
    # Screen and cost
    # ------------------------------------------------------------

    def test_wizard(self):
        requests = self._create_request(date_received='2026-03-03 09:00:00')
        requests |= self._create_request(date_received='2026-03-02 09:00:00')
        requests |= self._create_request(date_received='2026-03-01 09:00:00')
        requests[2].action_close()
        wizard = self.env['aftersales.request.merge'].with_user(self.user_service)
        with Form(wizard.with_context(default_request_ids=requests.ids)) as form:
            self.assertEqual(form.survivor_id, requests[1], "the first of those that are open")
        action = form.record.action_merge()
        self.assertEqual(action['res_id'], requests[1].id)
        self.assertEqual(requests[1].merged_ids, requests - requests[1])

    def test_wizard_from_a_form(self):
        request, other = self._create_request(), self._create_request()
        wizard = self.env['aftersales.request.merge'].with_user(self.user_service)
        with Form(wizard.with_context(default_request_ids=request.ids)) as form:
            self.assertEqual(form.survivor_id, request)
            self.assertEqual(form.company_id, request.company_id, "others of it are offered")
            self.assertEqual(form.commercial_partner_id, request.commercial_partner_id)
        with self.assertRaises(UserError):
            form.record.action_merge()
        with Form(form.record) as form:
            form.request_ids.add(other)
            self.assertEqual(form.survivor_id, request, "the one that is worked on")
            form.survivor_id = other
        form.record.action_merge()
        self.assertEqual(request.merged_into_id, other)

    def test_wizard_merges_into_none_that_was_taken_out(self):
        first, second, third = (
            self._create_request(date_received=f'2026-03-0{day} 09:00:00') for day in (1, 2, 3)
        )
        wizard = self.env['aftersales.request.merge'].with_user(self.user_service)
        requests = first | second | third
        with Form(wizard.with_context(default_request_ids=requests.ids)) as form:
            self.assertEqual(form.survivor_id, first)
            form.request_ids.remove(first.id)
            self.assertEqual(form.survivor_id, second)
        form.record.survivor_id = first
        with self.assertRaises(UserError) as refusal:
            form.record.action_merge()
        self.assertIn(first.number, str(refusal.exception))
        form.record.survivor_id = second
        form.record.action_merge()
        self.assertFalse(first.merged_ids)
        self.assertEqual(second.merged_ids, third)

    def test_queries_are_constant(self):
        def count(number):
            survivor = self._create_request()
            sources = self.env['aftersales.request'].union(
                *(self._create_request() for _number in range(number))
            )
            for source in sources:
                for _number in range(number):
                    self._say(source)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            sources._merge_into(survivor)
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        count(1)
        self.assertEqual(count(2), count(6))


@tagged('post_install', '-at_install', 'mail_gateway')
class TestMergeMail(MailGatewayCase, MergeCase):
    """Mails to what was merged go on with the survivor."""

    def test_4_4_2_answer_in_an_old_thread(self):
        survivor, source = self._create_request(), self._receive('wang@sunrise.example.com')
        answer = self._say(source, self.user_service.partner_id, body="Which pump?")
        self._merge(survivor, source)
        self._receive(
            'wang@sunrise.example.com',
            "Re: Noise",
            reply_to=answer.message_id,
            cc='boss@sunrise.example.com',
        )
        last = survivor.message_ids.filtered(lambda m: m.message_type == 'email')[:1]
        self.assertEqual(last.subject, "Re: Noise")
        self.assertIn('boss@sunrise.example.com', survivor.email_cc)

    def test_4_4_2_mail_with_the_old_number(self):
        survivor, source = self._create_request(), self._create_request()
        self._merge(survivor, source)
        before = self.env['aftersales.request'].search_count([])
        self._receive('wang@sunrise.example.com', f"[{source.number}] any news?")
        self.assertEqual(self.env['aftersales.request'].search_count([]), before)
        self.assertIn("any news?", survivor.message_ids[0].subject)

    def test_number_of_somebody_else(self):
        """Naming a number is not enough to write into another customer's request."""
        request = self._create_request()
        made = self._receive('stranger@example.com', f"[{request.number}] any news?")
        self.assertNotEqual(made, request)
        self.assertEqual(made.partner_id, self.stranger)
        self.assertNotIn("any news?", str(request.message_ids.mapped('subject')))

    def test_only_the_start_of_a_subject_is_read(self):
        """Who sends a subject without end does not keep the mail gateway busy."""
        Request = self.env['aftersales.request']
        request = self._create_request()
        sender = {'author_id': self.customer.id, 'email_from': self.customer.email}
        for subject, found in (
            (f"Re: [{request.number}] any news?", request),
            ("a " * 300 + request.number, Request),
        ):
            self.assertEqual(Request._find_named_request({**sender, 'subject': subject}), found)
        words = Request._get_number_words("Re: [SR/7] or B-2.1, a/b")
        self.assertEqual(words, ['SR/7', 'B-2.1'])


@tagged('post_install', '-at_install')
class TestMergePortal(MergeCase, HttpCase):
    def test_rights_to_a_merged_one_open_no_other(self):
        """Who sees his own records only does not get the link of a colleague's."""
        self.company.aftersales_portal_access = 'own'
        colleague = self.env['res.partner'].create(
            {'name': "Boss", 'email': 'boss@example.com', 'parent_id': self.customer_company.id}
        )
        source = self._create_request()
        survivor = self._create_request(partner_id=colleague.id, name="Secret matter")
        link = source.get_portal_url()
        self._merge(survivor, source)
        self.assertNotIn("Secret matter", self.url_open(link).text, "his link is his own")
        self.authenticate('aftersales_customer', 'aftersales_customer')
        for path in (link, f'/my/requests/{source.id}', f'/my/requests/{source.id}?access_token=x'):
            self.assertNotIn("Secret matter", self.url_open(path).text, path)

    def _post_by_route(self, request, token=None):
        params = {
            'thread_model': request._name,
            'thread_id': request.id,
            'post_data': {'body': "By the back door", 'message_type': 'comment'},
            **({'token': token} if token else {}),
        }
        answer = self.url_open('/mail/message/post', json={'params': params})
        self.env.invalidate_all()
        return answer

    def test_words_to_a_merged_one_reach_no_other(self):
        self.company.aftersales_portal_access = 'own'
        colleague = self.env['res.partner'].create(
            {'name': "Boss", 'email': 'boss@example.com', 'parent_id': self.customer_company.id}
        )
        source, own, survivor = self._create_request(), self._create_request(), None
        survivor = self._create_request(partner_id=colleague.id, name="Secret matter")
        tokens = {request: request._portal_ensure_token() for request in (source, own)}
        self._merge(survivor, source)
        with mute_logger('odoo.http'):
            self._post_by_route(source, tokens[source])
            self.authenticate('aftersales_customer', 'aftersales_customer')
            for token in (tokens[source], None):
                self._post_by_route(source, token)
        self.assertNotIn("By the back door", str(survivor.message_ids.mapped('body')))
        final = self._create_request()
        self._merge(final, own)
        self._post_by_route(own)
        self.authenticate(None, None)
        self._post_by_route(own, tokens[own])
        self.assertEqual(str(final.message_ids.mapped('body')).count("By the back door"), 2)

    def test_false_token_gets_no_true_one(self):
        survivor, source = self._create_request(), self._create_request()
        token = survivor._portal_ensure_token()
        self._merge(survivor, source)
        self.authenticate('aftersales_customer', 'aftersales_customer')
        response = self.url_open(f'/my/requests/{source.id}?access_token=x')
        self.assertIn(f'/my/requests/{survivor.id}', response.url)
        self.assertNotIn(token, response.url)

    def test_link_of_a_former_owner(self):
        """The links of what was merged end with those of the request it went into."""
        survivor, source = self._create_request(name="Survivor"), self._create_request()
        link = source.get_portal_url()
        self._merge(survivor, source)
        self.assertIn(survivor.number, self.url_open(link).text)
        self.unit._transfer(self.stranger)
        self.assertNotIn(survivor.number, self.url_open(link).text)

    def test_4_4_2_page_leads_to_the_survivor(self):
        survivor, source = self._create_request(), self._create_request(name="Second pump")
        link = source.get_portal_url()
        self._merge(survivor, source)
        response = self.url_open(link)
        self.assertIn(f'/my/requests/{survivor.id}?', response.url)
        self.assertIn(survivor.number, response.text)
        self.assertNotIn('/my/requests/', self.url_open(f'/my/requests/{source.id}').url)
        self.authenticate('aftersales_customer', 'aftersales_customer')
        response = self.url_open(f'/my/requests/{source.id}')
        self.assertTrue(response.url.endswith(f'/my/requests/{survivor.id}'), response.url)
        self.assertNotIn("Second pump", self.url_open('/my/requests?filterby=all').text)


@tagged('post_install', '-at_install')
class TestMergeRace(TwoCursorsCase):
    def setUp(self):
        super().setUp()
        vals = {'name': "Race", 'email_from': 'race@example.com'}
        requests = self.env_1['aftersales.request'].create([vals] * 3)
        self.ids = requests.ids
        self.env_1.cr.commit()
        self.addCleanup(self.clean_up)

    def clean_up(self):
        for env in (self.env_1, self.env_2):
            env.cr.rollback()
        requests = self.env_1['aftersales.request'].browse(self.ids)
        requests.write({'merged_into_id': False})
        requests.unlink()
        self.env_1.cr.commit()

    def merge(self, env, source, survivor):
        requests = env['aftersales.request'].browse(self.ids)
        requests[source]._merge_into(requests[survivor])
        env.cr.flush()

    def test_4_4_2_two_merges_at_once(self):
        """One into the second and the second into the third: nothing is left half-way."""
        self.take_snapshots()
        self.merge(self.env_1, 0, 1)
        self.env_1.cr.commit()
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(psycopg2.errors.SerializationFailure),
        ):
            self.merge(self.env_2, 1, 2)
        self.env_2.cr.rollback()  # as Odoo does before it tries again
        self.merge(self.env_2, 1, 2)
        self.env_2.cr.commit()
        requests = self.env_2['aftersales.request'].browse(self.ids)
        self.assertEqual(requests[:2].merged_into_id, requests[2])
