from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tools import SQL

from ..ledger import ZERO, to_points
from .loyalty_card_ledger import Movement
from .loyalty_program import POINT_DIGITS

APPROVER_GROUP = 'crm_loyalty.group_points_approver'
#: members a list names
SHOWN_MEMBERS = 3
ACTIVITY = 'crm_loyalty.mail_activity_request'


class LoyaltyRequestReason(models.Model):
    """Why points are given or taken by hand."""

    _name = 'loyalty.request.reason'
    _description = 'Reason for Moving Points'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True, help="Shown to the member too.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)


class LoyaltyRequest(models.Model):
    """Points somebody wants to give, take or transfer by hand.

    Up to the limit of the program they move at once; above it a second person decides.
    """

    _name = 'loyalty.request'
    _description = 'Points Request'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _mail_post_access = 'read'

    operation = fields.Selection(
        string="Kind",
        selection=[('grant', "Grant"), ('take', "Take"), ('transfer', "Transfer")],
        required=True,
        readonly=True,
    )
    program_id = fields.Many2one(
        'loyalty.program', required=True, readonly=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(related='program_id.company_id', store=True)
    reason_id = fields.Many2one('loyalty.request.reason', readonly=True, ondelete='restrict')
    note = fields.Text(readonly=True, help="For the colleagues; members do not see it.")
    state = fields.Selection(
        selection=[
            ('waiting', "To Approve"),
            ('done', "Done"),
            ('refused', "Refused"),
            ('cancelled', "Cancelled"),
        ],
        required=True,
        readonly=True,
        default='waiting',
        tracking=True,
    )
    user_id = fields.Many2one(
        'res.users',
        string="Requested by",
        required=True,
        readonly=True,
        index=True,
        default=lambda self: self.env.user,
    )
    approver_id = fields.Many2one('res.users', string="Decided by", readonly=True)
    decided_at = fields.Datetime(string="Decided on", readonly=True)
    line_ids = fields.One2many('loyalty.request.line', 'request_id', readonly=True)
    member_names = fields.Char(string="Member", compute='_compute_member_names')
    line_count = fields.Integer(string="Members", compute='_compute_totals', store=True)
    points = fields.Float(compute='_compute_totals', store=True, digits=POINT_DIGITS)
    can_decide = fields.Boolean(compute='_compute_can_decide')

    @api.depends('line_ids.points')
    def _compute_totals(self):
        for request in self:
            request.line_count = len(request.line_ids)
            request.points = sum(request.line_ids.mapped('points'))

    @api.depends('line_ids.card_id')
    def _compute_member_names(self):
        for request in self:
            cards = request.line_ids.card_id
            names = [card.partner_id.name or card.code for card in cards[:SHOWN_MEMBERS]]
            more = [f"+{len(cards) - SHOWN_MEMBERS}"] if len(cards) > SHOWN_MEMBERS else []
            request.member_names = ", ".join(names + more)

    @api.depends('operation', 'line_ids.card_id')
    @api.depends_context('lang')
    def _compute_display_name(self):
        names = dict(self._fields['operation']._description_selection(self.env))
        for request in self:
            request.display_name = f"{names.get(request.operation, '')} {request.id or ''}".strip()

    @api.depends('state', 'user_id')
    @api.depends_context('uid')
    def _compute_can_decide(self):
        is_approver = self.env.user.has_group(APPROVER_GROUP)
        for request in self:
            request.can_decide = (
                is_approver and request.state == 'waiting' and request.user_id != self.env.user
            )

    # ------------------------------------------------------------
    # MAKING
    # ------------------------------------------------------------

    @api.model
    def _submit(self, vals_list: list[dict]) -> LoyaltyRequest:
        """Make requests of the current user; those within the limits are done at once.

        :param vals_list: values with ``line_ids``; cards are checked with the user's rights
        :return: the requests (sudo)
        """
        requests = self.sudo().create([{**vals, 'user_id': self.env.uid} for vals in vals_list])
        for request in requests:
            request.with_env(self.env)._ensure_can_submit()
            request._ensure_enough()
            if request._needs_second_person():
                request._ask()
            else:
                request._do()
        return requests

    def _ensure_can_submit(self) -> None:
        """:raise UserError: a card cannot have its points moved so"""
        lines = self.sudo().line_ids
        cards = lines.card_id | lines.target_card_id
        cards.with_env(self.env).check_access('read')
        for card in cards:
            if not card.is_member or card.program_id != self.sudo().program_id:
                raise UserError(
                    self.env._(
                        "%(card)s is no card of a managed ledger of %(program)s.",
                        card=card.display_name,
                        program=self.sudo().program_id.name,
                    )
                )
        if not lines:
            raise UserError(self.env._("Choose at least one member."))

    def _ensure_enough(self) -> None:
        """Ask nobody for points that are not there; who decides looks again.

        :raise ValidationError: more would be taken from a card than is free
        """
        self.ensure_one()
        if self.operation == 'grant':
            return
        wanted = self._get_points_by_card()
        for card in self.line_ids.card_id:
            if wanted[card.id] > to_points(card.points_free):
                raise ValidationError(
                    self.env._(
                        "%(card)s has %(free)s to take or transfer, which is less than %(points)s.",
                        card=card.display_name,
                        free=card._format_points_text(card.points_free),
                        points=card._format_points_text(float(wanted[card.id])),
                    )
                )

    def _get_points_by_card(self) -> dict[int, Decimal]:
        """Return the points of the lines by card."""
        wanted: dict[int, Decimal] = {}
        for line in self.line_ids:
            wanted[line.card_id.id] = wanted.get(line.card_id.id, ZERO) + to_points(line.points)
        return wanted

    def _needs_second_person(self) -> bool:
        """Return whether a line is above what one person may move alone on a card in a day."""
        self.ensure_one()
        wanted: dict[int, Decimal] = {}
        for line in self.line_ids:
            for card in line.card_id | line.target_card_id:
                wanted[card.id] = wanted.get(card.id, ZERO) + to_points(line.points)
        return bool(self.env['loyalty.card'].browse(wanted)._get_over_limit(wanted))

    def _ask(self) -> None:
        """Tell those who may approve that something waits for them."""
        self.ensure_one()
        for user in self._get_approvers():
            self.activity_schedule(ACTIVITY, user_id=user.id, note=self.note or False)

    def _get_approvers(self) -> models.BaseModel:
        """Return the users who are asked: whoever answers for the ledger, else all who may."""
        users = self.env.ref(APPROVER_GROUP).all_user_ids.filtered('active') - self.user_id
        users -= self.env.ref('base.user_root')
        if self.company_id:
            users = users.filtered(lambda user: self.company_id in user.company_ids)
        return self.program_id.ledger_user_id & users or users

    # ------------------------------------------------------------
    # DOING
    # ------------------------------------------------------------

    def _do(self) -> None:
        """Move the points."""
        self.ensure_one()
        lines = self.line_ids
        if self.operation == 'take':
            self.env['loyalty.card']._ensure_free(self._get_points_by_card())
        movements = [movement for line in lines for movement in line._prepare_movements()]
        self.env['loyalty.card']._post(movements)
        self.state = 'done'

    def action_approve(self) -> bool:
        """Let requests of others come true."""
        requests = self._begin_decision()
        for request in requests:
            request.approver_id = self.env.user
            request.decided_at = fields.Datetime.now()
            request._do()
        requests._close_activities()
        return True

    def action_refuse(self) -> bool:
        """Let requests of others come to nothing."""
        requests = self._begin_decision()
        requests.write(
            {
                'state': 'refused',
                'approver_id': self.env.uid,
                'decided_at': fields.Datetime.now(),
            }
        )
        requests._close_activities()
        return True

    def action_cancel(self) -> bool:
        """Take back one's own requests nobody has decided on."""
        self.check_access('read')
        if any(request.user_id != self.env.user for request in self):
            raise AccessError(self.env._("Only who made a request may cancel it."))
        self._ensure_waiting()
        self.sudo().state = 'cancelled'
        self.sudo()._close_activities()
        return True

    def _begin_decision(self) -> LoyaltyRequest:
        """Look whether the user may decide, and lock the cards; return the requests (sudo)."""
        self.check_access('read')
        if not self.env.user.has_group(APPROVER_GROUP):
            raise AccessError(self.env._("You may not approve points requests."))
        if any(request.user_id == self.env.user for request in self):
            raise AccessError(self.env._("Nobody approves his own request."))
        lines = self.sudo().line_ids
        (lines.card_id | lines.target_card_id)._lock_fresh()
        self._ensure_waiting()
        return self.sudo()

    def _ensure_waiting(self) -> None:
        """:raise UserError: somebody has decided already"""
        if any(request.state != 'waiting' for request in self):
            raise UserError(self.env._("This request is decided already."))

    def _close_activities(self) -> None:
        self.activity_unlink([ACTIVITY])

    def _get_result_action(self) -> dict:
        """Return what to show after requests were made."""
        action = self.env['ir.actions.act_window']._for_xml_id('crm_loyalty.loyalty_request_action')
        action['context'] = {}
        action['domain'] = [('id', 'in', self.ids)]
        if len(self) == 1:
            action.update(res_id=self.id, view_mode='form', views=[(False, 'form')])
        return action


class LoyaltyRequestLine(models.Model):
    """One member of a request."""

    _name = 'loyalty.request.line'
    _inherit = ['crm.keyed.mixin']
    _description = 'Points Request of a Member'
    _order = 'id'
    _rec_name = 'card_id'

    request_id = fields.Many2one(
        'loyalty.request', required=True, readonly=True, index=True, ondelete='cascade'
    )
    card_id = fields.Many2one(
        'loyalty.card', required=True, readonly=True, index=True, ondelete='cascade'
    )
    partner_id = fields.Many2one(related='card_id.partner_id', string="Member")
    target_card_id = fields.Many2one(
        'loyalty.card',
        string="Receiving Card",
        readonly=True,
        index='btree_not_null',
        ondelete='cascade',
    )
    points = fields.Float(digits=POINT_DIGITS, required=True, readonly=True)
    reference = fields.Char(readonly=True, help="What the file this came from calls it.")
    state = fields.Selection(related='request_id.state')
    program_id = fields.Many2one(related='request_id.program_id')
    company_id = fields.Many2one(related='request_id.company_id')

    _points_positive = models.Constraint('CHECK (points > 0)', "Move more than no points.")
    _points_limited = models.Constraint(
        'CHECK (points < 1000000000000)', "These are too many points."
    )

    @api.constrains('card_id', 'target_card_id')
    def _check_target(self):
        for line in self:
            if line.card_id == line.target_card_id:
                raise ValidationError(self.env._("Choose another member to transfer points to."))

    def _prepare_movements(self) -> Iterator[Movement]:
        """Yield the rows of the ledger of this line."""
        self.ensure_one()
        qty = to_points(self.points)
        if self.request_id.operation == 'grant':
            yield self._prepare_movement(self.card_id, qty, 'grant')
        elif self.request_id.operation == 'take':
            yield self._prepare_movement(self.card_id, -qty, 'adjust')
        else:
            for index, (award_id, expire_on, part) in enumerate(self._split_transfer(qty)):
                yield self._prepare_movement(
                    self.card_id, -part, 'transfer', f'out:{index}', award_id=award_id
                )
                yield self._prepare_movement(
                    self.target_card_id, part, 'transfer', f'in:{index}', expire_on=expire_on
                )

    def _prepare_movement(self, card, qty: Decimal, kind: str, side: str = '', **values):
        request = self.request_id
        return Movement(
            card.id,
            qty,
            kind,
            request.reason_id.name or '',
            key=f'request:{self.id}:{side}',
            order_model=request._name,
            order_id=request.id,
            origin=request.display_name,
            **values,
        )

    def _split_transfer(self, qty: Decimal) -> Iterator[tuple]:
        """Yield award, last day and points: what is transferred expires when it would have.

        Those that expire first go first, as when points are redeemed.
        """
        for award_id, expire_on, remaining in self.env.execute_query(
            SQL(
                """SELECT id, expire_on, remaining FROM loyalty_history
                    WHERE card_id = %s AND remaining > 0
                      AND (expire_on IS NULL OR expire_on >= %s)
                 ORDER BY expire_on NULLS LAST, id""",
                self.card_id.id,
                self.card_id.program_id._get_local_day(),
            )
        ):
            part = min(qty, to_points(remaining))
            if part:
                yield award_id, expire_on, part
            qty -= part
        if qty > 0:
            yield None, None, qty
