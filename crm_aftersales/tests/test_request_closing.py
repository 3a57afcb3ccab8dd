from datetime import timedelta

import psycopg2
from freezegun import freeze_time

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import MONDAY, AftersalesCommon

DAY = timedelta(days=1)


@tagged('post_install', '-at_install')
class TestRequestClosing(AftersalesCommon):
    """Who does not answer is warned and then closed; his word reopens."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['aftersales.request'].search([('waiting_since', '!=', False)]).active = False
        cls.company.write(
            {
                'aftersales_closing': True,
                'aftersales_closing_warn_days': 3,
                'aftersales_closing_days': 2,
            }
        )

    def setUp(self):
        super().setUp()
        self.commits = []
        self.patch(
            self.registry['ir.cron'],
            '_commit_progress',
            lambda _self, number=0, **_values: self.commits.append(number) or 60,
        )

    def _ask(self, moment=MONDAY, **values):
        with freeze_time(moment):
            request = self._create_request(**values)
            request.stage_id = self._stage('waiting_customer')
            self.env.flush_all()
        return request

    def _run(self, moment):
        self.env.flush_all()
        with freeze_time(moment):
            self.env['aftersales.request']._cron_close_waiting()
            self.env.invalidate_all()

    def _warnings(self, request):
        return (
            self.env['crm.message']
            .search([('origin_model', '=', request._name), ('origin_id', '=', request.id)])
            .filtered(lambda message: ':closing:' in message.key)
        )

    def test_warned_then_closed(self):
        request = self._ask()
        self._run(MONDAY + 3 * DAY)  # Thursday: only Tuesday and Wednesday are over
        self.assertFalse(self._warnings(request))
        self._run(MONDAY + 4 * DAY)
        warning = self._warnings(request)
        self.assertRecordValues(
            warning, [{'message_class': 'transactional', 'partner_id': self.customer.id}]
        )
        self.assertEqual(warning.content_values['days'], 2)
        self.assertEqual(request.warned_on, MONDAY + 4 * DAY)
        self._run(MONDAY + 4 * DAY)
        self.assertEqual(len(self._warnings(request)), 1, "warned once")
        warning.sudo().state = 'sent'
        self._run(MONDAY + 8 * DAY)  # Tuesday: Monday is over, the week-end does not count
        self.assertEqual(request.state, 'waiting_customer')
        self._run(MONDAY + 9 * DAY)
        self.assertEqual(request.state, 'closed')
        self.assertEqual(request.date_closed, MONDAY + 9 * DAY)
        self.assertFalse(request.waiting_since or request.warned_on)
        note = request.website_message_ids[:1]
        self.assertIn("we did not hear from you", note.body)
        self.assertFalse(note.notification_ids)
        self.assertFalse(request.date_first_reply)

    def test_answer_after_the_end_reopens(self):
        request = self._ask()
        self._run(MONDAY + 4 * DAY)
        self._warnings(request).sudo().state = 'sent'
        self._run(MONDAY + 9 * DAY)
        with freeze_time(MONDAY + 10 * DAY):
            request.message_post(
                body="Here I am",
                author_id=self.customer.id,
                message_type='comment',
                subtype_xmlid='mail.mt_comment',
            )
        self.assertEqual(request.state, 'open')
        self.assertFalse(request.waiting_since)

    def test_answer_ends_the_waiting(self):
        request = self._ask()
        self._run(MONDAY + 4 * DAY)
        request.message_post(
            body="Sorry",
            author_id=self.customer.id,
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
        )
        self.assertFalse(request.waiting_since or request.warned_on)
        self._run(MONDAY + 30 * DAY)
        self.assertEqual(request.state, 'open')

    def test_asking_again_counts_anew(self):
        request = self._ask()
        with freeze_time(MONDAY + 4 * DAY):
            request.message_post(
                body="Any news?",
                author_id=self.user_service.partner_id.id,
                message_type='comment',
                subtype_xmlid='mail.mt_comment',
            )
        self._run(MONDAY + 4 * DAY)
        self.assertFalse(self._warnings(request))
        self._run(MONDAY + 10 * DAY)
        self.assertTrue(self._warnings(request))

    def test_holidays_do_not_count(self):
        self.env['resource.calendar.leaves'].create(
            {
                'name': "Holiday",
                'calendar_id': self.calendar.id,
                'date_from': MONDAY + DAY - timedelta(hours=9),
                'date_to': MONDAY + DAY + timedelta(hours=14),
            }
        )
        request = self._ask()
        self._run(MONDAY + 4 * DAY)
        self.assertFalse(self._warnings(request))
        self._run(MONDAY + 7 * DAY)
        self.assertTrue(self._warnings(request))

    def test_nobody_is_written_to_at_night(self):
        request = self._ask()
        self._run((MONDAY + 4 * DAY).replace(hour=3))
        self.assertFalse(self._warnings(request))

    def test_off_by_default(self):
        self.assertFalse(self.env['res.company'].create({'name': "New"}).aftersales_closing)
        self.company.aftersales_closing = False
        request = self._ask()
        self._run(MONDAY + 30 * DAY)
        self.assertFalse(self._warnings(request))

    def test_team_has_its_own_days(self):
        self.team.write({'closing': 'own', 'closing_warn_days': 1, 'closing_days': 1})
        self.team_workshop.closing = 'never'
        quick, never = self._ask(), self._ask(team_id=self.team_workshop.id)
        self._run(MONDAY + 2 * DAY)
        self.assertTrue(self._warnings(quick))
        self._run(MONDAY + 30 * DAY)
        self.assertFalse(self._warnings(never))

    def test_not_closed_while_the_warning_is_held(self):
        request = self._ask()
        self._run(MONDAY + 4 * DAY)
        self.assertEqual(self._warnings(request).state, 'planned')
        self._run(MONDAY + 9 * DAY)
        self.assertEqual(request.state, 'waiting_customer')

    def test_stages_do_not_hold_the_job_up(self):
        self._stage('closed').require_responsible = True
        request = self._ask()
        self._run(MONDAY + 4 * DAY)
        self._warnings(request).sudo().state = 'sent'
        self._run(MONDAY + 9 * DAY)
        self.assertEqual(request.state, 'closed')

    def test_who_was_not_reached_is_called_not_closed(self):
        self.team.user_id = self.user_manager
        requests = self._ask(user_id=self.user_service.id)
        requests |= self._ask()
        self._run(MONDAY + 4 * DAY)
        for request, state in zip(requests, ('refused', 'failed'), strict=True):
            self._warnings(request).sudo().state = state
        self._run(MONDAY + 9 * DAY)
        self.assertEqual(requests.mapped('state'), ['waiting_customer'] * 2)
        self._run(MONDAY + 10 * DAY)
        todo = requests.activity_ids.sorted('res_id')
        self.assertEqual(todo.user_id.ids, (self.user_service + self.user_manager).ids, "once each")
        with freeze_time(MONDAY + 11 * DAY):
            requests[0].message_post(
                body="I called you",
                author_id=self.user_service.partner_id.id,
                message_type='comment',
                subtype_xmlid='mail.mt_comment',
            )
        self._run(MONDAY + 18 * DAY)
        warning = self._warnings(requests[0]).filtered(lambda m: m.state == 'planned')
        self.assertEqual(len(warning), 1, "asked again, warned again")
        self.assertFalse(requests[0].warning_lost)

    def test_warning_of_another_time_does_not_count(self):
        request = self._ask()
        self._run(MONDAY + 4 * DAY)
        self._warnings(request).sudo().state = 'sent'
        with freeze_time(MONDAY + 5 * DAY):
            request.message_post(
                body="Any news?",
                author_id=self.user_service.partner_id.id,
                message_type='comment',
                subtype_xmlid='mail.mt_comment',
            )
        self._run(MONDAY + 14 * DAY)
        self._run(MONDAY + 30 * DAY)
        self.assertEqual(request.state, 'waiting_customer', "the second warning is still held")

    def test_without_a_text_nobody_is_warned(self):
        self.env.ref('crm_aftersales.mail_template_request_closing').unlink()
        request = self._ask()
        self._run(MONDAY + 4 * DAY)
        self.assertFalse(request.warned_on)

    def test_one_that_fails_keeps_no_other_back(self):
        requests = self.env['aftersales.request'].union(*(self._ask() for _number in range(3)))
        other = self._ask(team_id=self.team_workshop.id)
        self._run(MONDAY + 4 * DAY)
        for request in requests | other:
            self._warnings(request).sudo().state = 'sent'
        close = self.registry['aftersales.request']._close_without_answer

        def fail(records):
            if requests[1] in records:
                raise ValueError("This one cannot be closed")
            close(records)

        self.patch(self.registry['aftersales.request'], '_close_without_answer', fail)
        with mute_logger('odoo.addons.crm_aftersales.chunks'):
            self._run(MONDAY + 9 * DAY)
        self.assertEqual(
            (requests | other).mapped('state'), ['closed', 'waiting_customer', 'closed', 'closed']
        )

    def test_chunks_are_committed(self):
        self.patch(self.registry['aftersales.request'], '_claim_waiting', self._claim_two())
        requests = self.env['aftersales.request'].union(*(self._ask() for _number in range(5)))
        self._run(MONDAY + 4 * DAY)
        self.assertTrue(all(requests.mapped('warned_on')))
        self.assertEqual(self.commits, [2, 2, 1])

    def _claim_two(self):
        claim = self.registry['aftersales.request']._claim_waiting

        def claim_two(requests, condition):
            return claim(requests, condition)[:2]

        return claim_two

    def test_conflicts_do_not_stop_the_job(self):
        tries = []

        def fail(_requests, _condition):
            tries.append(1)
            raise psycopg2.errors.SerializationFailure

        self.patch(self.registry['aftersales.request'], '_claim_waiting', fail)
        self.patch(self.env.cr, 'rollback', lambda: None)
        self._ask()
        self._run(MONDAY + 4 * DAY)
        self.assertEqual(len(tries), 15, "five times for each of closing, calling and warning")

    def test_warning_reads_well(self):
        request = self._ask()
        self._run(MONDAY + 4 * DAY)
        message = self._warnings(request)
        [content] = message._compose().values()
        self.assertIn(request.number, content.subject)
        self.assertRegex(content.body, r'within\s+2\s+working days')

    def test_kept_by_the_system(self):
        self.assertLessEqual(
            {'waiting_since', 'warned_on', 'warning_lost'},
            self.env['aftersales.request']._get_system_fields(),
        )
