from __future__ import annotations

from collections.abc import Iterable

from odoo import api, fields, models


class LoyaltyHistory(models.Model):
    """What a movement is called, for whoever reads it."""

    _inherit = 'loyalty.history'

    text = fields.Char(
        string="Movement",
        compute='_compute_text',
        help="The description; what nobody typed in is in the language of the reader.",
    )

    @api.depends('description', 'origin', 'order_model')
    @api.depends_context('lang')
    def _compute_text(self):
        texts = self._get_read_texts(row.origin for row in self if row.order_model)
        for row in self:
            row.text = texts.get(row.description, row.description)

    @api.model
    def _get_read_texts(self, names: Iterable[str | None]) -> dict[str, str]:
        """Return what the ledger itself writes, by the text in any installed language.

        :param names: of orders
        """
        origins = {name for name in names if name}
        read = self._get_own_texts(origins)
        languages = [code for code, _name in self.env['res.lang'].get_installed()]
        texts: dict[str, str] = {}
        for code in languages:
            written = self.with_context(lang=code)._get_own_texts(origins)
            texts |= dict(zip(written, read, strict=True))
        return texts

    @api.model
    def _get_own_texts(self, names: Iterable[str]) -> list[str]:
        """Return the texts of movements that nobody typed in, always in the same order.

        :param names: of orders
        """
        kinds = self._fields['kind']._description_selection(self.env)
        return [
            *(name for _kind, name in kinds),
            self.env._("Contacts merged"),
            self.env._("Had expired before they were taken back"),
            self.env._("Had been redeemed before they expired"),
            self.env._("Opening balance"),
            *(self.env._("Order %s", name) for name in names),
        ]
