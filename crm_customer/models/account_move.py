from odoo import models
from odoo.tools import format_amount

from ..timeline import TimelineText


class AccountMove(models.Model):
    _inherit = 'account.move'

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these invoices and credit notes."""
        types = dict(self._fields['move_type']._description_selection(self.env))
        payment_states = dict(self._fields['payment_state']._description_selection(self.env))
        return {
            move.id: TimelineText(
                title=f'{types[move.move_type]} {move.name or ""}'.strip(),
                body=format_amount(self.env, move.amount_total, move.currency_id),
                state=payment_states.get(move.payment_state, ''),
            )
            for move in self
        }
