from __future__ import annotations

from odoo import api, models


class LoyaltyCard(models.Model):
    """A member card is called by its member, and found by him."""

    _inherit = 'loyalty.card'
    _rec_names_search = ['code', 'partner_id']

    @api.depends('partner_id.name', 'is_member')
    def _compute_display_name(self):
        res = super()._compute_display_name()
        for card in self.filtered(lambda c: c.is_member and c.partner_id):
            # whoever may read the card knows whose it is
            card.display_name = f"{card.sudo().partner_id.name}, {card.sudo().program_id.name}"
        return res
