from __future__ import annotations

from datetime import datetime

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import plaintext2html

from odoo.addons.crm_customer.working_time import WorkingClock

from .aftersales_request_triage import code_field

SCORE_KINDS = [
    ('csat', "Satisfaction (1-5)"),
    ('nps', "Recommendation (0-10)"),
    ('ces', "Ease (1-7)"),
]


class AftersalesFollowup(models.Model):
    """A customer who is not satisfied is called: by whom, until when, and what came of it.

    A bad score opens one, and never a second one: it is inserted by the key of the score. Other bad
    scores of the same customer for the same request are added to it while it is open.
    """

    _name = 'aftersales.followup'
    _description = "Follow-up of a Bad Score"
    _inherit = ['crm.keyed.mixin', 'mail.thread', 'mail.activity.mixin']
    _order = 'deadline, id'
    _check_company_auto = True

    # === What happened ===
    kind = fields.Selection(
        selection=[*SCORE_KINDS, ('other', "Said Otherwise")], required=True, default='other'
    )
    score = fields.Float(readonly=True, aggregator='avg', digits=(3, 1))
    comment = fields.Text(string="In the Customer's Words")
    rating_id = fields.Many2one(
        comodel_name='rating.rating',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
    )
    request_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Service Request",
        index='btree_not_null',
        ondelete='set null',
        check_company=True,
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="Customer", index='btree_not_null', ondelete='set null'
    )
    commercial_partner_id = fields.Many2one(
        related='partner_id.commercial_partner_id',
        string="Company of the Customer",
        store=True,
        index='btree_not_null',
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company
    )

    # === Who sees to it ===
    team_id = fields.Many2one(
        comodel_name='aftersales.team', index='btree_not_null', check_company=True
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Responsible",
        domain=[('share', '=', False)],
        index='btree_not_null',
        check_company=True,
        tracking=True,
        default=lambda self: self.env.user,
    )
    deadline = fields.Datetime(tracking=True, help="Counted in working hours of the team.")
    is_overdue = fields.Boolean(
        string="Overdue", compute='_compute_is_overdue', search='_search_is_overdue'
    )

    # === What came of it ===
    state = fields.Selection(
        selection=[('open', "To Do"), ('progress', "Customer Contacted"), ('done', "Done")],
        string="Status",
        required=True,
        default='open',
        copy=False,
        tracking=True,
        group_expand=True,
    )
    outcome = fields.Selection(
        selection=[
            ('satisfied', "Satisfied Now"),
            ('compensated', "Compensated"),
            ('explained', "Explained"),
            ('not_satisfied', "Still Not Satisfied"),
            ('not_reached', "Not Reached"),
        ],
        copy=False,
        tracking=True,
    )
    cause_code_id = code_field('cause', string="Cause", help="Why the customer was not satisfied.")
    note = fields.Text(copy=False, help="What was said and agreed.")
    date_done = fields.Datetime(string="Done on", readonly=True, copy=False)
    complaint_id = fields.Many2one(
        comodel_name='aftersales.request',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
        check_company=True,
    )

    _open_idx = models.Index("(deadline, id) WHERE state <> 'done'")

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    @api.depends('request_id', 'partner_id', 'kind', 'score')
    @api.depends_context('lang')
    def _compute_display_name(self):
        kinds = dict(self._fields['kind']._description_selection(self.env))
        for followup in self:
            what = kinds.get(followup.kind, '')
            if followup.kind != 'other':
                what = f'{what}: {followup.score:g}'
            # who sees to it may not see the request
            parts = [followup.request_id.sudo().number, followup.partner_id.display_name, what]
            followup.display_name = " · ".join(filter(None, parts))

    @api.depends('deadline', 'state')
    def _compute_is_overdue(self):
        now = fields.Datetime.now()
        for followup in self:
            late = followup.deadline and followup.deadline < now
            followup.is_overdue = bool(late and followup.state != 'done')

    def _search_is_overdue(self, operator, value):
        if operator != 'in':
            return NotImplemented
        overdue = Domain('state', '!=', 'done') & Domain('deadline', '<', fields.Datetime.now())
        return overdue if True in value else ~overdue

    @api.constrains('state', 'outcome')
    def _check_outcome(self):
        for followup in self:
            if followup.state == 'done' and not followup.outcome:
                raise ValidationError(
                    self.env._("What came of it? Choose the outcome before it is done.")
                )

    # ------------------------------------------------------------
    # OPENING
    # ------------------------------------------------------------

    @api.model
    def _open(self, vals_list: list[dict]) -> AftersalesFollowup:
        """Open the follow-ups of bad scores, one per request and customer whatever runs beside.

        :param vals_list: values with ``key``, ``kind``, ``score`` and the company; owner and
            deadline are found here
        :return: those that were really opened
        """
        # by the system, not only in its rights: who scored without a name is nobody's author
        Followup = self.with_user(SUPERUSER_ID)
        first, others = self._split_by_case(Followup._add_to_open(vals_list))
        followups = Followup._insert_keyed(
            [{**vals, **self._prepare_handling_vals(vals)} for vals in first]
        )
        Followup._add_to_open(others)
        followups.request_id.invalidate_recordset(['followup_ids'], flush=False)
        followups._opened_after_hook()
        # what is still to be written would be written in the name of who scored
        followups.env.flush_all()
        return followups

    @api.model
    def _split_by_case(self, vals_list: list[dict]) -> tuple[list[dict], list[dict]]:
        """Return the first score of each request and customer, and all others."""
        first: dict = {}
        for vals in vals_list:
            case = (vals['request_id'], vals.get('partner_id')) if vals.get('request_id') else None
            first.setdefault(case or vals['key'], vals)
        chosen = list(first.values())
        return chosen, [vals for vals in vals_list if vals not in chosen]

    @api.model
    def _add_to_open(self, vals_list: list[dict]) -> list[dict]:
        """Add scores to the open follow-up of their request and customer; return the others.

        The requests are claimed first: of two scores at the same moment the second one is decided
        after the first.
        """
        requests = self.env['aftersales.request'].browse(
            {vals['request_id'] for vals in vals_list if vals.get('request_id')}
        )
        requests._bump_version()
        known = self.search([('request_id', 'in', requests.ids)], order='id')
        left = []
        for vals in vals_list:
            if known.filtered(lambda followup, vals=vals: followup._has_score(vals)):
                continue
            same = known.filtered(lambda followup, vals=vals: followup._is_open_case(vals))[:1]
            if same:
                same._add_score(vals)
            else:
                left.append(vals)
        return left

    def _has_score(self, vals: dict) -> bool:
        """Whether a score opened this follow-up, or was added to it last."""
        links = [name for name in self._get_score_links() if vals.get(name)]
        return self.key == vals['key'] or any(self[name].id == vals[name] for name in links)

    @api.model
    def _get_score_links(self) -> list[str]:
        """Return the fields that lead to the score; to be extended."""
        return ['rating_id']

    def _is_open_case(self, vals: dict) -> bool:
        """Whether a score belongs to this follow-up, which is not done yet."""
        return (
            self.state != 'done'
            and self.request_id.id == vals.get('request_id')
            and self.partner_id.id == (vals.get('partner_id') or False)
        )

    def _add_score(self, vals: dict) -> None:
        """Note another bad score; who was called before it came has to be called again."""
        owner_env = self.with_context(lang=self.user_id.lang or self.env.lang).env
        kind = dict(self._fields['kind']._description_selection(owner_env))[vals['kind']]
        words = [self.comment, f"{kind}: {vals['score']:g}", vals.get('comment')]
        links = {name: vals[name] for name in self._get_score_links() if vals.get(name)}
        if self.state == 'progress':
            self.activity_unlink(['crm_aftersales.mail_activity_followup'])
            self.deadline = self._get_deadline(self.team_id.sudo(), self.company_id.sudo())
            self._schedule_calls()
        self.write({'comment': '\n'.join(filter(None, words)), 'state': 'open', **links})

    @api.model
    def _prepare_handling_vals(self, vals: dict) -> dict:
        """Return who sees to a bad score, and until when.

        :param vals: values of the follow-up
        """
        company = self.env['res.company'].sudo().browse(vals['company_id'])
        team = self.env['aftersales.team'].sudo().browse(vals.get('team_id') or [])
        request = self.env['aftersales.request'].sudo().browse(vals.get('request_id') or [])
        owner = self._get_owner(team, company, request)
        return {'user_id': owner.id, 'deadline': self._get_deadline(team, company)}

    @api.model
    def _get_owner(self, team, company, request):
        """Return who sees to a bad score: the team's leader, who is named, or who did the work.

        Of one without name, of whom nothing is known, the leader of the company's default team.
        """
        default_team = company.aftersales_team_id
        owners = [team.user_id, company.aftersales_followup_user_id, request.user_id]
        owners.append(default_team.user_id)
        working = (
            owner for owner in owners if owner.active and company in owner.sudo().company_ids
        )
        return next(working, self.env['res.users'])

    @api.model
    def _get_deadline(self, team, company) -> datetime | None:
        """Return until when the customer is to be called, in working hours of the team."""
        calendar = team.calendar_id or company.resource_calendar_id
        seconds = round(company.aftersales_followup_hours * 3600)
        return WorkingClock(calendar, company).plan(fields.Datetime.now(), seconds)

    def _opened_after_hook(self) -> None:
        """Tell the owners of new follow-ups."""
        self._schedule_calls()

    def _schedule_calls(self) -> None:
        """Give the owners a to-do, until the deadline."""
        activity_type = self.env.ref('crm_aftersales.mail_activity_followup')
        for followup in self.filtered('user_id'):
            deadline = followup.deadline or fields.Datetime.now()
            zone = followup.user_id.tz or followup.company_id.resource_calendar_id.tz
            local = fields.Datetime.context_timestamp(followup.with_context(tz=zone), deadline)
            followup.activity_schedule(
                'crm_aftersales.mail_activity_followup',
                summary=activity_type.with_context(lang=followup.user_id.lang).name,
                date_deadline=local.date(),
                user_id=followup.user_id.id,
            )

    # ------------------------------------------------------------
    # STEPS
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        """Fill in until when, also for those opened by hand."""
        followups = super().create(vals_list)
        for followup in followups.filtered(lambda followup: not followup.deadline):
            followup.deadline = self._get_deadline(
                followup.team_id.sudo(), followup.company_id.sudo()
            )
        return followups

    def write(self, vals):
        result = super().write(vals)
        if 'state' in vals:
            self._on_state_changed(vals['state'])
        return result

    def _on_state_changed(self, state: str) -> None:
        """Note when they were done; what is done is no task any more."""
        now = fields.Datetime.now()
        self.sudo().write({'date_done': now if state == 'done' else False})
        if state == 'done':
            self.activity_feedback(['crm_aftersales.mail_activity_followup'])

    @api.onchange('request_id')
    def _onchange_request_id(self):
        if self.request_id:
            self.partner_id = self.request_id.partner_id
            self.team_id = self.request_id.team_id

    def action_contacted(self) -> None:
        """Note that somebody has spoken with the customer."""
        self.write({'state': 'progress'})

    def action_done(self) -> None:
        """Close: the outcome is known."""
        self.write({'state': 'done'})

    def action_reopen(self) -> None:
        """See to it again."""
        self.write({'state': 'open'})

    # ------------------------------------------------------------
    # COMPLAINT
    # ------------------------------------------------------------

    def action_make_complaint(self) -> dict:
        """Make a complaint of it, once, and open it.

        :return: window action
        """
        self.ensure_one()
        if not self.complaint_id:
            self._bump_complaint()
            vals = self._prepare_complaint_vals()
            self.complaint_id = self.env['aftersales.request'].create(vals)
        return self.complaint_id.get_formview_action()

    def _bump_complaint(self) -> None:
        """Change the row first: of two who press the button at once one is run again."""
        self.state = 'progress'
        self.flush_recordset()

    def _prepare_complaint_vals(self) -> dict:
        """Return the values of the complaint."""
        request = self.request_id
        request_type = self.env['aftersales.request.type'].search(
            [('code', '=', 'complaint'), ('company_id', 'in', [self.company_id.id, False])],
            order='company_id, id',
            limit=1,
        )
        if not request_type:
            raise UserError(self.env._("There is no type of requests with the code “complaint”."))
        vals = {
            'name': self.env._("Not satisfied: %(what)s", what=request.name or self.display_name),
            'description': plaintext2html(self.comment or ''),
            'type_id': request_type.id,
            'company_id': self.company_id.id,
            'partner_id': self.partner_id.id,
            'channel': 'other',
            'user_id': self.user_id.id,
        }
        if request:
            vals['unit_id'] = request.unit_id.id
            vals['not_owner_confirmed'] = request.not_owner_confirmed
            vals.update(request._prepare_owner_vals(self.partner_id, request.unit_id))
        return vals
