from __future__ import annotations

from collections.abc import Iterable

from odoo import api, fields, models


class LoyaltyHistory(models.Model):
    """What a movement is called, for whoever reads it."""

    _inherit = 'loyalty.history'

    text = fields.Char(
        string="Movement",
        compute='_compute_text',
        help="The description; of orders in the language of the reader, not of who confirmed them.",
    )

    @api.depends('description', 'origin', 'order_model')
    @api.depends_context('lang')
    def _compute_text(self):
        orders = self._get_order_texts(row.origin for row in self if row.order_model)
        for row in self:
            row.text = orders.get(row.description, row.description)

    @api.model
    def _get_order_texts(self, names: Iterable[str | None]) -> dict[str, str]:
        """Return the texts of rows of orders, by the text in any installed language.

        :param names: of the orders
        """
        origins = {name for name in names if name}
        if not origins:
            return {}
        languages = [code for code, _name in self.env['res.lang'].get_installed()]
        written = {self.with_context(lang=code).env._("Order %s") for code in languages}
        read = self.env._("Order %s")
        return {text % origin: read % origin for origin in origins for text in written}
