from datetime import datetime, timedelta

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools.safe_eval import safe_eval

from .common import MONDAY
from .common_sla import SlaCommon

HOUR = timedelta(hours=1)


@tagged('post_install', '-at_install')
class TestSlaTraps(SlaCommon):
    """Where clocks of other systems are known to go wrong, one by one."""

    def test_4_1_01_holidays_count(self):
        self._create_policy(response=0, resolution=8)
        self.env['resource.calendar.leaves'].create(
            {
                'name': "Holiday",
                'calendar_id': self.calendar.id,
                'company_id': self.company.id,
                'date_from': '2026-03-03 00:00:00',
                'date_to': '2026-03-03 23:59:59',
            }
        )
        request = self._request_at(MONDAY)
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 4, 9), "Tuesday is free")

    def test_4_1_02_calendar_without_hours_means_no_deadline(self):
        self.team.calendar_id = self._create_calendar("Closed", hours=())
        self._create_policy()
        request = self._create_request()
        self.assertTrue(request.sla_policy_id)
        self.assertFalse(request.sla_deadline)
        self.assertEqual(request.sla_state, 'none')
        self.assertEqual(request.sla_clock_ids.mapped('state'), ['running'] * 2)
        request.action_resolve()
        self.assertEqual(request.sla_clock_ids.mapped('state'), ['met'] * 2)

    def test_4_1_03_no_calendar_at_all(self):
        self._create_policy(response=0, resolution=8)
        self.company.resource_calendar_id = False
        request = self._request_at(MONDAY)
        self.assertEqual(request.sla_deadline, MONDAY + 8 * HOUR)
        self.assertFalse(self._clock(request).calendar_id)

    def test_4_1_04_whole_seconds(self):
        """A block until midnight ends at 23:59:59.999999 in a calendar."""
        calendar = self._create_calendar("Night", hours=((12, 24),))
        self._create_policy(
            response=0, resolution=24, calendar_source='policy', calendar_id=calendar.id
        )
        request = self._request_at(MONDAY)
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 4))
        with freeze_time(datetime(2026, 3, 4)):
            request.action_resolve()
        clock = self._clock(request)
        self.assertEqual((clock.used_sec, clock.state), (24 * 3600, 'met'))

    def test_4_1_05_daylight_saving(self):
        """Around the clock in Berlin a night in March has an hour less, one in October one more."""
        calendar = self._create_calendar(
            "Berlin", hours=((0, 24),), days=range(7), tz='Europe/Berlin'
        )
        self._create_policy(
            response=0, resolution=48, calendar_source='policy', calendar_id=calendar.id
        )
        for friday in (datetime(2026, 3, 27, 12), datetime(2026, 10, 23, 12)):
            request = self._request_at(friday)
            self.assertEqual(request.sla_deadline, friday + 48 * HOUR)

    def test_4_1_06_targets_are_seconds_of_the_calendar_that_runs(self):
        self.calendar.hours_per_day = 7
        short = self._create_calendar("Short", hours=((8, 10),))
        self._create_policy(
            response=0, resolution=4.5, calendar_source='policy', calendar_id=short.id
        )
        request = self._request_at(MONDAY)
        self.assertEqual(self._clock(request).target_sec, 16200)
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 4, 9, 30))

    def test_4_1_07_pause_counts_working_time(self):
        self._create_pausing_policy(response=1, resolution=8)
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY):
            self._post(request, self.user_service.partner_id)
        friday, monday = datetime(2026, 3, 6, 16), datetime(2026, 3, 9, 9)
        with freeze_time(MONDAY + HOUR):
            request.stage_id = self._stage('waiting_customer')
        clock = self._clock(request)
        self.assertEqual((clock.state, clock.deadline), ('paused', False))
        self.assertEqual(clock.pause_reason_id.state, 'waiting_customer')
        self.assertEqual((request.sla_state, request.sla_deadline), ('paused', False))
        with freeze_time(friday):
            request.stage_id = self._stage('open')
        self.assertEqual((clock.used_sec, clock.state), (3600, 'running'))
        self.assertEqual(clock.deadline, datetime(2026, 3, 9, 15), "7 hours from Friday 16:00")
        with freeze_time(datetime(2026, 3, 7, 12)):
            request.stage_id = self._stage('waiting_customer')
        with freeze_time(monday - HOUR):
            request.stage_id = self._stage('open')
        self.assertEqual(clock.deadline, datetime(2026, 3, 9, 15), "a weekend adds nothing")

    def test_4_1_07_pause_is_capped_in_working_time(self):
        self._create_pausing_policy(response=0, resolution=8, cap=2)
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + HOUR):
            request.stage_id = self._stage('waiting_customer')
        clock = self._clock(request)
        self.assertEqual(clock.pause_until, datetime(2026, 3, 2, 12))
        with freeze_time(MONDAY + timedelta(days=3)):
            request.stage_id = self._stage('open')
        self.assertEqual(clock.deadline, datetime(2026, 3, 3, 11))
        self.assertEqual(request.sla_state, 'breached')
        with freeze_time(MONDAY + timedelta(days=3, hours=1)):
            request.stage_id = self._stage('waiting_customer')
        self.assertEqual(clock.state, 'breached', "the cap is for all pauses together")
        self.assertFalse(clock.paused_since)

    def test_4_1_07_pause_for_named_reasons_only_and_who_did_it(self):
        by_hand = self._create_pause_reason(name="Customer is away")
        other = self._create_pause_reason(name="Not of this policy")
        manager = self._create_pause_reason(name="Board decides", manager_only=True)
        self._create_policy(
            response=1, resolution=8, pause_reason_ids=[Command.set((by_hand | manager).ids)]
        )
        request = self._request_at(MONDAY).with_user(self.user_service)
        values = {'sla_policy_id': request.sla_policy_id.id, 'company_id': request.company_id.id}
        domain = safe_eval(request._fields['pause_reason_id'].domain, values)
        self.assertEqual(by_hand.search(domain), by_hand | manager, "others do nothing")
        with freeze_time(MONDAY + HOUR / 2):
            request.pause_reason_id = other
            self.assertEqual(self._clock(request).state, 'running')
            request.pause_reason_id = by_hand
        clock = self._clock(request)
        self.assertEqual((clock.state, clock.pause_reason_id), ('paused', by_hand))
        self.assertEqual(
            self._clock(request, 'first_response').state, 'running', "answers do not wait"
        )
        event = request.sla_event_ids.filtered(lambda event: event.kind == 'pause')[-1:]
        self.assertEqual(event.user_id, self.user_service)
        with freeze_time(MONDAY + 2 * HOUR):
            request.pause_reason_id = False
        self.assertEqual(clock.used_sec, 1800)
        with self.assertRaises(AccessError):
            request.pause_reason_id = manager
        with freeze_time(MONDAY + 2 * HOUR):
            request.with_user(self.user_manager).pause_reason_id = manager
            self.assertEqual(clock.state, 'paused')
            request.action_resolve()
        self.assertFalse(request.pause_reason_id)
        with self.assertRaises(ValidationError):
            manager.state = 'waiting_supplier'

    def test_4_1_08_first_response_is_a_public_message_of_ours(self):
        self._create_policy()
        request = self._request_at(MONDAY)
        clock = self._clock(request, 'first_response')
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
        request.rating_apply(5, token=request._rating_get_access_token(), feedback="Well done")
        self.assertFalse(request.date_first_reply, "a rating is not an answer")
        self.assertFalse(clock.date_end)
        with freeze_time(MONDAY + HOUR):
            self._post(request, self.user_service.partner_id)
        self.assertEqual(request.date_first_reply, MONDAY + HOUR)
        self.assertEqual((clock.date_end, clock.state), (MONDAY + HOUR, 'met'))
        self._post(request, self.user_service.partner_id)
        self.assertEqual(request.date_first_reply, MONDAY + HOUR)
        self.assertEqual(clock.date_end, MONDAY + HOUR)

    def test_4_1_08_next_response(self):
        self._create_policy(response=4, resolution=0, next_response_hours=1)
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + HOUR):
            self._post(request, self.customer)
        self.assertFalse(
            self._clock(request, 'next_response'), "the first response is still owed, and later"
        )
        self.assertEqual(request.sla_kind, 'first_response')
        with freeze_time(MONDAY + 2 * HOUR):
            self._post(request, self.user_service.partner_id)
        with freeze_time(datetime(2026, 3, 3, 9)):
            self._post(request, self.customer)
        clock = self._clock(request, 'next_response')
        self.assertEqual((clock.state, clock.deadline), ('running', datetime(2026, 3, 3, 10)))
        with freeze_time(datetime(2026, 3, 3, 9, 30)):
            self._post(request, self.customer)
        self.assertEqual(clock.deadline, datetime(2026, 3, 3, 10), "the first word counts")
        with freeze_time(datetime(2026, 3, 3, 9, 45)):
            self._post(request, self.user_service.partner_id)
        self.assertEqual(clock.state, 'met')
        with freeze_time(datetime(2026, 3, 4, 9)):
            self._post(request, self.customer)
        self.assertEqual((clock.state, clock.deadline), ('running', datetime(2026, 3, 4, 10)))
        with freeze_time(datetime(2026, 3, 4, 9, 30)):
            request.action_resolve()
        self.assertEqual(clock.state, 'met', "resolving stops it although the customer spoke last")

    def test_4_1_09_new_policy_keeps_start_and_pauses(self):
        self._create_policy(sequence=50, response=0, resolution=24)
        urgent = self._create_pausing_policy(
            sequence=10, response=0, resolution=4, min_priority='2'
        )
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + HOUR):
            request.stage_id = self._stage('waiting_customer')
        self.assertEqual(self._clock(request).state, 'running', "the first policy knows no pause")
        with freeze_time(datetime(2026, 3, 3, 10)):
            request.stage_id = self._stage('open')
        with freeze_time(datetime(2026, 3, 3, 11)):
            request.priority = '2'
        clock = self._clock(request)
        self.assertEqual(clock.policy_id, urgent)
        self.assertEqual(clock.date_start, MONDAY)
        self.assertEqual(clock.used_sec, 3600, "the pause counts in hindsight")
        self.assertEqual(clock.deadline, datetime(2026, 3, 3, 14))
        self.assertEqual(clock.state, 'running', "not too late at birth")

    def test_4_1_09_new_policy_starts_again(self):
        self._create_policy(sequence=50, response=0, resolution=24)
        self._create_policy(
            sequence=10, response=0, resolution=4, min_priority='2', on_change='restart'
        )
        request = self._request_at(MONDAY)
        with freeze_time(datetime(2026, 3, 3, 9)):
            request.priority = '2'
        clock = self._clock(request)
        self.assertEqual(clock.date_start, datetime(2026, 3, 3, 9))
        self.assertEqual(clock.deadline, datetime(2026, 3, 3, 14))

    def test_4_1_09_starting_again_does_not_wipe_out_what_was_late(self):
        self._create_policy(sequence=50, response=0, resolution=1)
        self._create_policy(
            sequence=10, response=0, resolution=4, min_priority='2', on_change='restart'
        )
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + 3 * HOUR):
            request.priority = '2'
        clock = self._clock(request)
        self.assertEqual((clock.state, clock.breached_at), ('running', MONDAY + HOUR))
        self.assertEqual(request.sla_state, 'breached')

    def test_4_1_09_every_criterion_matches_again(self):
        general = self._create_policy(sequence=50)
        by_type = self._create_policy(sequence=10, type_ids=[Command.set(self.type_complaint.ids)])
        by_team = self._create_policy(sequence=20, team_ids=[Command.set(self.team_workshop.ids)])
        by_customer = self._create_policy(sequence=5, partner_ids=[Command.set(self.stranger.ids)])
        tag = self.env['res.partner.category'].create({'name': "VIP"})
        by_tag = self._create_policy(sequence=6, partner_tag_ids=[Command.set(tag.ids)])
        category = self.env['product.category'].create({'name': "Machines"})
        by_category = self._create_policy(
            sequence=7, product_category_ids=[Command.set(category.ids)]
        )
        request = self._create_request(unit_id=False)
        self.assertEqual(request.sla_policy_id, general)
        request.team_id = self.team_workshop
        self.assertEqual(request.sla_policy_id, by_team)
        request.type_id = self.type_complaint
        self.assertEqual(request.sla_policy_id, by_type)
        child = self.env['product.category'].create({'name': "Pumps", 'parent_id': category.id})
        self.product.categ_id = child
        request.product_id = self.product
        self.assertEqual(request.sla_policy_id, by_category)
        self.customer_company.category_id = tag
        request.partner_id = self.customer
        request.product_id = False
        self.assertEqual(request.sla_policy_id, by_tag)
        request.partner_id = self.stranger
        self.assertEqual(request.sla_policy_id, by_customer)
        self.assertEqual(request.sla_clock_ids.policy_id, by_customer)

    def test_4_1_09_clocks_of_policies_that_fit_no_more_are_dropped(self):
        policy = self._create_policy()
        request = self._create_request()
        policy.active = False
        request.priority = '1'
        self.assertFalse(request.sla_policy_id)
        self.assertFalse(request.sla_deadline)
        self.assertEqual(request.sla_clock_ids.mapped('state'), ['cancelled'] * 2)
        self.assertEqual(request.sla_state, 'none')
        policy.active = True
        request.priority = '2'
        self.assertEqual(request.sla_clock_ids.mapped('state'), ['running'] * 2)

    def test_4_1_09_a_fulfilled_promise_is_not_judged_again(self):
        self._create_policy(sequence=50, response=4)
        self._create_policy(sequence=10, response=0.25, min_priority='2')
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + HOUR):
            self._post(request, self.user_service.partner_id)
            request.priority = '2'
        clock = self._clock(request, 'first_response')
        self.assertEqual((clock.state, clock.target_sec), ('met', 4 * 3600))

    def _resolve_and_reopen(self, **values):
        """2 of 8 hours used on Monday, closed, reopened on Wednesday at 9."""
        self._create_policy(response=1, resolution=8, **values)
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + HOUR / 2):
            self._post(request, self.user_service.partner_id)
        with freeze_time(MONDAY + 2 * HOUR):
            request.action_resolve()
            request.action_close()
        self.assertTrue(request.date_closed)
        with freeze_time(datetime(2026, 3, 4, 9)):
            request.action_reopen()
        self.assertFalse(request.date_closed or request.date_resolved)
        self.assertEqual(request.reopen_count, 1)
        self.assertEqual(request.date_first_reply, MONDAY + HOUR / 2)
        self.assertEqual(self._clock(request, 'first_response').state, 'met')
        resolved = request.sla_event_ids.filtered(lambda event: event.kind == 'stop')
        self.assertEqual(resolved.at, MONDAY + 2 * HOUR, "the old solution stays in the history")
        return request

    def test_4_1_10_reopening_goes_on_with_what_is_left(self):
        request = self._resolve_and_reopen()
        self.assertEqual(self._clock(request).used_sec, 2 * 3600)
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 4, 16), "6 hours, lunch")

    def test_4_1_10_reopening_starts_again(self):
        request = self._resolve_and_reopen(on_reopen='restart')
        self.assertEqual(self._clock(request).used_sec, 0)
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 5, 9))

    def test_4_1_10_reopening_promises_nothing(self):
        request = self._resolve_and_reopen(on_reopen='ignore')
        self.assertEqual(self._clock(request).state, 'met')
        self.assertEqual(request.sla_state, 'met')

    def test_4_1_11_merge_keeps_the_earliest_start(self):
        self._create_policy(response=2, resolution=8)
        source = self._request_at(MONDAY)
        survivor = self._request_at(MONDAY + 2 * HOUR)
        with freeze_time(MONDAY + 3 * HOUR):
            survivor._sla_take_over(source)
            source._post_sla_event('merge')
        self.assertEqual(source.sla_clock_ids.mapped('state'), ['cancelled'] * 2)
        self.assertEqual(source.sla_state, 'none')
        self.assertFalse(source.sla_deadline)
        self.assertEqual(survivor.sla_clock_ids.mapped('date_start'), [MONDAY] * 2)
        self.assertEqual(survivor.sla_deadline, MONDAY + 2 * HOUR)
        with freeze_time(MONDAY + timedelta(days=9)):
            self.assertFalse(
                source.search([('id', '=', source.id), ('sla_state', '=', 'breached')])
            )

    def test_4_1_11_merge_takes_the_answer_over(self):
        self._create_policy(response=2, resolution=0)
        source = self._request_at(MONDAY)
        with freeze_time(MONDAY + HOUR):
            self._post(source, self.user_service.partner_id)
        survivor = self._request_at(MONDAY + 2 * HOUR)
        survivor._sla_take_over(source)
        self.assertEqual(survivor.date_first_reply, MONDAY + HOUR)
        self.assertEqual(self._clock(survivor, 'first_response').state, 'met')

    def test_4_1_11_merge_hides_no_broken_promise(self):
        self._create_policy(response=2, resolution=0)
        source = self._request_at(MONDAY)
        survivor = self._request_at(MONDAY + 3 * HOUR)
        with freeze_time(MONDAY + 4 * HOUR):
            self._post(survivor, self.user_service.partner_id)
        self.assertEqual(self._clock(survivor, 'first_response').state, 'met')
        survivor._sla_take_over(source)
        self.assertEqual(self._clock(survivor, 'first_response').state, 'breached')

    def _answered_at(self, moment):
        request = self._request_at(moment)
        with freeze_time(moment):
            self._post(request, self.user_service.partner_id)
        return request

    def test_4_1_11_merge_keeps_the_answer_that_is_owed(self):
        """What was said in any of them was said in the survivor."""
        self._create_policy(response=1, resolution=8, next_response_hours=2)
        source, survivor = self._answered_at(MONDAY), self._answered_at(MONDAY)
        asked = MONDAY + timedelta(minutes=30)
        with freeze_time(asked):
            self._post(source, self.customer)
            source._merge_into(survivor)
        clock = self._clock(survivor, 'next_response')
        self.assertEqual((clock.state, clock.date_start), ('running', asked))
        self.assertEqual(self._clock(source, 'next_response').state, 'cancelled')

    def test_4_1_11_merge_owes_no_answer_that_was_given(self):
        self._create_policy(response=1, resolution=8, next_response_hours=2)
        source, survivor = self._answered_at(MONDAY), self._answered_at(MONDAY)
        for minutes, author in ((30, self.customer), (40, self.user_service.partner_id)):
            with freeze_time(MONDAY + timedelta(minutes=minutes)):
                self._post(source, author)
        with freeze_time(MONDAY + timedelta(hours=1)):
            source._merge_into(survivor)
        clock = self._clock(survivor, 'next_response')
        self.assertEqual((clock.state, clock.used_sec), ('met', 600))

    def test_4_1_11_who_turned_to_us_again_wrote_again(self):
        """The second request is not answered with the first."""
        self._create_policy(response=1, resolution=8, next_response_hours=2)
        for answered_survives in (True, False):
            first, second = self._answered_at(MONDAY), self._request_at(MONDAY + HOUR)
            survivor = first if answered_survives else second
            with freeze_time(MONDAY + 2 * HOUR):
                ((first | second) - survivor)._merge_into(survivor)
            clock = self._clock(survivor, 'next_response')
            self.assertEqual((clock.state, clock.date_start), ('running', MONDAY + HOUR))
            self.assertEqual(self._clock(survivor, 'first_response').state, 'met')

    def test_4_1_11_what_was_solved_is_owed_no_answer(self):
        self._create_policy(response=1, resolution=8, next_response_hours=2)
        survivor, source = self._answered_at(MONDAY), self._request_at(MONDAY + HOUR)
        with freeze_time(MONDAY + 2 * HOUR):
            source.action_resolve()
            source._merge_into(survivor)
        self.assertFalse(self._clock(survivor, 'next_response'))

    def test_4_1_11_merge_into_one_that_was_over(self):
        self._create_policy(response=1, resolution=8, next_response_hours=2)
        survivor = self._answered_at(MONDAY)
        with freeze_time(MONDAY + HOUR / 2):
            survivor.action_resolve()
        source = self._request_at(MONDAY + HOUR)
        with freeze_time(MONDAY + 2 * HOUR):
            source._merge_into(survivor)
        clock = self._clock(survivor, 'next_response')
        self.assertEqual((clock.state, clock.date_start), ('running', MONDAY + 2 * HOUR))

    def test_4_1_13_reading_runs_no_calendar(self):
        """See also ``test_reading_never_runs_a_calendar`` and the tests of the scheduled action."""
        self._create_policy()
        request = self._request_at(MONDAY)
        clock = self._clock(request, 'first_response')
        self.assertEqual(clock.deadline, MONDAY + HOUR, "deadlines are stored")

    def test_4_1_14_edited_hours_move_running_clocks_by_button_only(self):
        self._create_policy(response=0, resolution=8)
        running, stopped = self._request_at(MONDAY), self._request_at(MONDAY)
        with freeze_time(MONDAY + 5 * HOUR):
            stopped.action_resolve()
        judged = self._clock(stopped).read()
        self.calendar.attendance_ids.filtered(lambda line: line.hour_from == 13).unlink()
        self.assertEqual(running.sla_deadline, datetime(2026, 3, 3, 9))
        with self.assertRaises(AccessError):
            running.with_user(self.user_service).action_recompute_sla()
        (running + stopped).with_user(self.user_manager).action_recompute_sla()
        self.assertEqual(running.sla_deadline, datetime(2026, 3, 4, 9))
        self.assertEqual(self._clock(stopped).read(), judged)
        with freeze_time(MONDAY + 6 * HOUR):
            stopped.action_cancel()
            self.assertEqual(self._clock(stopped).state, 'met', "judged before")
            stopped.stage_id = self._stage('closed')
        self.assertEqual(self._clock(stopped).deadline, datetime(2026, 3, 3, 9))

    def test_4_1_14_edited_promises_move_running_clocks_by_button_only(self):
        policy = self._create_policy(response=0, resolution=8)
        request = self._request_at(MONDAY)
        policy.resolution_hours = 4
        with freeze_time(MONDAY + HOUR):
            request.stage_id = self._stage('open')
            request.priority = '1'
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 3, 9))
        with freeze_time(MONDAY + HOUR):
            request.with_user(self.user_manager).action_recompute_sla()
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 2, 14))

    def test_events_are_never_changed(self):
        self._create_policy()
        event = self._create_request().sla_event_ids[:1]
        with self.assertRaises(UserError):
            event.at = MONDAY
        with self.assertRaises(UserError):
            event.unlink()
