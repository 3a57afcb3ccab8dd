from datetime import timedelta

from freezegun import freeze_time
from lxml import etree

from odoo.exceptions import UserError
from odoo.tests import Form, tagged
from odoo.tools import SQL

from .common import MONDAY
from .test_request_merge import MergeCase


@tagged('post_install', '-at_install')
class TestRequestSplit(MergeCase):
    """One request becomes two, and they know of each other."""

    def test_phones_show_what_is_split(self):
        """Messages are cards there: of a list nobody could read which is which."""
        view = self.env['aftersales.request.split'].get_view(view_type='form')
        (field,) = etree.fromstring(view['arch']).iterfind(".//field[@name='message_ids']")
        self.assertEqual(field.get('mode'), 'list,kanban')
        card = self.env.ref('crm_aftersales.mail_message_view_kanban_split')
        self.assertIn(card.xml_id, field.get('context'))
        self.assertIsNotNone(etree.fromstring(card.arch).find(".//field[@name='preview']"))

    def test_first_offered_to_link(self):
        """Those of the same customer come first, by what tells them apart; merged ones never."""
        view = self.env['aftersales.request'].get_view(
            self.env.ref('crm_aftersales.aftersales_request_view_form').id, 'form'
        )
        (field,) = etree.fromstring(view['arch']).iterfind(".//page/field[@name='related_ids']")
        self.assertEqual(field.get('mode'), 'list,kanban')
        self.assertIn("('merged_into_id', '=', False)", field.get('domain'))
        customer = "'search_default_commercial_partner_id': commercial_partner_id"
        self.assertIn(customer, field.get('context'))
        for kind in ('list', 'kanban'):
            chosen_from = self.env.ref(f'crm_aftersales.aftersales_request_view_{kind}_choose')
            self.assertIn(f"'{kind}_view_ref': '{chosen_from.xml_id}'", field.get('context'))
            self.assertIsNotNone(etree.fromstring(chosen_from.arch).find(".//field[@name='name']"))

    def test_split_messages(self):
        request = self._create_request(user_id=self.user_service.id)
        first = self._say(request)
        attachment = self.env['ir.attachment'].create(
            {'name': 'a.txt', 'raw': b'x', 'res_model': request._name, 'res_id': request.id}
        )
        second = self._say(request, body="And the bill is wrong", attachment_ids=attachment.ids)
        second.date = MONDAY
        answer = self._say(request, self.user_service.partner_id)
        answer.date = MONDAY + timedelta(hours=1)
        part = request.with_user(self.user_service)._split("The bill", second | answer)
        self.assertEqual((second | answer).mapped('res_id'), [part.id, part.id])
        self.assertEqual(attachment.res_id, part.id)
        self.assertEqual(first.res_id, request.id)
        self.assertRecordValues(
            part,
            [
                {
                    'name': "The bill",
                    'partner_id': self.customer.id,
                    'unit_id': self.unit.id,
                    'user_id': self.user_service.id,
                    'company_id': request.company_id.id,
                    'date_received': MONDAY,
                    'date_first_reply': MONDAY + timedelta(hours=1),
                    'related_ids': request.ids,
                }
            ],
        )
        self.assertEqual(request.related_ids, part)
        self.assertIn(self.customer, part.message_partner_ids)
        self.assertIn(part.number, request.message_ids[0].body)

    def test_part_is_as_urgent_and_has_the_same_readers(self):
        tag = self.env['aftersales.tag'].create({'name': "Lift"})
        values = {
            'priority': '2',
            'email_cc': 'boss@example.com',
            'helper_ids': self.user_technician.ids,
            'tag_ids': tag.ids,
        }
        request = self._create_request(**values)
        part = request._split("The bill", description="<p>Too much</p>")
        self.assertRecordValues(part, [values])

    def test_customer_is_not_told_of_a_part(self):
        """He has raised nothing."""
        self.company.aftersales_notice_received = True
        request = self._create_request(channel='email')
        part = request._split("The bill", description="<p>Too much</p>")
        notices = self.env['crm.message'].search([('origin_id', 'in', (request | part).ids)])
        self.assertEqual(notices.mapped('origin_id'), request.ids)

    def test_mails_of_the_system_do_not_go_over(self):
        request = self._create_request()
        notice = self._say(request, self.user_service.partner_id)
        notice.message_type = 'email_outgoing'
        with self.assertRaises(UserError):
            request._split("The bill", notice)
        question = self._say(request)
        notice.copy()
        self.assertEqual(request._get_unanswered_messages(), question)

    def _say_at(self, request, minutes, author=None):
        message = self._say(request, author)
        message.date = MONDAY + timedelta(minutes=minutes)
        return message

    def test_answer_that_goes_over_stays_given(self):
        self._create_policy(response=1, resolution=8, next_response_hours=1)
        with freeze_time(MONDAY + timedelta(minutes=50)):
            request = self._create_request(date_received=MONDAY)
            messages = self._say_at(request, 10)
            messages |= self._say_at(request, 30, self.user_service.partner_id)
            part = request._split("The bill", messages)
            clocks = {clock.kind: clock for clock in part.sla_clock_ids}
            self.assertEqual(
                (clocks['first_response'].state, clocks['first_response'].used_sec), ('met', 1200)
            )
            self.assertNotIn('next_response', clocks)
            messages = self._say_at(request, 31)
            messages |= self._say_at(request, 32, self.user_service.partner_id)
            messages |= self._say_at(request, 40)
            part = request._split("And the next one", messages)
            clock = part.sla_clock_ids.filtered(lambda clock: clock.kind == 'next_response')
            self.assertEqual(
                (clock.state, clock.date_start), ('running', MONDAY + timedelta(minutes=40))
            )
            self.assertFalse(part._get_wrong_clocks())

    def test_last_word_that_goes_over_is_owed_once(self):
        """Who answers for a message is the part; the promise of before stays judged."""
        self._create_policy(response=1, resolution=8, next_response_hours=1)
        moments = [MONDAY + timedelta(minutes=minutes) for minutes in (0, 10, 20, 30, 40, 50)]
        with freeze_time(moments[0]):
            request = self._create_request(date_received=MONDAY)
            self._say(request, self.user_service.partner_id)

        def say_and_split():
            message = self._say(request)
            request._split("The bill", message)
            self.env.flush_all()
            return request.sla_clock_ids.filtered(lambda clock: clock.kind == 'next_response')

        with freeze_time(moments[1]):
            self.assertEqual(say_and_split().state, 'cancelled')
        with freeze_time(moments[2]):
            self._say(request)
        with freeze_time(moments[3]):
            self._say(request, self.user_service.partner_id)
        with freeze_time(moments[4]):
            clock = say_and_split()
        self.assertEqual(
            (clock.state, clock.date_start, clock.date_end), ('met', moments[2], moments[3])
        )
        with freeze_time(moments[5]):
            self._say(request)
            clock = say_and_split()
            self.assertEqual(clock.state, 'running', "one of the two messages stays")
            self.assertFalse(request._get_wrong_clocks())

    def test_split_a_text(self):
        request = self._create_request()
        part = request.with_user(self.user_service)._split("Bill", description="<p>Too much</p>")
        self.assertIn("Too much", part.description)

    def test_nothing_to_split(self):
        request, other = self._create_request(), self._create_request()
        foreign = self._say(other)
        tracked = request.message_ids.filtered(lambda m: m.message_type == 'notification')
        for messages in (None, foreign, tracked):
            with self.subTest(messages=messages), self.assertRaises(UserError):
                request._split("Bill", messages)
        self._merge(other, request)
        with self.assertRaises(UserError) as refusal:
            request._split("Bill", description="<p>Too much</p>")
        self.assertIn(other.number, str(refusal.exception))

    def test_wizard(self):
        request = self._create_request(user_id=self.user_technician.id)
        message = self._say(request, subject="The bill")
        wizard = self.env['aftersales.request.split'].with_user(self.user_technician)
        with Form(wizard.with_context(default_request_id=request.id)) as form:
            form.message_ids.add(message)
            self.assertEqual(form.name, "The bill")
        action = form.record.action_split()
        self.assertEqual(message.res_id, action['res_id'])

    # ------------------------------------------------------------
    # Links
    # ------------------------------------------------------------

    def test_links_go_both_ways(self):
        first, second, third = (self._create_request() for _number in range(3))
        first.related_ids = second
        self.assertEqual(second.related_ids, first)
        second.related_ids |= third
        self.assertEqual(second.related_ids, first | third)
        Request = self.env['aftersales.request']
        self.assertEqual(Request.search([('related_ids', 'in', second.ids)]), third | first)
        with Form(second) as form:
            form.related_ids.remove(id=first.id)
        self.assertFalse(first.related_ids)
        self.assertEqual(third.related_ids, second)

    def test_links_follow_a_merge(self):
        survivor, source, related = (self._create_request() for _number in range(3))
        source.related_ids = related | survivor
        self._merge(survivor, source)
        self.assertEqual(survivor.related_ids - source, related)


@tagged('post_install', '-at_install')
class TestRequestDuplicate(MergeCase):
    """4.4.3: the same product within 48 hours, or a similar subject of one sender; only a hint."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls._create_request(date_received=MONDAY, partner_id=cls.stranger.id,
                                          not_owner_confirmed=True)  # fmt: skip

    def _duplicates(self, **values):
        return self._create_request(**{'name': "Something else", **values}).duplicate_ids

    def test_4_4_3_same_product(self):
        hours = timedelta(hours=48)
        self.assertEqual(self._duplicates(date_received=MONDAY + hours), self.request)
        late = hours + timedelta(seconds=1)
        self.assertFalse(self._duplicates(date_received=MONDAY + late) & self.request)
        self.request.action_close()
        self.assertFalse(self._duplicates(date_received=MONDAY) & self.request)

    def test_4_4_3_same_sender(self):
        values = {'partner_id': self.stranger.id, 'unit_id': False}
        alike = self._duplicates(name="Pump makes a noise!", **values)
        self.assertEqual(alike, self.request)
        self.assertFalse(self._duplicates(name="The bill is wrong", **values))
        values['partner_id'] = self.customer.id
        self.assertFalse(self._duplicates(name="The pump makes a noise", **values))

    def test_unknown_sender(self):
        vals = {'name': "The tap drips", 'email_from': 'new@example.com'}
        first, second, other = self.env['aftersales.request'].create(
            [vals, vals, {**vals, 'email_from': 'other@example.com'}]
        )
        self.assertEqual(second.duplicate_ids, first)
        self.assertFalse(other.duplicate_ids)

    def test_hint_before_saving(self):
        with Form(self.env['aftersales.request'].with_user(self.user_service)) as form:
            form.name = "The pump makes noise"
            self.assertFalse(form.duplicate_ids.ids)
            form.partner_id = self.stranger
            self.assertEqual(form.duplicate_ids.ids, self.request.ids)
        self.assertFalse(form.record.merged_into_id or self.request.merged_into_id)
        action = form.record.action_merge_duplicates()
        chosen = action['context']['default_request_ids']
        self.assertEqual(chosen, form.record.ids, "what is perhaps the same is for people to add")

    def test_related_ones_are_known(self):
        request = self._create_request(date_received=MONDAY)
        self.assertEqual(request.duplicate_ids, self.request)
        self.request.related_ids = request
        self.assertFalse(request.duplicate_ids)
        other = self._create_request(date_received=MONDAY, parent_id=request.id)
        self.assertEqual(other.duplicate_ids, self.request)

    def test_hint_shows_only_what_one_may_see(self):
        request = self._create_request(date_received=MONDAY, user_id=self.user_technician.id)
        self.assertEqual(request.duplicate_ids, self.request)
        self.assertFalse(request.with_user(self.user_technician).duplicate_ids)

    def test_one_query_for_all_and_by_index(self):
        requests = self.env['aftersales.request'].union(
            *(self._create_request(date_received=MONDAY) for _number in range(5))
        )
        self.env.flush_all()
        for records in (requests[:1], requests):
            self.env.invalidate_all()
            records.mapped(lambda r: (r.state, r.unit_id.id, r.partner_id.id, r.name))
            with self.assertQueryCount(1):
                records._find_duplicates()
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        unknown = self.env['aftersales.request'].new({'name': "A", 'email_from': 'a@example.com'})
        rows = [requests[0]._get_duplicate_row(0), unknown._get_duplicate_row(1)]
        sql = requests._get_duplicates_sql(SQL(', ').join(rows))
        plan = str(self.env.execute_query(SQL('EXPLAIN %s', sql)))
        for index in ('partner', 'unit', 'email'):
            self.assertIn(f'aftersales_request_duplicate_{index}_idx', plan)
