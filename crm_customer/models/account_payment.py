from odoo import models
from odoo.tools import format_amount

from ..timeline import TimelineText


class AccountPayment(models.Model):
    _inherit = 'account.payment'

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these payments."""
        states = dict(self._fields['state']._description_selection(self.env))
        types = {
            'inbound': self.env._("Payment received"),
            'outbound': self.env._("Payment sent"),
        }
        return {
            payment.id: TimelineText(
                title=f'{types[payment.payment_type]} {payment.name or ""}'.strip(),
                body=format_amount(self.env, payment.amount, payment.currency_id),
                state=states.get(payment.state, ''),
            )
            for payment in self
        }
