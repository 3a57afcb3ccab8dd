from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..models.aftersales_sla_clock import STORED
from .common import MONDAY
from .common_sla import SlaCommon

#: what may happen to a request, and what it needs
HAPPENINGS = {
    'answer': lambda test, request: test._post(request, test.user_service.partner_id),
    'customer': lambda test, request: test._post(request, test.customer),
    'on_site': lambda test, request: request._post_sla_event('on_site'),
    'work': lambda test, request: test._go(request, 'open'),
    'wait': lambda test, request: test._go(request, 'waiting_customer'),
    'resolve': lambda test, request: test._go(request, 'resolved'),
    'close': lambda test, request: test._go(request, 'closed'),
    'cancel': lambda test, request: test._go(request, 'cancelled'),
    'urgent': lambda test, request: request.write({'priority': '2'}),
    'normal': lambda test, request: request.write({'priority': '0'}),
    'merge': lambda test, request: test._merge(request),
    'split': lambda test, request: request._post_sla_event('split'),
    'job': lambda test, request: test.env['aftersales.sla.clock']._cron_due(),
}


@tagged('post_install', '-at_install')
class TestSlaEvents(SlaCommon):
    def setUp(self):
        super().setUp()
        commit = patch.object(
            self.registry['ir.cron'], '_commit_progress', lambda *_args, **_kwargs: 1
        )
        self.startPatcher(commit)

    def _go(self, request, state):
        request.stage_id = self._stage(state)

    def _merge(self, request):
        """Merge one that was received before, with a question in it."""
        received = fields.Datetime.now() - timedelta(hours=1)
        source = self._create_request(date_received=received)
        self._post(source, self.customer)
        source._merge_into(request)

    # ------------------------------------------------------------
    # Events
    # ------------------------------------------------------------

    def test_on_site_by_api(self):
        """Whoever plans visits tells when somebody was there; it may be told later."""
        self._create_policy(response=0, resolution=0, on_site_hours=4)
        request = self._request_at(MONDAY)
        self.assertEqual((request.sla_kind, request.sla_deadline.hour), ('on_site', 14))
        with freeze_time(MONDAY + timedelta(days=1)):
            with self.assertRaises(AccessError):
                request.with_user(self.env.ref('base.public_user')).note_on_site()
            for wrong in (MONDAY - timedelta(hours=1), MONDAY + timedelta(days=9)):
                with self.assertRaises(UserError):
                    request.note_on_site(wrong)
            moment = fields.Datetime.to_string(MONDAY + timedelta(hours=2))
            self.assertTrue(request.with_user(self.user_service).note_on_site(moment))
        clock = self._clock(request, 'on_site')
        self.assertEqual((clock.state, clock.used_sec), ('met', 2 * 3600))
        self.assertEqual(request.sla_state, 'met')

    def test_on_site_reads_how_others_write_moments(self):
        self._create_policy(response=0, resolution=0, on_site_hours=4)
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + timedelta(days=1)):
            with self.assertRaisesRegex(UserError, "ids"):
                request.browse().note_on_site()
            with self.assertRaisesRegex(UserError, "yesterday is no moment"):
                request.note_on_site('yesterday')
            with self.assertRaisesRegex(UserError, "is no moment"):
                request.note_on_site('9999-12-31T23:59:59-05:00')
            moment = (MONDAY + timedelta(hours=2)).isoformat()
            for text in (moment, moment + 'Z', moment + '.250+00:00'):
                request.note_on_site(text)
            request.note_on_site((MONDAY + timedelta(hours=9)).isoformat() + '+08:00')
        events = request.sla_event_ids.filtered(lambda event: event.kind == 'on_site')
        hours = [(event.at - MONDAY).total_seconds() / 3600 for event in events]
        self.assertEqual(hours, [2, 2, 2, 1])

    def test_time_used_counts_while_the_clock_runs(self):
        self._create_pausing_policy(response=0, resolution=8)
        request = self._request_at(MONDAY)
        clock = self._clock(request)
        with freeze_time(MONDAY + timedelta(hours=2)):
            clock.invalidate_recordset(['time_used'])
            self.assertEqual((clock.time_used, clock.time_promised), ("2 h 0 min", "8 h 0 min"))
            request.stage_id = self._stage('waiting_customer')
        with freeze_time(MONDAY + timedelta(hours=3)):
            clock.invalidate_recordset(['time_used'])
            self.assertEqual(clock.time_used, "2 h 0 min", "a pause uses nothing")

    def test_a_solution_is_a_visit_too(self):
        self._create_policy(response=0, resolution=0, on_site_hours=4)
        request = self._request_at(MONDAY)
        with freeze_time(MONDAY + timedelta(hours=2)):
            request.action_resolve()
        self.assertEqual(self._clock(request, 'on_site').state, 'met')

    def test_story_of_a_request(self):
        self._create_pausing_policy(response=1, resolution=8)
        request = self._request_at(MONDAY)
        for number, happening in enumerate(('answer', 'wait', 'customer', 'resolve', 'work')):
            with freeze_time(MONDAY + timedelta(hours=1, minutes=number)):
                HAPPENINGS[happening](self, request)
        kinds = ['start', 'reply', 'pause', 'resume', 'customer', 'stop', 'reopen']
        self.assertEqual(request.sla_event_ids.mapped('kind'), kinds)

    def test_imported_history_is_a_story(self):
        self._create_policy(response=1, resolution=8)
        request = self._create_request(
            stage_id=self._stage('closed').id,
            date_received=MONDAY,
            date_first_reply=MONDAY + timedelta(minutes=30),
            date_resolved=MONDAY + timedelta(days=7),
            date_closed=MONDAY + timedelta(days=8),
        )
        self.assertEqual(request.sla_event_ids.mapped('kind'), ['start', 'reply', 'stop'])
        self.assertEqual(self._clock(request, 'first_response').state, 'met')
        clock = self._clock(request)
        self.assertEqual((clock.state, clock.breached_at.day), ('breached', 3))

    def test_day_of_receipt_put_right(self):
        self._create_policy(response=0, resolution=8)
        request = self._request_at(MONDAY)
        request.date_received = MONDAY + timedelta(hours=1)
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 3, 10))

    @mute_logger('odoo.sql_db')
    def test_the_database_refuses_changes(self):
        event = self._create_request().sla_event_ids[:1]
        with self.assertRaises(psycopg2.errors.RaiseException), self.env.cr.savepoint():
            self.env.cr.execute(
                SQL("UPDATE aftersales_sla_event SET at = now() WHERE id = %s", event.id)
            )

    def test_events_go_with_their_request(self):
        self._create_policy()
        request = self._create_request()
        events, clocks = request.sla_event_ids, request.sla_clock_ids
        request.unlink()
        self.assertFalse(events.exists() or clocks.exists())

    def test_one_clock_of_a_kind(self):
        self._create_policy(response=0)
        clock = self._create_request().sla_clock_ids
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(psycopg2.errors.UniqueViolation),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute(
                "INSERT INTO aftersales_sla_clock (request_id, kind, state)"
                " SELECT request_id, kind, state FROM aftersales_sla_clock WHERE id = %s",
                clock.ids,
            )

    def test_policy_that_is_archived_leaves_its_requests_to_others(self):
        policy = self._create_policy(sequence=1, resolution=4)
        request = self._create_request()
        other = self._create_policy(sequence=2, resolution=8)
        policy.action_archive()
        request.action_recompute_sla()
        self.assertEqual(request.sla_policy_id, other)
        self.assertEqual(self._clock(request).target_sec, 8 * 3600)

    def test_calendar_that_was_deleted(self):
        calendar = self._create_calendar("8-10", hours=((8, 10),))
        policy = self._create_policy(
            response=0, resolution=8, calendar_source='policy', calendar_id=calendar.id
        )
        request = self._request_at(MONDAY)
        policy.calendar_id = False
        calendar.unlink()
        with freeze_time(MONDAY):
            self._go(request, 'open')
            request.priority = '1'
        self.assertEqual(request.sla_deadline, datetime(2026, 3, 3, 9), "of the company")

    # ------------------------------------------------------------
    # Recomputed from events equals what is stored
    # ------------------------------------------------------------

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        happenings=st.lists(
            st.tuples(st.sampled_from(sorted(HAPPENINGS)), st.integers(0, 400)), max_size=12
        ),
        on_change=st.sampled_from(['keep', 'restart']),
        on_reopen=st.sampled_from(['resume', 'restart', 'ignore']),
        cap=st.sampled_from([0, 1, 10]),
    )
    def test_recomputed_from_events_equals_what_is_stored(
        self, happenings, on_change, on_reopen, cap
    ):
        rules = {'on_change': on_change, 'on_reopen': on_reopen, 'next_response_hours': 1}
        with self._undone():
            self._create_pausing_policy(cap=cap, on_site_hours=3, **rules)
            self._create_policy(sequence=1, min_priority='2', response=0.5, resolution=2, **rules)
            request = self._request_at(MONDAY)
            moment = MONDAY
            for name, minutes in happenings:
                moment += timedelta(minutes=minutes)
                with freeze_time(moment):
                    HAPPENINGS[name](self, request)
            with freeze_time(moment):
                self._compare(request)

    @contextmanager
    def _undone(self):
        """Undo an example, so that the next one begins with nothing."""
        with self.env.cr.savepoint(flush=True) as savepoint:
            yield
            savepoint.rollback()
        self.env.invalidate_all(flush=False)

    def _compare(self, request):
        """Forget the clocks and compute them again from the events alone."""
        self.env['aftersales.sla.clock']._cron_due()
        columns = ('kind', *STORED, 'date_next', 'fired_percent')
        clocks = request.sla_clock_ids
        before = {row.pop('kind'): row for row in clocks.read(columns, load='')}
        summary = request._get_stored_summary()
        self.env.cr.execute("DELETE FROM aftersales_sla_clock WHERE request_id = %s", request.ids)
        self.env.invalidate_all()
        request._refresh_sla()
        request.invalidate_recordset()
        after = {row.pop('kind'): row for row in request.sla_clock_ids.read(columns, load='')}
        for rows in (before, after):
            for kind in [kind for kind, row in rows.items() if row['state'] == 'cancelled']:
                del rows[kind]
            for row in rows.values():
                row.pop('id')
        self.assertEqual(after, before)
        self.assertEqual(request._get_stored_summary(), summary)
        self.assertEqual(request._prepare_sla(), ([], []))
