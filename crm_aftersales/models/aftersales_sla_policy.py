from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

PRIORITIES = [('0', "Normal"), ('1', "High"), ('2', "Urgent"), ('3', "Emergency")]

#: about two and a half years of work: calendars are looked through for four
MAX_HOURS = 5000


class AftersalesSlaPolicy(models.Model):
    """A promise: how fast the first answer and the solution come, and on which working hours.

    The first policy, by sequence, whose criteria all match a request rules it.
    """

    _name = 'aftersales.sla.policy'
    _description = "Service Level Policy"
    _inherit = ['aftersales.used.mixin']
    _order = 'sequence, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        default=lambda self: self.env['res.company']._get_settings_company(),
    )

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
    emergency = fields.Boolean(
        string="Emergencies",
        help="Also rules every request of a type for emergencies, whatever its priority.",
    )
    partner_ids = fields.Many2many(
        comodel_name='res.partner',
        string="Customers",
        help="Companies with all their contacts, or private persons. Empty: every customer.",
    )
    partner_tag_ids = fields.Many2many(
        comodel_name='res.partner.category',
        string="Customer Tags",
        help="Of the contact or of his company. Empty: every customer.",
    )
    product_category_ids = fields.Many2many(
        comodel_name='product.category',
        string="Product Categories",
        help="With the categories below them. Empty: every product, and requests without one.",
    )

    # === Targets ===
    response_hours = fields.Float(
        string="First Response",
        help="Working hours until the first answer that the customer can read. Zero: no promise.",
    )
    resolution_hours = fields.Float(
        string="Resolution", help="Working hours until the request is resolved. Zero: no promise."
    )
    next_response_hours = fields.Float(
        string="Next Response",
        help="Working hours until a further message of the customer is answered. Zero: no promise.",
    )
    on_site_hours = fields.Float(
        string="On Site", help="Working hours until somebody is on site. Zero: no promise."
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

    # === Rules ===
    pause_reason_ids = fields.Many2many(
        comodel_name='aftersales.pause.reason',
        string="Pauses for",
        help="While we wait for this, the clocks of visit and solution stand still: a pause adds"
        " its working time to the deadline, so one over a weekend or a holiday adds nothing."
        " Answers are owed all the time.",
    )
    on_change = fields.Selection(
        selection=[
            ('keep', "Keep the start: time and pauses so far count"),
            ('restart', "Start again with all of the time"),
        ],
        string="When It Begins to Rule",
        default='keep',
        required=True,
        help="What becomes of running clocks when team, type, priority or customer change and this"
        " policy applies from then on.",
    )
    on_reopen = fields.Selection(
        selection=[
            ('resume', "Go on with what is left"),
            ('restart', "Start again with all of the time"),
            ('ignore', "Promise no second solution"),
        ],
        string="When Reopened",
        default='resume',
        required=True,
        help="What becomes of the clock of the solution. The first response is never owed twice.",
    )
    escalation_ids = fields.One2many(
        comodel_name='aftersales.sla.escalation',
        inverse_name='policy_id',
        copy=True,
    )

    _hours_positive = models.Constraint(
        'CHECK(response_hours BETWEEN 0 AND 100000 AND resolution_hours BETWEEN 0 AND 100000)',
        "A target is between 0 and 100,000 hours.",
    )
    _more_hours_positive = models.Constraint(
        'CHECK(next_response_hours BETWEEN 0 AND 100000 AND on_site_hours BETWEEN 0 AND 100000)',
        "A target is between 0 and 100,000 hours.",
    )
    _warning_percent_range = models.Constraint(
        'CHECK(warning_percent BETWEEN 1 AND 100)',
        "The warning share is between 1 and 100 percent.",
    )

    @api.constrains('response_hours', 'next_response_hours', 'on_site_hours', 'resolution_hours')
    def _check_hours(self):
        """A target beyond what calendars are looked through would have no deadline at all."""
        for policy in self:
            if max(policy._get_targets().values(), default=0) > MAX_HOURS * 3600:
                raise ValidationError(
                    self.env._("A target is %s hours at most: enter fewer.", MAX_HOURS)
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
            and (
                request.priority >= self.min_priority
                or (self.emergency and request.type_id.is_emergency)
            )
            and self._matches_customer(request)
            and self._matches_product(request)
        )

    def _matches_customer(self, request) -> bool:
        """Whether the request comes from a customer the policy is for."""
        partner, commercial = request.partner_id, request.commercial_partner_id
        tags = partner.category_id | commercial.category_id
        return (not self.partner_ids or commercial in self.partner_ids.commercial_partner_id) and (
            not self.partner_tag_ids or bool(tags & self.partner_tag_ids)
        )

    def _matches_product(self, request) -> bool:
        """Whether the request is about a product the policy is for."""
        if not self.product_category_ids:
            return True
        path = request.product_id.categ_id.parent_path or ''
        return any(
            path.startswith(name) for name in self.product_category_ids.mapped('parent_path')
        )

    # ------------------------------------------------------------
    # Terms
    # ------------------------------------------------------------

    def _get_terms(self, team, company) -> dict:
        """Return what the policy promises, to be frozen in an event; see ``sla.SlaTerms``.

        :param team: of the request
        :param company: of the request
        """
        if not self:
            return {}
        return {
            'policy': self.id,
            'calendar': self._get_calendar(team, company).id or 0,
            'targets': self._get_targets(),
            'risk': self.warning_percent,
            'steps': sorted(set(self.escalation_ids.mapped('percent'))),
            'pauses': {
                reason._get_key(): {'reason': reason.id, 'cap': reason._get_cap_seconds()}
                for reason in self.pause_reason_ids
            },
            'reopen': self.on_reopen,
            'change': self.on_change,
        }

    def _get_targets(self) -> dict[str, int]:
        """Return the promises: kind of clock -> seconds of working time."""
        hours = {
            'first_response': self.response_hours,
            'next_response': self.next_response_hours,
            'on_site': self.on_site_hours,
            'resolution': self.resolution_hours,
        }
        return {kind: round(number * 3600) for kind, number in hours.items() if number}

    def _get_calendar(self, team, company):
        """Return the calendar the clocks run on; an empty one means around the clock.

        Working hours of a service contract, once there are any, come before those of the team.
        """
        self.ensure_one()
        calendar = self.env['resource.calendar']
        if self.calendar_source == 'always':
            return calendar
        if self.calendar_source == 'policy':
            calendar = self.calendar_id
        return calendar or team.calendar_id or company.resource_calendar_id

    @api.model
    def _get_used_by(self):
        return [
            *super()._get_used_by(),
            ('aftersales.request', 'sla_policy_id'),
            ('aftersales.sla.clock', 'policy_id'),
        ]
