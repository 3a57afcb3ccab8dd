from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import UserError

#: movements shown in the dialog
SHOWN_ROWS = 200


class LoyaltyStatement(models.TransientModel):
    """The statement of a card on the screen of the staff, as the member sees it."""

    _name = 'loyalty.statement'
    _description = 'Statement of Points'
    _transient_max_hours = 1

    card_id = fields.Many2one(
        'loyalty.card', required=True, readonly=True, index=True, ondelete='cascade'
    )
    as_of = fields.Date(
        string="As Counted on",
        help="What the books said at the end of that day; movements entered later are left out.",
    )
    date_from = fields.Date(string="First Day")
    date_to = fields.Date(string="Last Day")
    body = fields.Html(compute='_compute_body', sanitize=False)

    @api.depends('card_id', 'as_of', 'date_from', 'date_to')
    def _compute_body(self):
        for statement in self:
            card = statement.card_id
            page = card._get_statement_page(limit=SHOWN_ROWS, **statement._get_days())
            statement.body = self.env['ir.qweb']._render('crm_loyalty.statement_dialog', page)

    def _get_days(self) -> dict:
        """Return the days chosen.

        :raise UserError: the first one is after the last
        """
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise UserError(self.env._("The first day is after the last one."))
        return {name: self[name] or None for name in ('as_of', 'date_from', 'date_to')}

    def action_print(self) -> dict:
        """Print what is shown."""
        self.ensure_one()
        return self.card_id._print_statement(**self._get_days())
