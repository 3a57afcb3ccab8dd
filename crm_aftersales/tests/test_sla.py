from datetime import datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import tagged

from ..models.aftersales_request_sla_state import SLA_STATES
from .common import MONDAY
from .common_sla import SlaCommon


@tagged('post_install', '-at_install')
class TestSla(SlaCommon):
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
        response, resolution = request.sla_clock_ids
        self.assertEqual((response.kind, resolution.kind), ('first_response', 'resolution'))
        self.assertEqual(response.deadline, datetime(2026, 3, 2, 14))
        self.assertEqual(resolution.deadline, datetime(2026, 3, 5, 9))
        self.assertEqual(
            (request.sla_kind, request.sla_deadline), ('first_response', response.deadline)
        )
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
        self.assertEqual(
            self._clock(request, 'first_response').deadline, datetime(2026, 3, 7, 2, 25)
        )
        self.assertEqual(self._clock(request).deadline, datetime(2026, 3, 7, 10, 10))

    # ------------------------------------------------------------
    # Events
    # ------------------------------------------------------------

    def test_answer_stops_its_clock_and_moves_the_warning(self):
        self._create_policy(response=4, resolution=24)
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + timedelta(hours=6)):
            self._post(request, self.user_service.partner_id)
        self.assertTrue(request.sla_missed)
        self.assertEqual(request.sla_state, 'breached')
        self.assertEqual(request.sla_warning_date, datetime(2026, 3, 4, 11))

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
        self._create_pausing_policy(response=4, resolution=24)
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
        for _number in range(8):
            kinds += self._request_at(MONDAY)
        with freeze_time(MONDAY + timedelta(hours=2)):
            self._post(kinds[1], self.user_service.partner_id)
            kinds[2].action_resolve()
            self._post(kinds[7], self.user_service.partner_id)
            kinds[7].stage_id = self._stage('waiting_customer')
            kinds[3].action_cancel()
            kinds[4].stage_id = self._stage('waiting_customer')
        with freeze_time(MONDAY + timedelta(days=9)):
            kinds[5].action_close()
        self.env['aftersales.sla.policy'].search([]).active = False
        with freeze_time(MONDAY):
            kinds[6].priority = '1'
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
