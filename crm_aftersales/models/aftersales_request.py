from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from odoo.addons.crm_customer.briefing import BriefingLine
from odoo.addons.crm_customer.timeline import TimelineText

from ..numbering import Numbering
from ..values import differs
from .aftersales_request_stage import ENDED_STATES, OPEN_STATES
from .aftersales_sla_policy import PRIORITIES

#: kept by the system: written through what happens to a request, never by hand
SYSTEM_FIELDS = {
    'number',
    'state',
    'parent_id',
    'date_first_reply',
    'date_resolved',
    'date_closed',
    'reopen_count',
    'submission_key',
}
#: of those, what a past request may bring along when it is imported
IMPORTED_FIELDS = {'number', 'date_first_reply', 'date_resolved', 'date_closed', 'parent_id'}


class AftersalesRequest(models.Model):
    """Something a customer wants from us after the sale, from the first word to the rating."""

    _name = 'aftersales.request'
    _description = "Service Request"
    _inherit = [
        'crm.system.mixin',
        'crm.import.mixin',
        'portal.mixin',
        'mail.thread.cc',
        'mail.activity.mixin',
        'mail.tracking.duration.mixin',
        'rating.mixin',
    ]
    _order = 'priority desc, id desc'
    _rec_names_search = ['number', 'name']
    _check_company_auto = True
    _primary_email = 'email_from'
    _mail_post_access = 'read'
    _mail_thread_customer = True
    _track_duration_field = 'stage_id'

    # === Subject ===
    number = fields.Char(
        required=True, readonly=True, copy=False, default=lambda self: self.env._("New")
    )
    name = fields.Char(string="Subject", required=True, tracking=True)
    description = fields.Html(
        sanitize_style=True, help="What the customer reported, in his own words."
    )
    type_id = fields.Many2one(
        comodel_name='aftersales.request.type',
        check_company=True,
        index='btree_not_null',
        tracking=True,
    )
    priority = fields.Selection(
        selection=PRIORITIES,
        compute='_compute_priority',
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        tracking=True,
    )
    channel = fields.Selection(
        selection=[
            ('phone', "Phone"),
            ('email', "E-mail"),
            ('portal', "Portal"),
            ('counter', "At the Counter"),
            ('letter', "Letter"),
            ('chat', "Chat"),
            ('other', "Other"),
        ],
        string="Received by",
        default='phone',
        required=True,
    )

    # === Customer and product ===
    partner_id = fields.Many2one(
        comodel_name='res.partner',
        string="Customer",
        index='btree_not_null',
        ondelete='restrict',
        tracking=True,
    )
    commercial_partner_id = fields.Many2one(
        related='partner_id.commercial_partner_id',
        string="Commercial Customer",
        store=True,
        index=True,
    )
    email_from = fields.Char(
        string="E-mail",
        compute='_compute_email_from',
        store=True,
        readonly=False,
        precompute=True,
        help="Where answers go while the customer is not one of our contacts.",
    )
    unit_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="Customer Product",
        ondelete='restrict',
        check_company=True,
        index='btree_not_null',
        tracking=True,
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        compute='_compute_from_unit',
        store=True,
        readonly=False,
        precompute=True,
        index='btree_not_null',
        check_company=True,
    )
    sale_order_id = fields.Many2one(
        comodel_name='sale.order',
        string="Sales Order",
        compute='_compute_from_unit',
        store=True,
        readonly=False,
        precompute=True,
        index='btree_not_null',
        check_company=True,
        groups='base.group_user',  # of a former owner, perhaps
    )
    unit_warranty_state = fields.Selection(related='unit_id.warranty_state', string="Warranty")

    # === Handling ===
    company_id = fields.Many2one(
        comodel_name='res.company',
        compute='_compute_company_id',
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    team_id = fields.Many2one(
        comodel_name='aftersales.team',
        compute='_compute_team_id',
        store=True,
        readonly=False,
        precompute=True,
        index='btree_not_null',
        check_company=True,
        tracking=True,
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Responsible",
        domain=lambda self: self._get_worker_domain(),
        check_company=True,
        index='btree_not_null',
        tracking=True,
    )
    stage_id = fields.Many2one(
        comodel_name='aftersales.request.stage',
        default=lambda self: self._get_default_stage_id(),
        group_expand='_read_group_stage_ids',
        required=True,
        index=True,
        ondelete='restrict',
        copy=False,
        tracking=True,
    )
    state = fields.Selection(
        related='stage_id.state',
        store=True,
        help="What the stage means to deadlines, reports and the customer.",
    )
    active = fields.Boolean(default=True)
    color = fields.Integer(related='type_id.color')
    parent_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Follows",
        copy=False,
        readonly=True,
        index='btree_not_null',
        help="The closed request that the customer came back to.",
    )
    child_ids = fields.One2many(
        comodel_name='aftersales.request', inverse_name='parent_id', string="Followed by"
    )

    # === Dates ===
    date_received = fields.Datetime(
        string="Received on",
        default=fields.Datetime.now,
        required=True,
        copy=False,
        help="When the customer turned to us; the clocks start here.",
    )
    date_first_reply = fields.Datetime(
        string="First Answered on",
        readonly=True,
        copy=False,
        help="First message of ours that the customer can read. Notes and automatic answers do not"
        " count.",
    )
    date_resolved = fields.Datetime(string="Resolved on", readonly=True, copy=False, tracking=True)
    date_closed = fields.Datetime(string="Closed on", readonly=True, copy=False)
    reopen_count = fields.Integer(string="Reopened", readonly=True, copy=False)
    submission_key = fields.Char(
        readonly=True,
        copy=False,
        help="Who sent which form of the portal: the same form makes one request, however often it"
        " arrives.",
    )

    _number_unique = models.UniqueIndex(
        '(company_id, number)', "This number is already used in the company."
    )
    _submission_unique = models.UniqueIndex(
        '(submission_key) WHERE submission_key IS NOT NULL', "This form was sent already."
    )
    _open_idx = models.Index(
        "(company_id, team_id, priority DESC, id DESC) WHERE state NOT IN ('closed', 'cancelled')"
    )
    _queue_idx = models.Index(
        "(priority DESC, id DESC) WHERE state NOT IN ('resolved', 'closed', 'cancelled')"
    )
    _deadline_idx = models.Index(
        "(sla_deadline) WHERE state NOT IN ('resolved', 'closed', 'cancelled')"
    )
    _default_order_idx = models.Index('(priority DESC, id DESC)')

    # ------------------------------------------------------------
    # Defaults and computes
    # ------------------------------------------------------------

    @api.model
    def _get_default_stage_id(self) -> int:
        """Return the stage of a new request; the context comes first, as with every default."""
        return (
            self.env.context.get('default_stage_id')
            or self.env['aftersales.request.stage']._get_for_state('new').id
        )

    @api.model
    def _get_worker_domain(self) -> list:
        """Return who may be given requests: all who work on them, in whatever role."""
        workers = self.env.ref('crm_aftersales.group_own')
        return [('share', '=', False), ('all_group_ids', 'in', workers.ids)]

    @api.model
    def _show_as_cards(self, action: dict) -> dict:
        """Show cards one below the other instead of the board, and return the action.

        For the few requests of a customer, product or order: on phones, which show cards, a board
        begins with a column that is often empty.
        """
        cards = self.env.ref('crm_aftersales.aftersales_request_view_kanban_my')
        views = action['views']
        action['views'] = [(cards.id if mode == 'kanban' else id_, mode) for id_, mode in views]
        return action

    @api.model
    def _read_group_stage_ids(self, stages, domain):
        """Show every stage as a column, with and without requests."""
        return stages.search(Domain.TRUE)

    @api.depends('type_id')
    def _compute_priority(self):
        for request in self:
            request.priority = request.type_id.default_priority or request.priority or '0'

    @api.depends('partner_id')
    def _compute_email_from(self):
        for request in self:
            request.email_from = request.partner_id.email or request.email_from

    @api.depends('unit_id')
    def _compute_from_unit(self):
        for request in self:
            request.product_id = request.unit_id.product_id or request.product_id
            request.sale_order_id = request.unit_id.sale_order_id or request.sale_order_id

    @api.depends('team_id')
    def _compute_company_id(self):
        for request in self:
            request.company_id = (
                request.team_id.company_id or request.company_id or self.env.company
            )

    @api.depends('type_id')
    def _compute_team_id(self):
        for request in self:
            request.team_id = request.team_id or request._get_default_team()

    def _get_default_team(self):
        """Return the team of a request that came without one."""
        company = self.company_id or self.env.company
        teams = self.type_id.team_id | company.sudo().aftersales_team_id
        fitting = teams.filtered(
            lambda team: team.active and team.company_id in (company, company.browse())
        )
        return fitting[:1]

    @api.depends('number', 'name')
    def _compute_display_name(self):
        for request in self:
            request.display_name = f"{request.number} {request.name}" if request.name else ''

    def _compute_access_url(self):
        result = super()._compute_access_url()
        for request in self:
            request.access_url = f'/my/requests/{request.id}'
        return result

    @api.onchange('unit_id')
    def _onchange_unit_id(self):
        if self.unit_id and not self.partner_id:
            self.partner_id = self.unit_id.partner_id

    @api.onchange('type_id')
    def _onchange_type_id(self):
        """Route what is being taken in by its type, when the form has shown a team already."""
        routed = self.env['aftersales.request.type'].search([('team_id', '!=', False)]).team_id
        if not self._origin and (self.type_id.team_id or self.team_id in routed):
            self.team_id = self._get_default_team() or self.team_id

    @api.model
    def _get_open_domain(self) -> Domain:
        """Return the domain of the requests that still need work."""
        return Domain('state', 'in', OPEN_STATES)

    @api.constrains('date_received')
    def _check_date_received(self):
        now = fields.Datetime.now()
        for request in self:
            if request.date_received > now:
                raise ValidationError(
                    self.env._(
                        "%(request)s: nothing is received on a day to come.",
                        request=request.display_name,
                    )
                )

    def _ensure_days_in_order(self) -> None:
        """Refuse past requests that were resolved before they were received, and the like."""
        is_import = self.env.context.get('import_file')
        for request in self:
            ends = (request.date_resolved, request.date_closed)
            if is_import and request.state not in OPEN_STATES and not any(ends):
                raise ValidationError(
                    self.env._(
                        "%(request)s: when was it resolved or closed? Without a day it would count"
                        " as today's. Give one, or leave the stage out.",
                        request=request.display_name,
                    )
                )
            known = [day for day in (request.date_received, *ends) if day]
            if known != sorted(known):
                raise ValidationError(
                    self.env._(
                        "%(request)s: it is received first, then resolved, then closed.",
                        request=request.display_name,
                    )
                )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        numbering = Numbering(self.env, 'aftersales.request')
        # Looked up once and not for every request of a batch.
        stage_ids = {'new': self._get_default_stage_id()}
        for state in {self._get_state_of_past(vals) for vals in vals_list} - stage_ids.keys():
            stage_ids[state] = self.env['aftersales.request.stage']._get_for_state(state).id
        requests = super().create(
            [
                {
                    'stage_id': stage_ids[self._get_state_of_past(vals)],
                    **vals,
                    'number': vals.get('number') or numbering.draw(self._get_vals_company(vals)),
                }
                for vals in vals_list
            ]
        )
        requests._ensure_days_in_order()
        requests._stamp_state_dates()
        return requests

    @api.model
    def _get_state_of_past(self, vals: dict) -> str:
        """Return the state of a past request that says when it ended; 'new' for others.

        Files of earlier systems rarely name a stage of ours.
        """
        if vals.get('date_closed'):
            return 'closed'
        return 'resolved' if vals.get('date_resolved') else 'new'

    @api.model
    def _get_vals_company(self, vals: dict):
        """Return the company a new request will belong to."""
        company = self.env['res.company'].browse(vals.get('company_id'))
        if not company and vals.get('team_id'):
            company = self.env['aftersales.team'].browse(vals['team_id']).company_id
        return company or self.env.company

    def write(self, vals):
        states = {request: request.state for request in self} if 'stage_id' in vals else {}
        result = super().write(vals)
        if states:
            self.filtered(lambda request: request.state != states[request])._on_state_changed(
                states
            )
        return result

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | SYSTEM_FIELDS

    def _get_given_on_create(self, vals_list):
        return super()._get_given_on_create(vals_list) - IMPORTED_FIELDS

    def _get_given_on_write(self, vals):
        """Return the fields of the system that ``vals`` would change: an import repeats them."""
        if self.env.su:
            return set()
        return {
            name
            for name in super()._get_given_on_write(vals)
            if any(differs(record, name, vals[name]) for record in self)
        }

    @api.model
    def _get_system_fields_text(self, labels):
        return self.env._(
            "%(fields)s: this follows from what happens to a request and cannot be"
            " written. Move the request to another stage, or answer it.",
            fields=labels,
        )

    # ------------------------------------------------------------
    # States
    # ------------------------------------------------------------

    def _on_state_changed(self, old_states: dict):
        """Bring dates and clocks in line with a new state and tell who has to know.

        :param old_states: request -> state it was in
        """
        reopened = self.filtered(
            lambda request: request.state in OPEN_STATES and old_states[request] not in OPEN_STATES
        )
        reopened._reopen_clocks()
        (self - reopened)._stamp_state_dates()
        self.filtered(lambda request: request.state == 'closed')._send_rating_request()

    def _stamp_state_dates(self):
        """Note when requests were resolved and closed, once."""
        now = fields.Datetime.now()
        batches = {}
        for request in self.filtered(lambda request: request.state not in OPEN_STATES):
            vals = {}
            if request.state != 'cancelled' and not request.date_resolved:
                vals['date_resolved'] = request.date_closed or now
            if request.state in ENDED_STATES and not request.date_closed:
                past = self.env.context.get('import_file') and request.date_resolved
                vals['date_closed'] = past or now
            if request.state == 'resolved' and request.date_closed:
                vals['date_closed'] = False
            batches.setdefault(tuple(vals.items()), self.browse())
            batches[tuple(vals.items())] += request
        for vals, requests in batches.items():
            if vals:
                requests.sudo().write(dict(vals))

    def _reopen_clocks(self):
        """Reopen: the ends are wiped, the first answer stays given."""
        for request in self.sudo():
            request.write(
                {
                    'date_resolved': False,
                    'date_closed': False,
                    'reopen_count': request.reopen_count + 1,
                }
            )

    def _move_to_state(self, state: str):
        """Move to the first stage that stands for a state."""
        self.stage_id = self.env['aftersales.request.stage']._get_for_state(state)

    def action_take(self):
        """Take the requests oneself and begin to work on the new ones."""
        self.user_id = self.env.user
        self.filtered(lambda request: request.state == 'new')._move_to_state('open')

    def action_resolve(self):
        """Mark as resolved: the clocks stop, the customer may still object."""
        self._move_to_state('resolved')

    def action_close(self):
        """Close, and ask the customer how satisfied he is."""
        self._move_to_state('closed')

    def action_cancel(self):
        """Drop requests that need no service: made by mistake, twice, or withdrawn."""
        self._move_to_state('cancelled')

    def action_reopen(self):
        """Work on resolved, closed or cancelled requests again."""
        self.filtered(lambda request: request.state not in OPEN_STATES)._move_to_state('open')

    @api.model
    def get_import_templates(self) -> list[dict]:
        """Lead who brings past requests to the import that keeps their numbers and days."""
        label = self.env._("Past requests, with numbers and days: Customers > Imports")
        return [{'label': label, 'template': '/odoo/crm-imports'}]

    # ------------------------------------------------------------
    # Rating
    # ------------------------------------------------------------

    def _get_rating_template(self):
        """Return the mail that asks for a rating; empty to ask nobody."""
        return self.env.ref('crm_aftersales.mail_template_request_rating', raise_if_not_found=False)

    def _can_ask_rating(self) -> bool:
        """Whether the customer is asked how satisfied he is."""
        self.ensure_one()
        return bool(self._rating_get_partner().email) and (
            not self.type_id or self.type_id.ask_rating
        )

    def _send_rating_request(self):
        """Ask the customers of closed requests for a rating, when the gate lets it pass."""
        template = self._get_rating_template()
        if not template:
            return
        for request in self.filtered(lambda request: request._can_ask_rating()):
            request.rating_send_request(template, lang=request.partner_id.lang, force_send=False)

    def _get_rating_event(self):
        """Ask once for each closing."""
        return f'closed:{self.date_closed}'

    # ------------------------------------------------------------
    # Portal
    # ------------------------------------------------------------

    @api.model
    def _raise_from_portal(self, partner, values: dict, attachments: list[tuple[str, bytes]]):
        """Create the request that a customer raises himself, with his files.

        Runs with elevated rights: the caller has checked that product and type are the customer's
        to choose.

        :param partner: the contact who raises it
        :param values: subject, type, product and text
        :param attachments: name and content of each file
        :return: the request, in elevated rights
        """
        request_sudo = self.sudo().create(
            {**values, 'partner_id': partner.id, 'channel': 'portal', 'user_id': False}
        )
        request_sudo.message_subscribe(partner.ids)
        if attachments:
            request_sudo.message_post(
                author_id=partner.id,
                body=Markup("<p>%s</p>") % self.env._("Files of the customer"),
                attachments=attachments,
                message_type='comment',
                subtype_xmlid='mail.mt_comment',
            )
        return request_sudo

    def _get_briefing_line(self) -> BriefingLine:
        """Return what staff should know of the request before they meet the customer."""
        self.ensure_one()
        states = dict(self._fields['state']._description_selection(self.env))
        text = f'{self.number} {self.name}'
        if self.rating_last_value:
            text = self.env._(
                "%(request)s, rated %(rating)s of 5",
                request=text,
                rating=f'{self.rating_last_value:g}',
            )
        still_open = self.state in OPEN_STATES
        return BriefingLine(
            text,
            label=states.get(self.state, ''),
            level='warning' if still_open else 'info',
            icon='fa-exclamation-circle' if still_open else '',
            target=(self._name, self.id),
        )

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these requests."""
        return {
            request.id: TimelineText(
                title=request.display_name,
                body=" · ".join(filter(None, [request.type_id.name, request.unit_id.display_name])),
                state=request.stage_id.name,
            )
            for request in self
        }

    def action_preview(self) -> dict:
        """Show the page the customer sees.

        :return: URL action
        """
        self.ensure_one()
        return {
            'type': 'ir.actions.act_url',
            'target': 'self',
            'url': self.get_portal_url(),
        }

    def action_view_unit(self) -> dict:
        """Open the customer's product.

        :return: window action
        """
        self.ensure_one()
        if not self.unit_id:
            raise UserError(self.env._("Choose the customer's product first."))
        return self.unit_id.get_formview_action()
