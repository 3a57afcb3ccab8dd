from datetime import datetime, timedelta
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .common import MONDAY
from .common_sla import SlaCommon

HOUR = timedelta(hours=1)


@tagged('post_install', '-at_install')
class TestSlaJob(SlaCommon):
    """The scheduled action: what is late is marked, who has to know is told, each once."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['aftersales.request'].search([]).action_cancel()
        cls.Clock = cls.env['aftersales.sla.clock']
        cls.policy = cls._create_policy(response=0, resolution=8)
        cls.team.user_id = cls.user_manager

    def setUp(self):
        super().setUp()
        self.committed = []

        def commit(_model, number, **_kwargs):
            self.env.flush_all()
            self.committed.append(number)
            return 1

        self.startPatcher(patch.object(self.registry['ir.cron'], '_commit_progress', commit))

    def _run(self, moment, **shard):
        with freeze_time(moment):
            self.Clock._cron_due(**shard)
            self.env.flush_all()
            self.env.invalidate_all()

    def _add_step(self, percent, **values):
        return self.env['aftersales.sla.escalation'].create(
            {'policy_id': self.policy.id, 'percent': percent, **values}
        )

    def _notices(self, user):
        return self.env['mail.message'].search(
            [
                ('message_type', '=', 'user_notification'),
                ('subject', 'like', 'of the time used'),
                ('notified_partner_ids', 'in', user.partner_id.ids),
            ]
        )

    # ------------------------------------------------------------
    # Late
    # ------------------------------------------------------------

    def test_late_is_marked_once_and_from_the_second_after(self):
        request = self._request_at(MONDAY)
        clock = self._clock(request)
        deadline = datetime(2026, 3, 3, 9)
        self._run(deadline)
        self.assertEqual((clock.state, request.sla_missed), ('running', False))
        self._run(deadline + timedelta(seconds=1))
        self.assertEqual((clock.state, clock.breached_at), ('breached', deadline))
        self.assertTrue(request.sla_missed)
        self.assertFalse(clock.date_next)
        self.committed.clear()
        self._run(deadline + HOUR)
        self.assertEqual(sum(self.committed), 0, "nothing is left to do")
        with freeze_time(deadline + HOUR):
            self.assertFalse(request._get_wrong_clocks())

    def test_reads_only_what_is_due(self):
        """The planner finds due clocks by an index that holds nothing else."""
        self._request_at(MONDAY)
        self.env.cr.execute("SET LOCAL enable_seqscan = off")
        queries = []
        with patch.object(self.registry['aftersales.sla.clock'], '_process_due', lambda *_a: None):
            execute = self.env.cr.execute

            def note(query, *args, **kwargs):
                queries.append(query)
                return execute(query, *args, **kwargs)

            with patch.object(self.env.cr, 'execute', note):
                self.Clock._claim_due(datetime(2026, 4, 1), 0, 2)
        plan = str(self.env.execute_query(SQL('EXPLAIN %s', queries[-1])))
        self.assertIn('aftersales_sla_clock_next_idx', plan)

    def test_ended_and_paused_clocks_are_left_alone(self):
        requests = [self._request_at(MONDAY) for _number in range(3)]
        with freeze_time(MONDAY + HOUR):
            requests[0].action_resolve()
            requests[1].action_cancel()
        self._run(MONDAY + timedelta(days=9))
        states = [self._clock(request).state for request in requests]
        self.assertEqual(states, ['met', 'cancelled', 'breached'])

    def test_shards_share_the_requests(self):
        requests = self.env['aftersales.request'].union(
            *(self._request_at(MONDAY) for _number in range(4))
        )
        self._run(MONDAY + timedelta(days=9), shard=0, shards=2)
        missed = requests.filtered('sla_missed')
        self.assertEqual(missed, requests.filtered(lambda request: request.id % 2 == 0))
        self._run(MONDAY + timedelta(days=9), shard=1, shards=2)
        self.assertEqual(requests.filtered('sla_missed'), requests)

    def test_chunks_are_committed_one_by_one(self):
        for _number in range(3):
            self._request_at(MONDAY)
        with patch('odoo.addons.crm_aftersales.models.aftersales_sla_clock_due.CHUNK_SIZE', 2):
            self._run(MONDAY + timedelta(days=9))
        self.assertEqual(self.committed, [2, 1])

    def test_pause_ends_with_its_cap(self):
        reason = self._create_pause_reason(state='waiting_customer', cap_hours=2)
        self.policy.pause_reason_ids = reason
        request = self._request_at(MONDAY)
        clock = self._clock(request)
        with freeze_time(MONDAY + HOUR):
            request.stage_id = self._stage('waiting_customer')
        self._run(MONDAY + 2 * HOUR)
        self.assertEqual(clock.state, 'paused')
        self._run(datetime(2026, 3, 2, 13, 30))
        self.assertEqual((clock.state, clock.deadline), ('running', datetime(2026, 3, 3, 11)))
        self.assertFalse(request.sla_paused)

    def _pause_by_hand(self):
        """Return a request that waits for two hours at most, and what it waits for."""
        reason = self._create_pause_reason(name="Customer is away", cap_hours=2)
        self.policy.pause_reason_ids = reason
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + HOUR):
            request.pause_reason_id = reason
        return request, reason

    def test_pause_by_hand_that_is_used_up_is_over_for_everybody(self):
        """The request does not say that it is paused while its clocks run, and the log says why."""
        request, reason = self._pause_by_hand()
        self._run(datetime(2026, 3, 2, 13, 30))
        self.assertFalse(request.pause_reason_id)
        self.assertIn("Customer is away", request.message_ids[0].body)
        self.assertIn("the clocks run again", request.message_ids[0].body)
        with freeze_time(datetime(2026, 3, 2, 14)), self.assertRaisesRegex(UserError, "used up"):
            request.pause_reason_id = reason
        self.assertFalse(request._get_wrong_clocks())

    def test_pause_whose_reason_was_deleted_runs_out_without_its_name(self):
        """Before 19.0.1.2.4 a reason in use could be deleted."""
        request, reason = self._pause_by_hand()
        self.env.flush_all()
        self.env.cr.execute("DELETE FROM aftersales_pause_reason WHERE id = %s", reason.ids)
        self.env.invalidate_all()
        self._run(datetime(2026, 3, 2, 13, 30))
        self.assertIn("the clocks run again.", request.message_ids[0].body)
        self.assertFalse(request._get_wrong_clocks())

    def test_steps_that_waited_for_the_morning_tell_each_user_once(self):
        for percent in (50, 75):
            self._add_step(percent)
        self._add_step(75, recipient='leader')
        self._request_at(MONDAY, user_id=self.user_service.id)
        self._run(datetime(2026, 3, 3, 8))
        self.assertIn("75 %", self._notices(self.user_service).subject)
        self.assertIn("75 %", self._notices(self.user_manager).subject)

    def test_who_is_leader_and_responsible_is_told_once(self):
        self._add_step(75, user_id=self.user_technician.id)
        self._add_step(90)
        self._add_step(100, recipient='leader')
        self._request_at(MONDAY, user_id=False)
        self._run(datetime(2026, 3, 3, 9, 5))
        self.assertIn("100 %", self._notices(self.user_manager).subject)

    def test_who_had_it_is_told_before_it_is_handed_over(self):
        self._add_step(75)
        self._add_step(100, action='reassign', recipient='leader')
        request = self._request_at(MONDAY, user_id=self.user_service.id)
        self._run(datetime(2026, 3, 3, 9, 5))
        self.assertEqual(request.user_id, self.user_manager)
        self.assertIn("75 %", self._notices(self.user_service).subject)
        self.assertFalse(self._notices(self.user_manager))

    def test_notice_of_many_leads_to_each_in_an_e_mail_too(self):
        self._add_step(50)
        user = self.user_service
        requests = [self._request_at(MONDAY, user_id=user.id) for _number in range(2)]
        self._run(MONDAY + 5 * HOUR)
        body = self._notices(user).body
        for request in requests:
            self.assertIn(f'/mail/view?model=aftersales.request&amp;res_id={request.id}"', body)

    def test_pause_of_a_late_clock_ends_with_its_cap(self):
        reason = self._create_pause_reason(state='waiting_customer', cap_hours=1)
        self.policy.write({'pause_reason_ids': reason.ids, 'resolution_hours': 1})
        self._add_step(180)
        request = self._request_at(MONDAY, user_id=self.user_service.id)
        clock = self._clock(request)
        with freeze_time(MONDAY + HOUR * 1.5):
            request.stage_id = self._stage('waiting_customer')
        self.assertEqual((clock.state, request.sla_paused), ('breached', True))
        self.assertEqual(clock.date_next, MONDAY + HOUR * 2.5)
        self._run(MONDAY + HOUR * 2.5)
        self.assertFalse(clock.paused_since or request.sla_paused)
        self.assertFalse(self._notices(self.user_service))
        self._run(MONDAY + timedelta(hours=2, minutes=50))
        self.assertEqual(len(self._notices(self.user_service)), 1)

    # ------------------------------------------------------------
    # Warnings and escalation
    # ------------------------------------------------------------

    def test_warnings_at_50_75_and_100_percent_once_each(self):
        self._add_step(50)
        self._add_step(75)
        self._add_step(100, recipient='leader')
        request = self._request_at(MONDAY, user_id=self.user_service.id)
        steps = (
            (MONDAY + HOUR, 0, 0),
            (datetime(2026, 3, 2, 14), 1, 0),
            (datetime(2026, 3, 2, 14, 5), 1, 0),
            (datetime(2026, 3, 2, 16), 2, 0),
            (datetime(2026, 3, 3, 9, 5), 2, 1),
            (datetime(2026, 3, 4, 9), 2, 1),
        )
        for moment, to_responsible, to_leader in steps:
            self._run(moment)
            counts = len(self._notices(self.user_service)), len(self._notices(self.user_manager))
            self.assertEqual(counts, (to_responsible, to_leader), moment)
        notice = self._notices(self.user_service)[:1]
        self.assertIn(request.number, notice.subject)
        self.assertEqual((notice.model, notice.res_id), (request._name, request.id))

    def test_only_who_has_used_so_much_is_told(self):
        """Of clocks looked at together each takes its own steps."""
        self._add_step(50)
        self._add_step(100, action='reassign', recipient='leader')
        late = self._request_at(MONDAY, user_id=self.user_service.id)
        soon = self._request_at(MONDAY + 2 * HOUR, user_id=self.user_technician.id)
        self._run(datetime(2026, 3, 3, 9, 5))
        self.assertEqual(late.user_id, self.user_manager)
        self.assertEqual(soon.user_id, self.user_technician)
        notices = self._notices(self.user_technician)
        self.assertNotIn(late.number, ' '.join(notices.mapped('subject')))

    def test_one_notice_for_many_requests(self):
        self._add_step(100)
        requests = [self._request_at(MONDAY, user_id=self.user_service.id) for _number in range(3)]
        self._run(datetime(2026, 3, 3, 9, 5))
        notice = self._notices(self.user_service)
        self.assertEqual(len(notice), 1)
        for request in requests:
            self.assertIn(request.number, notice.body)

    def test_4_1_12_nobody_is_told_at_midnight(self):
        self._add_step(75)
        request = self._request_at(MONDAY, user_id=self.user_service.id)
        night, morning = datetime(2026, 3, 2, 23), datetime(2026, 3, 3, 8)
        self._run(night)
        self.assertFalse(self._notices(self.user_service), "75 % was reached while nobody looked")
        self.assertEqual(self._clock(request).date_next, morning)
        self._run(morning)
        self.assertEqual(len(self._notices(self.user_service)), 1)

    def test_4_1_12_late_is_late_at_night_too(self):
        self._add_step(100)
        request = self._request_at(MONDAY, user_id=self.user_service.id)
        self._run(datetime(2026, 3, 3, 23))
        self.assertEqual(self._clock(request).state, 'breached')
        self.assertFalse(self._notices(self.user_service))

    def test_emergency_is_told_at_night(self):
        self.policy.write({'calendar_source': 'always', 'emergency': True, 'min_priority': '3'})
        self._add_step(50)
        emergency = self.env.ref('crm_aftersales.aftersales_request_type_emergency')
        self.assertTrue(emergency.is_emergency)
        night = datetime(2026, 3, 7, 23)
        request = self._request_at(night, user_id=self.user_service.id, type_id=emergency.id)
        with freeze_time(night):
            request.priority = '0'
        self.assertEqual(request.sla_policy_id, self.policy, "whatever its priority")
        self.assertFalse(self._request_at(night).sla_policy_id)
        self._run(night + 4 * HOUR)
        self.assertEqual(len(self._notices(self.user_service)), 1)

    def test_step_of_one_kind_of_clock(self):
        self.policy.response_hours = 1
        self._add_step(100, kind='resolution')
        self._request_at(MONDAY, user_id=self.user_service.id)
        self._run(MONDAY + 2 * HOUR)
        self.assertFalse(self._notices(self.user_service))

    def test_todo_for_the_leader(self):
        self._add_step(100, action='activity', recipient='leader')
        request = self._request_at(MONDAY, user_id=self.user_service.id)
        self._run(datetime(2026, 3, 3, 9, 5))
        self.assertEqual(request.activity_ids.user_id, self.user_manager)

    def test_priority_is_raised_and_another_policy_rules(self):
        urgent = self._create_policy(sequence=1, response=0, resolution=4, min_priority='1')
        self._add_step(50, action='priority')
        request = self._request_at(MONDAY, user_id=self.user_service.id)
        self._run(datetime(2026, 3, 2, 14, 30))
        self.assertEqual((request.priority, request.sla_policy_id), ('1', urgent))
        self.assertEqual(self._clock(request).date_start, MONDAY)
        self._run(datetime(2026, 3, 2, 14, 45))
        self.assertEqual(request.priority, '1', "once")
        self.assertTrue(request.sla_missed)

    def test_promise_of_more_time_is_told_anew(self):
        """What was told of a promise that rules no more says nothing about the one that does."""
        short = self._create_policy(sequence=1, response=0, resolution=1, min_priority='1')
        for percent in (75, 100):
            self._add_step(percent)
            self._add_step(percent, policy_id=short.id)
        request = self._request_at(MONDAY, user_id=self.user_service.id, priority='1')
        for minutes in (46, 61):
            self._run(MONDAY + timedelta(minutes=minutes))
        self.assertEqual(len(self._notices(self.user_service)), 2)
        with freeze_time(MONDAY + 2 * HOUR):
            request.priority = '0'
        clock = self._clock(request)
        self.assertEqual((clock.policy_id, clock.fired_percent), (self.policy, 0))
        for number, moment in ((3, datetime(2026, 3, 2, 16)), (4, datetime(2026, 3, 3, 9, 5))):
            self._run(moment)
            self.assertEqual(len(self._notices(self.user_service)), number, moment)

    def test_promise_of_more_time_while_paused(self):
        self.policy.pause_reason_ids = self._create_pause_reason(state='waiting_customer')
        self._add_step(50)
        self._add_step(100)
        request = self._request_at(MONDAY, user_id=self.user_service.id)
        self._run(datetime(2026, 3, 2, 15))
        with freeze_time(datetime(2026, 3, 2, 15)):
            request.stage_id = self._stage('waiting_customer')
            self.policy.resolution_hours = 9
            request.action_recompute_sla()
        with freeze_time(datetime(2026, 3, 2, 15, 30)):
            request.stage_id = self._stage('open')
        self._run(datetime(2026, 3, 2, 15, 45))
        self.assertEqual(len(self._notices(self.user_service)), 1, "50 % were told already")
        self._run(datetime(2026, 3, 3, 10, 35))
        self.assertEqual(len(self._notices(self.user_service)), 2)

    def test_day_of_receipt_put_right_tells_nothing_twice(self):
        self._add_step(50, action='priority')
        request = self._request_at(MONDAY, priority='0')
        moment = datetime(2026, 3, 2, 14, 30)
        self._run(moment)
        self.assertEqual(request.priority, '1')
        with freeze_time(moment):
            request.date_received = MONDAY - timedelta(minutes=10)
        self._run(moment)
        self.assertEqual(request.priority, '1')

    def test_day_of_receipt_put_right_to_a_later_day(self):
        self._add_step(100)
        request = self._request_at(MONDAY, user_id=self.user_service.id)
        self._run(datetime(2026, 3, 3, 9, 5))
        with freeze_time(datetime(2026, 3, 3, 9, 5)):
            request.date_received = MONDAY + timedelta(days=1)
        self._run(datetime(2026, 3, 4, 9, 5))
        self.assertEqual(len(self._notices(self.user_service)), 2)

    def test_handed_over(self):
        self._add_step(100, action='reassign', recipient='user', user_id=self.user_technician.id)
        request = self._request_at(MONDAY, user_id=self.user_service.id)
        self._run(datetime(2026, 3, 3, 9, 5))
        self.assertEqual(request.user_id, self.user_technician)

    def test_a_step_that_fails_keeps_no_other_back(self):
        self._add_step(100, action='reassign', recipient='user', user_id=self.user_technician.id)
        self._add_step(100)
        request = self._request_at(MONDAY, user_id=self.user_service.id)
        failing = patch.object(
            self.registry['aftersales.sla.clock'], '_escalate_reassign', side_effect=ValueError
        )
        with failing, mute_logger('odoo.addons.crm_aftersales.models.aftersales_sla_clock_due'):
            self._run(datetime(2026, 3, 3, 9, 5))
        self.assertEqual(self._clock(request).state, 'breached')
        self.assertEqual(len(self._notices(self.user_service)), 1)

    def test_new_round_is_told_anew(self):
        self.policy.write({'resolution_hours': 0, 'next_response_hours': 1})
        self._add_step(100)
        request = self._request_at(MONDAY, user_id=self.user_service.id)
        for number, day in enumerate((3, 4), start=1):
            with freeze_time(datetime(2026, 3, day, 9)):
                self._post(request, self.customer)
            self._run(datetime(2026, 3, day, 11))
            self.assertEqual(len(self._notices(self.user_service)), number)
            with freeze_time(datetime(2026, 3, day, 12)):
                self._post(request, self.user_service.partner_id)

    def test_cost_grows_by_chunks_only(self):
        """Marking what is late asks as often for 10 as for 100."""
        counts = []
        for number in (10, 100):
            for _number in range(number):
                self._request_at(MONDAY)
            before = self.env.cr.sql_log_count
            self._run(MONDAY + timedelta(days=9))
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0] + 2)
