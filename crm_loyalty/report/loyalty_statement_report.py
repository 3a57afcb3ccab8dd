from __future__ import annotations

from odoo import api, models

#: movements of a printed statement; what is older stands as one sum
PRINTED_ROWS = 1000


class LoyaltyStatementReport(models.AbstractModel):
    """The statement on paper, in the language of the member."""

    _name = 'report.crm_loyalty.report_statement'
    _description = 'Statement of Points'

    @api.model
    def _get_report_values(self, docids, data=None):
        data = data or {}
        cards = self.env['loyalty.card'].browse(docids or data.get('card_ids', []))
        cards._ensure_can_read_statement()
        wanted = {name: data.get(name) or None for name in ('as_of', 'date_from', 'date_to')}
        return {
            'doc_ids': cards.ids,
            'doc_model': 'loyalty.card',
            'docs': cards.sudo(),
            'pages': {card.id: self._get_printed_page(card, wanted) for card in cards},
        }

    @api.model
    def _get_printed_page(self, card, wanted: dict) -> dict:
        """Return what is printed of a card.

        :param wanted: days of :meth:`get_statement <loyalty.card.get_statement>`
        """
        lang = card.sudo().partner_id.lang or self.env.lang
        return card.with_context(lang=lang)._get_statement_page(limit=PRINTED_ROWS, **wanted)
