from datetime import datetime, timedelta
from pathlib import Path

from freezegun import freeze_time

from odoo.modules.migration import load_script
from odoo.tests import tagged
from odoo.tools import SQL

from .common import MONDAY
from .common_sla import SlaCommon

SCRIPT = Path(__file__).parents[1] / 'migrations/19.0.1.2.0/post-sla.py'
HOUR = timedelta(hours=1)


@tagged('post_install', '-at_install')
class TestSlaMigration(SlaCommon):
    """Deadlines as version 19.0.1.1.0 left them on the requests."""

    def setUp(self):
        super().setUp()
        self.env['aftersales.request'].search([]).action_cancel()
        self.policy = self._create_policy(response=1, resolution=8)
        self.env.cr.execute(
            """
            ALTER TABLE aftersales_request
            ADD COLUMN IF NOT EXISTS sla_date_start timestamp,
            ADD COLUMN IF NOT EXISTS sla_seconds_used integer,
            ADD COLUMN IF NOT EXISTS sla_response_deadline timestamp
            """
        )

    def _old_request(self, state, **columns):
        """Make a request of Monday 9:00 as it was stored before there were events."""
        request = self._request_at(MONDAY, stage_id=self._stage(state).id)
        self.env.flush_all()
        self.env.cr.execute('DELETE FROM aftersales_sla_event WHERE request_id = %s', request.ids)
        self.env.cr.execute('DELETE FROM aftersales_sla_clock WHERE request_id = %s', request.ids)
        columns = {
            'sla_policy_id': self.policy.id,
            'sla_response_deadline': MONDAY + HOUR,
            'sla_deadline': datetime(2026, 3, 3, 9),
            'sla_warning_date': None,
            'sla_kind': None,
            'sla_missed': False,
            'date_first_reply': None,
            'date_resolved': None,
            'date_closed': None,
            **columns,
        }
        sets = [SQL('%s = %s', SQL.identifier(name), value) for name, value in columns.items()]
        self.env.cr.execute(
            SQL('UPDATE aftersales_request SET %s WHERE id = %s', SQL(', ').join(sets), request.id)
        )
        self.env.invalidate_all()
        return request

    def _migrate(self, moment):
        with freeze_time(moment):
            load_script(str(SCRIPT), 'post_sla').migrate(self.env.cr, '19.0.1.1.0')
            self.env.invalidate_all()

    def test_what_was_judged_stays_as_it_was(self):
        kept = self._old_request(
            'closed',
            date_received=MONDAY + timedelta(microseconds=5),
            date_first_reply=MONDAY + HOUR / 2 + timedelta(microseconds=7),
            date_resolved=MONDAY + 2 * HOUR + timedelta(microseconds=9),
            date_closed=MONDAY + 3 * HOUR,
        )
        late = self._old_request(
            'resolved',
            date_first_reply=MONDAY + 2 * HOUR,
            date_resolved=MONDAY + 4 * HOUR,
            sla_missed=True,
        )
        dropped = self._old_request('cancelled', date_closed=MONDAY + HOUR)
        # hours of today say something else, and nobody asks them
        self.calendar.attendance_ids.filtered(lambda line: line.hour_from == 13).unlink()
        self._migrate(MONDAY + timedelta(days=30))
        self.assertEqual(kept.sla_clock_ids.mapped('state'), ['met', 'met'])
        self.assertEqual(kept.sla_state, 'met')
        self.assertEqual(late.sla_clock_ids.mapped('state'), ['breached', 'met'])
        self.assertEqual(late.sla_state, 'breached')
        self.assertEqual(late.sla_deadline, datetime(2026, 3, 3, 9))
        self.assertFalse(dropped.sla_clock_ids)
        self.assertEqual(dropped.sla_state, 'none')
        before = (kept | late).sla_clock_ids.read()
        (kept | late)._refresh_sla()
        self.assertEqual((kept | late).sla_clock_ids.read(), before)
        self.assertEqual(kept.sla_event_ids.mapped('kind'), ['start', 'reply', 'stop'])

    def test_what_runs_goes_on(self):
        untouched = self._old_request('new')
        answered = self._old_request('open', date_first_reply=MONDAY + HOUR / 2)
        reopened = self._old_request(
            'open',
            date_first_reply=MONDAY + HOUR / 2,
            sla_date_start=datetime(2026, 3, 3, 8),
            sla_seconds_used=2 * 3600,
            sla_deadline=datetime(2026, 3, 3, 15),
        )
        requests = untouched | answered | reopened
        self._migrate(MONDAY + 3 * HOUR)
        response = self._clock(untouched, 'first_response')
        self.assertEqual((response.state, response.deadline), ('breached', MONDAY + HOUR))
        self.assertEqual(untouched.sla_state, 'breached')
        self.assertEqual(self._clock(answered, 'first_response').state, 'met')
        self.assertEqual(answered.sla_deadline, datetime(2026, 3, 3, 9))
        self.assertEqual(reopened.sla_deadline, datetime(2026, 3, 3, 15))
        with freeze_time(MONDAY + 3 * HOUR):
            self.assertFalse(requests._get_wrong_clocks())

    def test_nobody_is_told_of_the_past(self):
        request = self._old_request('new')
        self.env['aftersales.sla.escalation'].create(
            [{'policy_id': self.policy.id, 'percent': percent} for percent in (50, 100)]
        )
        self._migrate(MONDAY + 2 * HOUR)
        self.assertEqual(self._clock(request, 'first_response').fired_percent, 100)
        self.assertEqual(self._clock(request).fired_percent, 0)
        self.assertEqual(self._clock(request).date_next, datetime(2026, 3, 2, 14))

    def test_twice_is_once(self):
        request = self._old_request('new')
        self._migrate(MONDAY)
        events, clocks = request.sla_event_ids, request.sla_clock_ids
        self._migrate(MONDAY)
        self.assertEqual((request.sla_event_ids, request.sla_clock_ids), (events, clocks))
