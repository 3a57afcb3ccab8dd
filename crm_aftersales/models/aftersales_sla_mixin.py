from collections import defaultdict
from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from odoo.addons.crm_customer.working_time import WorkingClock

from .aftersales_request_stage import OPEN_STATES

SLA_STATES = [
    ('none', "No Deadline"),
    ('on_track', "On Track"),
    ('at_risk', "At Risk"),
    ('breached', "Breached"),
    ('met', "Met"),
]


class AftersalesSlaMixin(models.AbstractModel):
    """First-response and resolution clocks of a record that is worked on in stages.

    Deadlines are stored and written by :meth:`_apply_sla` when something happens that moves them;
    reading, searching and counting never runs a calendar. A record that inherits the mixin has the
    fields ``company_id``, ``team_id``, ``type_id``, ``priority``, ``state``, ``date_received``,
    ``date_first_reply`` and ``date_resolved``.
    """

    _name = 'aftersales.sla.mixin'
    _description = "Service Level Clocks"

    sla_policy_id = fields.Many2one(
        comodel_name='aftersales.sla.policy',
        string="SLA Policy",
        readonly=True,
        copy=False,
        index='btree_not_null',
        help="Chosen anew whenever team, type or priority change. Time already spent stays spent.",
    )
    sla_date_start = fields.Datetime(
        string="Resolution Clock Start",
        readonly=True,
        copy=False,
        help="When the resolution clock was started, or started again by reopening.",
    )
    sla_seconds_used = fields.Integer(
        string="Working Seconds Used",
        readonly=True,
        copy=False,
        help="Working time spent before the clock was last started again.",
    )
    sla_response_deadline = fields.Datetime(
        string="First Response Deadline", readonly=True, copy=False
    )
    sla_deadline = fields.Datetime(string="Resolution Deadline", readonly=True, copy=False)
    sla_warning_date = fields.Datetime(
        string="At Risk From",
        readonly=True,
        copy=False,
        help="Moment from which a deadline that is still due counts as at risk.",
    )
    sla_missed = fields.Boolean(
        string="Deadline Missed",
        compute='_compute_sla_missed',
        store=True,
        help="The first answer or the solution came too late.",
    )
    sla_state = fields.Selection(
        selection=SLA_STATES,
        string="SLA",
        compute='_compute_sla_state',
        search='_search_sla_state',
    )
    sla_countdown = fields.Char(
        string="Time Left",
        compute='_compute_sla_state',
        help="What is due next, and how long until then.",
    )

    # ------------------------------------------------------------
    # Computes: comparisons of stored dates with the current time
    # ------------------------------------------------------------

    @api.depends(
        'date_first_reply', 'date_resolved', 'state', 'sla_response_deadline', 'sla_deadline'
    )
    def _compute_sla_missed(self):
        for record in self:
            # A solution is an answer too: who was helped on the spot is not owed another reply.
            answered = record.date_first_reply or record.date_resolved
            response, resolution = record.sla_response_deadline, record.sla_deadline
            record.sla_missed = record.state != 'cancelled' and bool(
                (response and answered and answered > response)
                or (resolution and record.date_resolved and record.date_resolved > resolution)
            )

    @api.depends(
        'date_first_reply',
        'sla_deadline',
        'sla_missed',
        'sla_response_deadline',
        'sla_warning_date',
        'state',
    )
    @api.depends_context('lang')
    def _compute_sla_state(self):
        now = fields.Datetime.now()
        for record in self:
            record.sla_state = record._get_sla_state(now)
            record.sla_countdown = record._get_sla_countdown(now)

    def _get_sla_state(self, now) -> str:
        """Return the state at a moment; the twin of :meth:`_get_sla_state_domain`."""
        deadlines = [self.sla_response_deadline, self.sla_deadline]
        if self.state == 'cancelled' or not any(deadlines):
            return 'none'
        due = self._get_sla_due()
        if self.sla_missed or any(deadline < now for deadline in due.values()):
            return 'breached'
        if self.state not in OPEN_STATES:
            return 'met'
        if self.sla_warning_date and self.sla_warning_date <= now:
            return 'at_risk'
        return 'on_track'

    def _get_sla_due(self) -> dict:
        """Return the deadlines that still run: clock ('response', 'resolution') -> moment."""
        if self.state not in OPEN_STATES:
            return {}
        due = {}
        if self.sla_response_deadline and not self.date_first_reply:
            due['response'] = self.sla_response_deadline
        if self.sla_deadline:
            due['resolution'] = self.sla_deadline
        return due

    def _get_sla_countdown(self, now) -> str:
        """Say in words what is due next and when: the state must not be told by colour alone."""
        due = self._get_sla_due()
        if not due:
            state = self._get_sla_state(now)
            labels = {'breached': self.env._("Too late"), 'met': self.env._("In time")}
            return labels.get(state, '')
        clock, deadline = min(due.items(), key=lambda item: item[1])
        values = {'time': self._format_sla_duration(abs(deadline - now))}
        if deadline < now and clock == 'response':
            return self.env._("Answer overdue by %(time)s", **values)
        if deadline < now:
            return self.env._("Solution overdue by %(time)s", **values)
        if clock == 'response':
            return self.env._("Answer due in %(time)s", **values)
        return self.env._("Solution due in %(time)s", **values)

    def _format_sla_duration(self, duration: timedelta) -> str:
        """Return a duration in its two largest units."""
        minutes = int(duration.total_seconds() // 60)
        hours, days = minutes // 60, minutes // (60 * 24)
        if days:
            return self.env._("%(days)s d %(hours)s h", days=days, hours=hours % 24)
        if hours:
            return self.env._("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes % 60)
        return self.env._("%(minutes)s min", minutes=minutes)

    def _search_sla_state(self, operator, value):
        if operator != 'in':
            return NotImplemented
        return Domain.OR(self._get_sla_state_domain(state) for state in value)

    @api.model
    def _get_sla_state_domain(self, state: str) -> Domain:
        """Return the domain of a state at this moment; the twin of :meth:`_get_sla_state`."""
        now = fields.Datetime.now()
        promised = Domain('state', '!=', 'cancelled') & (
            Domain('sla_deadline', '!=', False) | Domain('sla_response_deadline', '!=', False)
        )
        running = Domain('state', 'in', OPEN_STATES)
        breached = promised & (
            Domain('sla_missed', '=', True)
            | (running & Domain('sla_deadline', '<', now))
            | (running & Domain('date_first_reply', '=', False))
            & Domain('sla_response_deadline', '<', now)
        )
        at_risk = promised & running & Domain('sla_warning_date', '<=', now) & ~breached
        domains = {
            'none': ~promised,
            'breached': breached,
            'at_risk': at_risk,
            'on_track': promised & running & ~Domain('sla_warning_date', '<=', now) & ~breached,
            'met': promised & ~running & ~breached,
        }
        return domains.get(state, Domain.FALSE)

    # ------------------------------------------------------------
    # Events
    # ------------------------------------------------------------

    @api.model
    def _get_sla_triggers(self) -> set[str]:
        """Return the fields whose change moves a deadline."""
        return {'company_id', 'team_id', 'type_id', 'priority', 'date_received', 'date_first_reply'}

    def _apply_sla(self):
        """Match the policy again and store its deadlines, in one pass over all records.

        One clock serves all records of a calendar, so the number of queries depends on the number
        of calendars and not on the number of records.
        """
        for values, records in self._prepare_sla_values().items():
            records.sudo().write(dict(values))

    def _prepare_sla_values(self) -> dict:
        """Return what should be stored: frozen values -> records, only those that change."""
        policies = self.env['aftersales.sla.policy'].sudo()._get_candidates(self.company_id)
        clocks = {}
        batches = defaultdict(self.browse)
        for record in self:
            policy = policies._match(record)
            clock = policy and record._get_clock(policy, clocks)
            values = record._get_sla_values(policy, clock)
            stored = record._get_stored_sla_values(values)
            if stored != values:
                batches[tuple(values.items())] += record
        return batches

    def _get_clock(self, policy, clocks: dict) -> WorkingClock:
        """Return the clock of one record under a policy.

        :param clocks: the clocks in use so far; each serves all records of its calendar and company
        """
        calendar = policy._get_calendar(self.team_id, self.company_id)
        key = (calendar, self.company_id)
        if key not in clocks:
            clocks[key] = WorkingClock(calendar, self.company_id)
        return clocks[key]

    def _get_stored_sla_values(self, names) -> dict:
        """Return what is stored now, in the form :meth:`_get_sla_values` has."""
        return {name: self._fields[name].convert_to_write(self[name], self) for name in names}

    def _get_sla_values(self, policy, clock: WorkingClock | None) -> dict:
        """Return the deadlines of one record under a policy.

        The first response counts from the day the request was received, whatever happens later. The
        resolution counts from the last (re)start, less what was used before.
        """
        values = {
            'sla_policy_id': policy.id,
            'sla_response_deadline': False,
            'sla_deadline': False,
            'sla_warning_date': False,
        }
        if not policy:
            return values
        start = self.sla_date_start or self.date_received
        used, share = self.sla_seconds_used, policy.warning_percent / 100
        response, resolution = policy._get_response_seconds(), policy._get_resolution_seconds()
        warnings = []
        if response:
            values['sla_response_deadline'] = clock.plan(self.date_received, response) or False
            if not self.date_first_reply:
                warnings.append(clock.plan(self.date_received, round(response * share)))
        if resolution:
            values['sla_deadline'] = clock.plan(start, max(resolution - used, 0)) or False
            warnings.append(clock.plan(start, max(round(resolution * share) - used, 0)))
        values['sla_warning_date'] = min(filter(None, warnings), default=False)
        return values

    def _restart_sla(self):
        """Let the resolution clock of a reopened record go on with what was left of its time."""
        now = fields.Datetime.now()
        clocks = {}
        for record in self:
            policy = record.sla_policy_id.sudo()
            used = record.sla_seconds_used
            if policy:
                clock = record._get_clock(policy, clocks)
                stopped = record.date_resolved or record.date_closed or now
                used += clock.count(record.sla_date_start or record.date_received, stopped)
            record.sudo().write({'sla_date_start': now, 'sla_seconds_used': used})

    def action_recompute_sla(self):
        """Compute the running clocks again, after policies or working hours were edited.

        Clocks that were stopped stay as they are: the promise of that day was kept, or not.
        """
        self.filtered(lambda record: record.state in OPEN_STATES)._apply_sla()
