from __future__ import annotations

from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..ledger import to_points
from ..models.loyalty_card_ledger import FOLD_SIZE, Movement


class LoyaltyProofRepair(models.TransientModel):
    """Repair of books that do not agree: it posts, and changes no row."""

    _name = 'loyalty.proof.repair'
    _description = 'Repair of a Points Ledger'

    proof_id = fields.Many2one('loyalty.proof', required=True, readonly=True, ondelete='cascade')
    program_id = fields.Many2one(related='proof_id.program_id')
    verdict = fields.Text(related='proof_id.verdict')
    broken_count = fields.Integer(related='proof_id.broken_count')
    truth = fields.Selection(
        selection=[
            ('ledger', "The rows are right: balances go back to them"),
            ('balance', "The balances are right: a row makes up for the difference"),
        ],
        string="What Is Right",
        required=True,
        default='ledger',
    )
    accept_seals = fields.Boolean(
        string="Accept Broken Seals",
        help="The rows stay as they are now and are told apart from then on. Do so only when you "
        "know what happened.",
    )
    reason = fields.Char(required=True)

    def action_repair(self) -> dict:
        """Post what makes the books agree, and check them again."""
        self.ensure_one()
        self.proof_id._ensure_can_repair()
        if not (self.reason or '').strip():
            raise UserError(self.env._("Say why."))
        program = self.program_id.sudo()
        cards = self._get_wrong_cards()
        for start in range(0, len(cards), FOLD_SIZE):
            self._repair_cards(cards[start : start + FOLD_SIZE])
        if self.accept_seals:
            self._accept_seals()
        self.proof_id.sudo().message_post(
            body=self.env._(
                "Repaired: %(count)s cards. %(reason)s", count=len(cards), reason=self.reason
            ),
            author_id=self.env.user.partner_id.id,
        )
        return program._enqueue_proof() and program.action_view_proofs()

    def _get_wrong_cards(self):
        """Return the cards that differ now, which may be others than those found."""
        self.env.flush_all()
        gaps = self.env['loyalty.proof']._get_allocation_gaps_sql(self.program_id)
        rows = self.env.execute_query(
            SQL(
                """SELECT card.id FROM loyalty_card card
                LEFT JOIN loyalty_history row ON row.card_id = card.id
                    WHERE card.program_id = %s AND card.is_member
                 GROUP BY card.id
                   HAVING round(COALESCE(card.points, 0)::numeric, 2)
                              <> COALESCE(sum(qty) FILTER (WHERE unfolded IS NOT TRUE), 0)
                       OR COALESCE(sum(qty) FILTER (WHERE unfolded IS NOT TRUE), 0)
                              <> COALESCE(sum(remaining), 0)
                 UNION SELECT card_id FROM (%s) gap ORDER BY 1""",
                self.program_id.id,
                gaps,
            )
        )
        return self.env['loyalty.card'].sudo().browse(card_id for (card_id,) in rows)

    def _repair_cards(self, cards) -> None:
        """Let what remains follow from the journal, then rows and balances agree by posting."""
        self.env['loyalty.proof']._correct_remaining(self.program_id, cards)
        description = self.env._("Repair: %s", self.reason)
        row_ids = cards._settle_ledger('adjust', description)
        if self.truth == 'ledger':
            rows = self.env['loyalty.history'].sudo().browse(row_ids)
            self.env['loyalty.card'].sudo()._post(
                Movement(
                    row.card_id.id,
                    -to_points(row.qty),
                    'adjust',
                    description,
                    key=f'repair:{row.id}',
                )
                for row in rows
            )

    def _accept_seals(self) -> None:
        """Note what the rows of broken seals give now, and who said that this is all right."""
        self.proof_id.sudo().finding_ids.seal_id._accept_rows(self.reason)
