from odoo import models


class AccountPayment(models.Model):
    """Payments without an entry of their own: nothing is reconciled, they only have a state."""

    _inherit = 'account.payment'

    def write(self, vals):
        res = super().write(vals)
        if not {'state', 'invoice_ids'}.isdisjoint(vals):
            self.filtered(lambda payment: not payment.move_id).invoice_ids._loyalty_true_up()
        return res
