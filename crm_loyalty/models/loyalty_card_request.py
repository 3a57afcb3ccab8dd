from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..ledger import ZERO, to_points
from .loyalty_card import IGNORED
from .loyalty_program import POINT_DIGITS

#: kinds that somebody moves by hand
MANUAL_KINDS = ('grant', 'adjust', 'transfer')


class LoyaltyProgram(models.Model):
    _inherit = 'loyalty.program'

    needs_second_person = fields.Boolean(
        string="Second Person Approves",
        help="Points moved by hand above the limit wait until somebody else approves.",
    )
    manual_limit = fields.Float(
        string="Limit of Points by Hand",
        digits=POINT_DIGITS,
        help="What one person may move on one card within a day without asking.",
    )

    _manual_limit_positive = models.Constraint(
        'CHECK (manual_limit >= 0)', "A limit of points is not negative."
    )

    def _is_over_limit(self, points: Decimal) -> bool:
        """Return whether a second person must approve so many points."""
        self.ensure_one()
        return self.needs_second_person and points > to_points(self.manual_limit)


class LoyaltyCard(models.Model):
    """Nobody moves more points by hand than his program lets him, on whichever way."""

    _inherit = 'loyalty.card'

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            self._ensure_can_open(vals_list)
        return super().create(vals_list)

    @api.model
    def _ensure_can_open(self, vals_list: list[dict]) -> None:
        """:raise UserError: a new card has more points than one person may give"""
        default_program = self.env.context.get('default_program_id')
        for vals in vals_list:
            program_id = vals.get('program_id') or default_program
            program = self.env['loyalty.program'].sudo().browse(program_id or [])
            points = abs(to_points(vals.get('points')))
            if program.managed and program._is_over_limit(points):
                raise UserError(self._get_over_limit_text(program))

    def _post_balance(self, movements):
        if not self.env.su and self.env.context.get('loyalty_core_ignored') is not IGNORED:
            wanted = {row.card_id: abs(row.qty) for row in movements}
            if over := self.sudo()._get_over_limit(wanted):
                raise UserError(self._get_over_limit_text(over.program_id[:1]))
        return super()._post_balance(movements)

    def _get_over_limit(self, wanted: dict[int, Decimal]) -> LoyaltyCard:
        """Return the cards on which the user would move more by hand than he may alone.

        :param wanted: points by card, whatever their direction
        """
        limited = self.filtered(lambda card: card.program_id.needs_second_person)
        moved = limited._get_moved_by_hand()
        return limited.filtered(
            lambda card: card.program_id._is_over_limit(wanted[card.id] + moved.get(card.id, ZERO))
        )

    def _get_moved_by_hand(self) -> dict[int, Decimal]:
        """Return the points the user moved on these cards since yesterday without being asked."""
        if not self.ids:
            return {}
        rows = self.env.execute_query(
            SQL(
                """SELECT row.card_id, sum(abs(row.qty)) FROM loyalty_history row
                LEFT JOIN loyalty_request request
                       ON row.order_model = 'loyalty.request' AND request.id = row.order_id
                    WHERE row.card_id IN %s AND row.kind IN %s AND row.create_uid = %s
                      AND row.posted_at > %s AND request.approver_id IS NULL
                 GROUP BY row.card_id""",
                tuple(self.ids),
                MANUAL_KINDS,
                self.env.uid,
                fields.Datetime.now() - timedelta(days=1),
            )
        )
        return {card_id: to_points(qty) for card_id, qty in rows}

    @api.model
    def _get_over_limit_text(self, program) -> str:
        return self.env._(
            "More than %(limit)s points by hand need a second person's approval in %(program)s: "
            "ask for it with “Move Points”.",
            limit=program.manual_limit,
            program=program.name,
        )

    def action_move_points(self) -> dict:
        """Ask how to move points of these cards."""
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_loyalty.loyalty_request_create_action'
        )
        action['context'] = {'default_card_ids': self.ids}
        return action
