from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

SLA_STATES = [
    ('none', "No Deadline"),
    ('on_track', "On Track"),
    ('at_risk', "At Risk"),
    ('paused', "Paused"),
    ('breached', "Breached"),
    ('met', "Met"),
]


class AftersalesRequest(models.Model):
    """How a request stands at this moment: comparisons of stored dates with the current time."""

    _inherit = 'aftersales.request'

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

    @api.depends('sla_kind', 'sla_deadline', 'sla_warning_date', 'sla_paused', 'sla_missed')
    @api.depends_context('lang')
    def _compute_sla_state(self):
        now = fields.Datetime.now()
        for request in self:
            request.sla_state = request._get_sla_state(now)
            request.sla_countdown = request._get_sla_countdown(now)

    def _get_sla_state(self, now) -> str:
        """Return the state at a moment; the twin of :meth:`_get_sla_state_domain`."""
        if not (self.sla_deadline or self.sla_paused or self.sla_missed):
            return 'none'
        if self.sla_missed or (self.sla_kind and self.sla_deadline < now):
            return 'breached'
        if not self.sla_kind:
            return 'paused' if self.sla_paused else 'met'
        if self.sla_warning_date and self.sla_warning_date <= now:
            return 'at_risk'
        return 'on_track'

    def _search_sla_state(self, operator, value):
        if operator != 'in':
            return NotImplemented
        return Domain.OR(self._get_sla_state_domain(state) for state in value)

    @api.model
    def _get_sla_state_domain(self, state: str) -> Domain:
        """Return the domain of a state at this moment; the twin of :meth:`_get_sla_state`."""
        now = fields.Datetime.now()
        due, paused = Domain('sla_kind', '!=', False), Domain('sla_paused', '=', True)
        missed = Domain('sla_missed', '=', True)
        risk = Domain('sla_warning_date', '<=', now)
        promised = Domain('sla_deadline', '!=', False) | paused | missed
        breached = missed | (due & Domain('sla_deadline', '<', now))
        domains = {
            'none': ~promised,
            'breached': breached,
            'at_risk': due & risk & ~breached,
            'on_track': due & ~risk & ~breached,
            'paused': ~due & paused & ~breached,
            'met': promised & ~due & ~paused & ~breached,
        }
        return domains.get(state, Domain.FALSE)

    def _get_sla_countdown(self, now) -> str:
        """Say in words what is due next and when: the state must not be told by colour alone."""
        if self.sla_kind:
            left = self.sla_deadline - now
            time = self._format_sla_duration(abs(left))
            texts = (
                self._get_overdue_texts(time) if left < timedelta() else self._get_due_texts(time)
            )
            return texts[self.sla_kind]
        labels = {
            'breached': self.env._("Too late"),
            'met': self.env._("In time"),
            'paused': self.env._("Waiting"),
        }
        return labels['paused'] if self.sla_paused else labels.get(self._get_sla_state(now), '')

    def _get_due_texts(self, time: str) -> dict[str, str]:
        """Return what is said of a clock that has time left: kind -> text."""
        return {
            'first_response': self.env._("Answer due in %(time)s", time=time),
            'next_response': self.env._("Next answer due in %(time)s", time=time),
            'on_site': self.env._("Visit due in %(time)s", time=time),
            'resolution': self.env._("Solution due in %(time)s", time=time),
        }

    def _get_overdue_texts(self, time: str) -> dict[str, str]:
        """Return what is said of a clock that is too late: kind -> text."""
        return {
            'first_response': self.env._("Answer overdue by %(time)s", time=time),
            'next_response': self.env._("Next answer overdue by %(time)s", time=time),
            'on_site': self.env._("Visit overdue by %(time)s", time=time),
            'resolution': self.env._("Solution overdue by %(time)s", time=time),
        }

    def _format_sla_duration(self, duration: timedelta) -> str:
        """Return a duration in its two largest units."""
        minutes = int(duration.total_seconds() // 60)
        hours, days = minutes // 60, minutes // (60 * 24)
        if days:
            return self.env._("%(days)s d %(hours)s h", days=days, hours=hours % 24)
        return self._format_working_time(minutes * 60)

    def _format_working_time(self, seconds: int) -> str:
        """Return working time in hours and minutes: a day of it has no fixed length."""
        hours, minutes = divmod(seconds // 60, 60)
        if hours:
            return self.env._("%(hours)s h %(minutes)s min", hours=hours, minutes=minutes)
        return self.env._("%(minutes)s min", minutes=minutes)
