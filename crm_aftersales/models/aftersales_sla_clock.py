from __future__ import annotations

from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.tools import SQL

from ..rows import insert_rows, update_rows, without_deleted
from ..sla import SlaClock

CLOCK_LABELS = [
    ('first_response', "First Response"),
    ('next_response', "Next Response"),
    ('on_site', "On Site"),
    ('resolution', "Resolution"),
]
CLOCK_STATES = [
    ('running', "Running"),
    ('paused', "Paused"),
    ('met', "Met"),
    ('breached', "Breached"),
    ('cancelled', "Cancelled"),
]
#: columns that follow from the events
STORED = (
    'policy_id',
    'calendar_id',
    'target_sec',
    'used_sec',
    'date_start',
    'running_since',
    'paused_since',
    'pause_reason_id',
    'pause_until',
    'deadline',
    'date_risk',
    'steps',
    'date_end',
    'breached_at',
    'late_sec',
    'state',
)
#: of those, what a promise that was fulfilled keeps, whatever becomes of policies and calendars
KEPT = tuple(name for name in STORED if name != 'state')


class AftersalesSlaClock(models.Model):
    """One promise to the customer of a request: an answer, a visit, a solution.

    Rows follow from ``aftersales.sla.event`` and are written by the system alone; what is late by
    the passing of time is marked by a scheduled action.
    """

    _name = 'aftersales.sla.clock'
    _description = "Service Level Clock"
    _order = 'request_id desc, id'
    _rec_name = 'kind'

    request_id = fields.Many2one(
        comodel_name='aftersales.request',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    kind = fields.Selection(selection=CLOCK_LABELS, string="Clock", required=True, readonly=True)
    state = fields.Selection(
        selection=CLOCK_STATES,
        required=True,
        readonly=True,
        help="Breached: too late, whether it was done since or not.",
    )
    policy_id = fields.Many2one(
        comodel_name='aftersales.sla.policy', readonly=True, index='btree_not_null'
    )
    calendar_id = fields.Many2one(
        comodel_name='resource.calendar',
        string="Working Hours",
        readonly=True,
        index='btree_not_null',
        help="Empty: around the clock.",
    )
    # === Time, in whole seconds of working time ===
    target_sec = fields.Integer(string="Time Promised (s)", readonly=True)
    used_sec = fields.Integer(
        string="Time Used (s)",
        readonly=True,
        help="Working time until the clock last stood still.",
    )
    time_promised = fields.Char(compute='_compute_times')
    time_used = fields.Char(compute='_compute_times')
    # === Moments ===
    date_start = fields.Datetime(string="Started on", readonly=True)
    running_since = fields.Datetime(readonly=True)
    deadline = fields.Datetime(readonly=True)
    date_risk = fields.Datetime(string="At Risk from", readonly=True)
    date_end = fields.Datetime(string="Done on", readonly=True)
    breached_at = fields.Datetime(
        readonly=True, help="When it was first too late; the next promise does not wipe it out."
    )
    late_sec = fields.Integer(
        string="Time Late (s)",
        readonly=True,
        help="From the deadline until it was done, of all rounds that ended.",
    )
    paused_since = fields.Datetime(readonly=True)
    pause_reason_id = fields.Many2one(
        comodel_name='aftersales.pause.reason', string="Paused for", readonly=True
    )
    pause_until = fields.Datetime(
        readonly=True, help="When the clock runs again although we still wait."
    )
    # === What is told to whom ===
    steps = fields.Json(readonly=True, help="Percentages of the policy and when they are reached.")
    fired_percent = fields.Integer(
        string="Escalated up to (%)", readonly=True, help="Each step is taken once."
    )
    date_next = fields.Datetime(
        string="Next Look", readonly=True, help="When the scheduled action has something to do."
    )

    _open_unique = models.UniqueIndex(
        "(request_id, kind) WHERE state <> 'cancelled'", "There is one clock of a kind."
    )
    _deadline_idx = models.Index("(deadline) WHERE state = 'running'")
    _next_idx = models.Index("(date_next) WHERE date_next IS NOT NULL")

    def _compute_times(self):
        now, calendars = fields.Datetime.now(), {}
        for clock in self:
            request, used = clock.request_id, clock.used_sec
            if clock.running_since and clock.running_since < now:
                working = request._get_calendars(calendars)(clock.calendar_id.id or 0)
                used += working.count(clock.running_since, now)
            clock.time_promised = request._format_working_time(clock.target_sec)
            clock.time_used = request._format_working_time(used)

    # ------------------------------------------------------------
    # FROM EVENTS TO ROWS
    # ------------------------------------------------------------

    @api.model
    def _prepare_row(self, clock: SlaClock, dropped: bool, now: datetime) -> dict:
        """Return what is stored of a clock that events tell of.

        :param dropped: whether nothing is owed any more
        :param now: what was due before is late
        """
        deadline = clock.deadline
        late = clock.crossed or (not clock.date_end and deadline and deadline < now and deadline)
        breached_at = clock.breached_at or late or None
        row = {
            'policy_id': clock.terms.policy or None,
            'calendar_id': clock.terms.calendar or None,
            'target_sec': clock.target,
            'used_sec': clock.used,
            'date_start': clock.date_start,
            'running_since': None if dropped else clock.running_since,
            'paused_since': clock.paused_since,
            'pause_reason_id': clock.terms.pauses.get(clock.pause, {}).get('reason'),
            'pause_until': clock.pause_until,
            'deadline': deadline or None,
            'date_risk': clock.get_moment(clock.terms.risk),
            'steps': self._prepare_steps(clock),
            'date_end': clock.date_end,
            'breached_at': breached_at,
            'late_sec': clock.late,
        }
        if dropped:
            state = 'cancelled'
        elif clock.date_end:
            state = 'breached' if breached_at else 'met'
        else:
            state = 'breached' if late else 'paused' if clock.paused_since else 'running'
        return {**row, 'state': state}

    def _prepare_steps(self, clock: SlaClock) -> list:
        """Return when the percentages are reached at which somebody is told."""
        moments = ((percent, clock.get_moment(percent)) for percent in clock.terms.steps)
        return [
            [percent, fields.Datetime.to_string(moment)] for percent, moment in moments if moment
        ]

    @api.model
    def _get_date_next(self, row: dict) -> datetime | None:
        """Return when the scheduled action has to look at a row."""
        moments = [
            fields.Datetime.to_datetime(moment)
            for percent, moment in row['steps'] or []
            if percent > row['fired_percent']
        ]
        if row['state'] == 'running' and row['deadline']:
            moments.append(row['deadline'] + timedelta(seconds=1))
        if self._is_waiting(row) and row['pause_until']:
            moments.append(row['pause_until'])
        return None if row['state'] == 'cancelled' else min(moments, default=None)

    @api.model
    def _is_waiting(self, row) -> bool:
        """Whether a clock, or what is stored of it, is paused; one that is late may be so too."""
        return bool(row['paused_since'] and row['state'] != 'cancelled')

    @api.model
    def _read_rows(self, requests) -> dict[tuple[int, str], dict]:
        """Return what is stored of the clocks of requests: (request id, kind) -> row."""
        names = ('id', 'request_id', 'kind', 'fired_percent', 'date_next', *STORED)
        if not requests:
            return {}
        rows = self.env.execute_query_dict(
            SQL(
                'SELECT %s FROM aftersales_sla_clock WHERE request_id IN %s ORDER BY id',
                SQL(', ').join(map(SQL.identifier, names)),
                tuple(requests.ids),
            )
        )
        return {(row['request_id'], row['kind']): row for row in rows}

    @api.model
    def _prepare_rows(self, request_id: int, story, stored: dict, now: datetime) -> list[dict]:
        """Return what the rows of a request become.

        :param story: what its events tell, an :class:`SlaStory`
        :param stored: what the database has, see :meth:`_read_rows`
        :param now: what was due before is late
        """
        rows = []
        for kind, _label in CLOCK_LABELS:
            known, clock = stored.get((request_id, kind)), story.clocks.get(kind)
            dropped = clock and story.is_dropped(clock)
            if known or (clock and not dropped):
                told = clock and self._prepare_row(clock, dropped, now)
                row = self._merge_row(known, told)
                if known and told:
                    first_round = told['date_start'] == story.read[0].at
                    row['fired_percent'] = self._get_fired_percent(known, row, first_round, now)
                if told:
                    row['date_next'] = self._get_date_next(row)
                rows.append({'request_id': request_id, 'kind': kind, **row})
        return rows

    @api.model
    def _merge_row(self, stored: dict | None, told: dict | None) -> dict:
        """Return what a row becomes.

        A promise that was fulfilled stays as it was judged on its day: hours and holidays that are
        edited later change nothing about it.

        :param stored: what the database has
        :param told: what the events tell; nothing when the promise is no more
        """
        if not told:
            return {**stored, 'state': 'cancelled', 'running_since': None, 'date_next': None}
        row = {'fired_percent': 0, **(stored or {}), **told}
        moments = ('date_start', 'date_end')
        if stored and told['date_end'] and all(stored[name] == told[name] for name in moments):
            row.update({name: stored[name] for name in KEPT})
            if row['state'] != 'cancelled':
                row['state'] = 'breached' if row['breached_at'] else 'met'
        return row

    @api.model
    def _get_fired_percent(self, stored: dict, row: dict, first_round: bool, now: datetime) -> int:
        """Return up to where steps were taken.

        A round has its own steps. Where the promise of a round was changed, steps that were taken
        stay so, except those that lie ahead again.

        :param stored: what the database has
        :param row: what it becomes
        :param first_round: whether the row tells of the first round
        :param now: the moment it becomes so
        """
        fired = stored['fired_percent']
        if stored['date_start'] != row['date_start'] and not first_round:
            return 0
        names = ('date_start', 'policy_id', 'calendar_id', 'target_sec')
        if all(stored[name] == row[name] for name in names):
            return fired
        if not row['running_since']:
            return min(fired, row['used_sec'] * 100 // (row['target_sec'] or 1))
        reached = (
            percent
            for percent, moment in row['steps'] or []
            if fields.Datetime.to_datetime(moment) <= now
        )
        return min(fired, max(reached, default=0))

    @api.model
    def _store(self, rows: list[dict]) -> None:
        """Write rows to the database: new ones, and those that exist."""
        names = ('fired_percent', 'date_next', *STORED)
        new = ('request_id', 'kind', *names)
        rows = without_deleted(self, rows, ('policy_id', 'calendar_id', 'pause_reason_id'))
        insert_rows(self, [{name: row[name] for name in new} for row in rows if 'id' not in row])
        update_rows(self, [row for row in rows if 'id' in row], names)
        self.invalidate_model(flush=False)
