from odoo import api, fields, models
from odoo.fields import Domain

PRIORITIES = [('0', "Normal"), ('1', "High"), ('2', "Urgent"), ('3', "Emergency")]


class AftersalesSlaPolicy(models.Model):
    """A promise: how fast the first answer and the solution come, and on which working hours.

    The first policy, by sequence, whose criteria all match a request rules it.
    """

    _name = 'aftersales.sla.policy'
    _description = "Service Level Policy"
    _order = 'sequence, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(comodel_name='res.company', index=True)

    # === Criteria ===
    team_ids = fields.Many2many(
        comodel_name='aftersales.team', string="Teams", help="Empty: every team."
    )
    type_ids = fields.Many2many(
        comodel_name='aftersales.request.type', string="Types", help="Empty: every type."
    )
    min_priority = fields.Selection(
        selection=PRIORITIES,
        string="Minimum Priority",
        default='0',
        required=True,
        help="The policy rules requests of this priority and above.",
    )

    # === Targets ===
    response_hours = fields.Float(
        string="First Response",
        help="Working hours until the first answer that the customer can read. Zero: no promise.",
    )
    resolution_hours = fields.Float(
        string="Resolution", help="Working hours until the request is resolved. Zero: no promise."
    )
    warning_percent = fields.Integer(
        string="Warn at (%)",
        default=75,
        help="Share of the time after which a request that is still due counts as at risk.",
    )

    # === Working hours ===
    calendar_source = fields.Selection(
        selection=[
            ('policy', "Working hours of the policy"),
            ('team', "Working hours of the team"),
            ('always', "Around the clock"),
        ],
        default='team',
        required=True,
        help="Without working hours of its own, a policy uses those of the team, then those of the"
        " company, then every hour of every day.",
    )
    calendar_id = fields.Many2one(
        comodel_name='resource.calendar', string="Working Hours", check_company=True
    )

    _hours_positive = models.Constraint(
        'CHECK(response_hours BETWEEN 0 AND 100000 AND resolution_hours BETWEEN 0 AND 100000)',
        "A target is between 0 and 100,000 hours.",
    )
    _warning_percent_range = models.Constraint(
        'CHECK(warning_percent BETWEEN 1 AND 100)',
        "The warning share is between 1 and 100 percent.",
    )

    @api.model
    def _get_candidates(self, companies):
        """Return the policies that may rule requests of these companies, in order of precedence."""
        return self.search(Domain('company_id', 'in', [False, *companies.ids]))

    def _match(self, request):
        """Return the first policy of ``self`` that rules the request."""
        return next((policy for policy in self if policy._matches(request)), self.browse())

    def _matches(self, request) -> bool:
        """Whether every criterion holds; integrators add theirs with ``super() and ...``."""
        self.ensure_one()
        return (
            (not self.company_id or self.company_id == request.company_id)
            and (not self.team_ids or request.team_id in self.team_ids)
            and (not self.type_ids or request.type_id in self.type_ids)
            and request.priority >= self.min_priority
        )

    def _get_response_seconds(self) -> int:
        """Return the promise of a first answer in seconds of working time."""
        return round(self.response_hours * 3600)

    def _get_resolution_seconds(self) -> int:
        """Return the promise of a solution in seconds of working time."""
        return round(self.resolution_hours * 3600)

    def _get_calendar(self, team, company):
        """Return the calendar the clocks run on; an empty one means around the clock."""
        self.ensure_one()
        calendar = self.env['resource.calendar']
        if self.calendar_source == 'always':
            return calendar
        if self.calendar_source == 'policy':
            calendar = self.calendar_id
        return calendar or team.calendar_id or company.resource_calendar_id
