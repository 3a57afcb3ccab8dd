from datetime import datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import tagged

from ..models.aftersales_sla_mixin import SLA_STATES
from .common import MONDAY, AftersalesCommon


@tagged('post_install', '-at_install')
class TestSla(AftersalesCommon):
    def _request_at(self, moment, **values):
        with freeze_time(moment):
            request = self._create_request(**values)
            self.env.flush_all()
        return request

    # ------------------------------------------------------------
    # Matching
    # ------------------------------------------------------------

    def test_first_policy_that_fits_rules(self):
        general = self._create_policy(sequence=50)
        complaint = self._create_policy(
            sequence=10, type_ids=[Command.set(self.type_complaint.ids)]
        )
        urgent = self._create_policy(sequence=20, min_priority='2')
        team = self._create_policy(sequence=30, team_ids=[Command.set(self.team_workshop.ids)])
        self.assertEqual(self._create_request().sla_policy_id, general)
        self.assertEqual(
            self._create_request(type_id=self.type_complaint.id, priority='3').sla_policy_id,
            complaint,
        )
        self.assertEqual(self._create_request(priority='3').sla_policy_id, urgent)
        self.assertEqual(self._create_request(team_id=self.team_workshop.id).sla_policy_id, team)

    def test_policy_of_another_company_does_not_rule(self):
        self._create_policy(company_id=self.company_2.id)
        self.assertFalse(self._create_request().sla_policy_id)

    def test_no_policy_no_deadline(self):
        request = self._create_request()
        self.assertFalse(request.sla_deadline)
        self.assertEqual(request.sla_state, 'none')
        self.assertFalse(request.sla_countdown)

    def test_deadlines_in_working_hours(self):
        self._create_policy(response=4, resolution=24)
        request = self._request_at(MONDAY)
        self.assertEqual(request.sla_response_deadline, datetime(2026, 3, 2, 14))
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 5, 9))
        self.assertEqual(request.sla_warning_date, datetime(2026, 3, 2, 12))

    def test_calendar_falls_back_from_policy_to_team_to_company_to_always(self):
        policy = self._create_policy(response=0, resolution=8, calendar_source='policy')
        for owner, name in ((policy, 'calendar_id'), (self.team, 'calendar_id')):
            owner[name] = self._create_calendar(f"{owner._name} 8-10", hours=((8, 10),))
        own = policy.calendar_id
        self.assertEqual(policy._get_calendar(self.team, self.company), own)
        policy.calendar_id = False
        self.assertEqual(policy._get_calendar(self.team, self.company), self.team.calendar_id)
        self.team.calendar_id = False
        self.assertEqual(policy._get_calendar(self.team, self.company), self.calendar)
        self.company.resource_calendar_id = False
        self.assertFalse(policy._get_calendar(self.team, self.company))
        request = self._request_at(MONDAY)
        self.assertEqual(request.sla_deadline, MONDAY + timedelta(hours=8))

    def test_b7_3_make_up_day(self):
        """A request of Friday 17:00 with 4 hours is due on the make-up Saturday at 12:00."""
        calendar = self._create_calendar("5x8", hours=((9, 12), (13, 18)), tz='Asia/Shanghai')
        self._create_policy(
            response=0, resolution=4, calendar_source='policy', calendar_id=calendar.id
        )
        request = self._request_at(datetime(2026, 5, 8, 9))
        self.assertEqual(request.sla_deadline, datetime(2026, 5, 11, 4), "Monday 12:00")
        self.env['crm.calendar.extra.day'].create(
            {'calendar_id': calendar.id, 'date': '2026-05-09'}
        )
        request.action_recompute_sla()
        self.assertEqual(request.sla_deadline, datetime(2026, 5, 9, 4), "Saturday 12:00")

    def test_around_the_clock_although_the_company_has_hours(self):
        self._create_policy(response=0.25, resolution=8, calendar_source='always')
        saturday_night = datetime(2026, 3, 7, 2, 10)
        request = self._request_at(saturday_night)
        self.assertEqual(request.sla_response_deadline, datetime(2026, 3, 7, 2, 25))
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 7, 10, 10))

    def test_trap_2_calendar_without_hours_means_no_deadline(self):
        self.team.calendar_id = self._create_calendar("Closed", hours=())
        self._create_policy()
        request = self._create_request()
        self.assertTrue(request.sla_policy_id)
        self.assertFalse(request.sla_deadline)
        self.assertEqual(request.sla_state, 'none')

    # ------------------------------------------------------------
    # Events
    # ------------------------------------------------------------

    def test_trap_9_new_priority_matches_again_and_keeps_the_start(self):
        self._create_policy(sequence=50, resolution=24)
        urgent = self._create_policy(sequence=10, resolution=4, min_priority='2')
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + timedelta(hours=2)):
            request.priority = '2'
        self.assertEqual(request.sla_policy_id, urgent)
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 2, 14))

    def test_trap_9_every_criterion_matches_again(self):
        general = self._create_policy(sequence=50)
        complaint = self._create_policy(
            sequence=10, type_ids=[Command.set(self.type_complaint.ids)]
        )
        workshop = self._create_policy(sequence=20, team_ids=[Command.set(self.team_workshop.ids)])
        request = self._create_request()
        self.assertEqual(request.sla_policy_id, general)
        request.team_id = self.team_workshop
        self.assertEqual(request.sla_policy_id, workshop)
        request.type_id = self.type_complaint
        self.assertEqual(request.sla_policy_id, complaint)
        complaint.active = False
        workshop.active = False
        general.active = False
        request.priority = '1'
        self.assertFalse(request.sla_policy_id)
        self.assertFalse(request.sla_deadline)

    def test_trap_8_first_response_is_a_public_message_of_ours(self):
        request = self._request_at(MONDAY)
        request.with_user(self.user_service).message_post(body="note", message_type='comment')
        self.assertFalse(request.date_first_reply, "a note is not an answer")
        request.message_post(
            body="automatic",
            message_type='auto_comment',
            subtype_xmlid='mail.mt_comment',
            author_id=self.user_service.partner_id.id,
        )
        self.assertFalse(request.date_first_reply, "an automatic answer is not an answer")
        self._post(request, self.customer)
        self.assertFalse(request.date_first_reply, "the customer does not answer himself")
        request.with_user(self.user_service).action_take()
        self.assertFalse(request.date_first_reply, "a stage is not an answer")
        with freeze_time(MONDAY + timedelta(hours=1)):
            self._post(request, self.user_service.partner_id)
        self.assertEqual(request.date_first_reply, MONDAY + timedelta(hours=1))
        self._post(request, self.user_service.partner_id)
        self.assertEqual(request.date_first_reply, MONDAY + timedelta(hours=1))

    def test_answer_stops_its_clock_and_moves_the_warning(self):
        self._create_policy(response=4, resolution=24)
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + timedelta(hours=6)):
            self._post(request, self.user_service.partner_id)
        self.assertTrue(request.sla_missed)
        self.assertEqual(request.sla_state, 'breached')
        self.assertEqual(request.sla_warning_date, datetime(2026, 3, 4, 11))

    def test_trap_10_reopening_wipes_the_ends_and_goes_on_with_what_is_left(self):
        self._create_policy(response=1, resolution=8)
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + timedelta(hours=2)):  # 2 of 8 hours used
            self._post(request, self.user_service.partner_id)
            request.action_resolve()
            request.action_close()
        self.assertTrue(request.date_closed)
        answered = request.date_first_reply
        wednesday = datetime(2026, 3, 4, 9)
        with freeze_time(wednesday):
            request.action_reopen()
        self.assertFalse(request.date_closed)
        self.assertFalse(request.date_resolved)
        self.assertEqual(request.reopen_count, 1)
        self.assertEqual(request.date_first_reply, answered, "the first answer stays given")
        self.assertEqual(request.sla_seconds_used, 2 * 3600)
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 4, 16))  # 6 hours, lunch

    def test_resolved_stops_the_clock(self):
        self._create_policy(response=0, resolution=8)
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + timedelta(hours=3)):
            request.action_resolve()
        deadline = request.sla_deadline
        with freeze_time(MONDAY + timedelta(days=60)):
            request.invalidate_recordset(['sla_state'])
            self.assertEqual(request.sla_state, 'met')
            request.action_close()
            request.invalidate_recordset(['sla_state'])
            self.assertEqual(request.sla_state, 'met')
            request.priority = '3'
        self.assertEqual(request.sla_deadline, deadline, "a clock that stopped is left alone")

    def test_trap_14_edited_hours_move_running_clocks_by_button_only(self):
        self._create_policy(response=0, resolution=8)
        running, stopped = self._request_at(MONDAY), self._request_at(MONDAY)
        stopped.action_resolve()
        deadline = running.sla_deadline
        self.calendar.attendance_ids.filtered(lambda line: line.hour_from == 13).unlink()
        self.assertEqual(running.sla_deadline, deadline)
        (running + stopped).action_recompute_sla()
        self.assertEqual(running.sla_deadline, datetime(2026, 3, 4, 9))
        self.assertEqual(stopped.sla_deadline, deadline)

    def test_stage_sequence_is_never_compared(self):
        """Cancelled after closed, resolved before new: only what a stage means matters."""
        self._create_policy(response=0, resolution=8)
        self._stage('resolved').sequence = 1
        self._stage('cancelled').sequence = 2
        self._stage('new').sequence = 90
        request = self._request_at(MONDAY)
        self.assertEqual(request.state, 'new')
        self.assertFalse(request.date_resolved)
        with freeze_time(MONDAY):
            request.action_cancel()
        self.assertEqual(request.sla_state, 'none', "dropped is not accomplished")
        self.assertFalse(request.date_resolved)

    def test_a_missing_reply_is_not_owed_after_the_solution(self):
        self._create_policy(response=1, resolution=8)
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + timedelta(minutes=30)):
            request.action_resolve()
        with freeze_time(MONDAY + timedelta(days=1)):
            request.invalidate_recordset(['sla_state'])
            self.assertEqual(request.sla_state, 'met')

    def test_reading_never_runs_a_calendar(self):
        self._create_policy()
        requests = self._create_request() + self._create_request()
        requests.flush_recordset()
        requests.invalidate_recordset()
        Calendar = self.env.registry['resource.calendar']
        with patch.object(Calendar, '_work_intervals_batch', side_effect=AssertionError):
            requests.mapped('sla_state')
            requests.search([('sla_state', 'in', ['breached', 'at_risk'])])

    # ------------------------------------------------------------
    # States
    # ------------------------------------------------------------

    def test_states_read_and_searched_agree_at_every_moment(self):
        self._create_policy(response=4, resolution=24)
        requests = self._create_all_kinds()
        seen = set()
        for hours in (0, 3, 5, 30, 50, 60, 80, 2000):
            with freeze_time(MONDAY + timedelta(hours=hours)):
                requests.invalidate_recordset(['sla_state'])
                for state, _label in SLA_STATES:
                    expected = requests.filtered(lambda r, state=state: r.sla_state == state)
                    found = requests.search([('id', 'in', requests.ids), ('sla_state', '=', state)])
                    self.assertEqual(found, expected.sorted(), (hours, state))
                    if expected:
                        seen.add(state)
                other = requests.search(
                    [('id', 'in', requests.ids), ('sla_state', '!=', 'breached')]
                )
                self.assertFalse(other.filtered(lambda r: r.sla_state == 'breached'))
        self.assertEqual(seen, {state for state, _label in SLA_STATES})

    def _create_all_kinds(self):
        """Requests received on Monday: untouched, answered, resolved, closed and cancelled."""
        kinds = self.env['aftersales.request']
        for _number in range(7):
            kinds += self._request_at(MONDAY)
        with freeze_time(MONDAY + timedelta(hours=2)):
            self._post(kinds[1], self.user_service.partner_id)
            kinds[2].action_resolve()
            kinds[3].action_cancel()
            kinds[4].stage_id = self._stage('waiting_customer')
        with freeze_time(MONDAY + timedelta(days=9)):
            kinds[5].action_close()
        kinds[6].write({'sla_deadline': False, 'sla_response_deadline': False})
        return kinds

    def test_countdown_in_words(self):
        self._create_policy(response=1, resolution=8)
        request = self._request_at(MONDAY)
        for hours, text in (
            (0.5, "Answer due in 30 min"),
            (2, "Answer overdue by 1 h 0 min"),
            (49, "Answer overdue by 2 d 0 h"),
        ):
            with freeze_time(MONDAY + timedelta(hours=hours)):
                request.invalidate_recordset(['sla_countdown'])
                self.assertEqual(request.sla_countdown, text)
        with freeze_time(MONDAY + timedelta(minutes=10)):
            self._post(request, self.user_service.partner_id)
            request.invalidate_recordset(['sla_countdown'])
            self.assertEqual(request.sla_countdown, "Solution due in 23 h 50 min")
            request.action_resolve()
            self.assertEqual(request.sla_countdown, "In time")

    def _post(self, request, author):
        return request.message_post(
            body="Hello",
            author_id=author.id,
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
        )
