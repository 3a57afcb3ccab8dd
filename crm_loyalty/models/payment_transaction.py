from odoo import api, models


class PaymentTransaction(models.Model):
    """Points of an order are held while it is being paid, as in a web shop."""

    _inherit = 'payment.transaction'

    @api.model_create_multi
    def create(self, vals_list):
        transactions = super().create(vals_list)
        transactions._sync_order_holds()
        return transactions

    def write(self, vals):
        res = super().write(vals)
        if 'state' in vals:
            self._sync_order_holds()
        return res

    def _sync_order_holds(self) -> None:
        self.sudo().sale_order_ids._sync_holds(renew=True)
