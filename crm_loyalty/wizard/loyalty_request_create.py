from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import float_compare

from ..ledger import to_points


class LoyaltyRequestCreate(models.TransientModel):
    """Give, take or transfer points of one card or of many."""

    _name = 'loyalty.request.create'
    _description = 'Move Points'

    card_ids = fields.Many2many(
        'loyalty.card', string="Cards", required=True, default=lambda self: self._default_cards()
    )
    card_count = fields.Integer(compute='_compute_cards')
    program_id = fields.Many2one('loyalty.program', compute='_compute_cards')
    operation = fields.Selection(
        string="Kind",
        selection=[('grant', "Grant"), ('take', "Take"), ('transfer', "Transfer to a Member")],
        required=True,
        default='grant',
    )
    points = fields.Float(string="Points per Card", digits=(16, 2), required=True)
    target_card_id = fields.Many2one(
        'loyalty.card',
        string="Receiving Card",
        domain="[('program_id', '=', program_id), ('is_member', '=', True),"
        " ('id', 'not in', card_ids)]",
    )
    reason_id = fields.Many2one('loyalty.request.reason', required=True)
    note = fields.Text(string="Internal Note")
    needs_approval = fields.Boolean(compute='_compute_needs_approval')

    @api.model
    def _default_cards(self):
        is_card = self.env.context.get('active_model') == 'loyalty.card'
        ids = self.env.context.get('active_ids', []) if is_card else []
        return self.env['loyalty.card'].browse(ids)

    @api.depends('card_ids')
    def _compute_cards(self):
        for wizard in self:
            wizard.card_count = len(wizard.card_ids)
            programs = wizard.card_ids.program_id
            wizard.program_id = programs if len(programs) == 1 else False

    @api.depends('card_ids', 'points', 'operation', 'target_card_id')
    def _compute_needs_approval(self):
        for wizard in self:
            cards = (wizard.card_ids | wizard.target_card_id)._origin.sudo()
            wanted = dict.fromkeys(cards.ids, abs(to_points(wizard.points)))
            wizard.needs_approval = bool(cards._get_over_limit(wanted))

    def action_confirm(self) -> dict:
        """Move the points, or ask a second person."""
        self.ensure_one()
        # nothing was written yet: what is taken is looked at as it is now
        if self.operation != 'grant':
            (self.card_ids | self.target_card_id).sudo()._lock_fresh()
        self._ensure_complete()
        request = self.env['loyalty.request']._submit([self._prepare_request_vals()])
        return request.with_env(self.env)._get_result_action()

    def _ensure_complete(self) -> None:
        """:raise UserError: something is missing"""
        if not self.card_ids:
            raise UserError(self.env._("Choose at least one member."))
        if len(self.card_ids.program_id) > 1:
            raise UserError(self.env._("Choose members of one program."))
        if float_compare(self.points, 0, precision_digits=2) <= 0:
            raise UserError(self.env._("Move more than no points."))
        if self.operation == 'transfer' and (len(self.card_ids) > 1 or not self.target_card_id):
            raise UserError(self.env._("Transfer from one member to one other."))

    def _prepare_request_vals(self) -> dict:
        target = (
            self.target_card_id if self.operation == 'transfer' else self.target_card_id.browse()
        )
        return {
            'program_id': self.card_ids.program_id.id,
            'operation': self.operation,
            'reason_id': self.reason_id.id,
            'note': self.note,
            'line_ids': [
                Command.create(
                    {'card_id': card.id, 'target_card_id': target.id, 'points': self.points}
                )
                for card in self.card_ids
            ],
        }
