import logging

from odoo import api, models
from odoo.exceptions import UserError

_logger = logging.getLogger(__name__)


class PaymentTransaction(models.Model):
    """Points of an order are held while it is being paid, as in a web shop."""

    _inherit = 'payment.transaction'

    @api.model_create_multi
    def create(self, vals_list):
        transactions = super().create(vals_list)
        transactions.sudo().sale_order_ids._begin_paying()
        return transactions

    def write(self, vals):
        res = super().write(vals)
        if 'state' in vals:
            self._keep_order_holds()
        return res

    def _keep_order_holds(self) -> None:
        """Hold points for as long as a payment is under way.

        What a provider says of a payment is true whether or not the points are there; what follows
        from it is decided when the payment is processed.
        """
        for order in self.sudo().sale_order_ids:
            try:
                with self.env.cr.savepoint():
                    order._sync_holds(renew=True)
            except UserError as error:
                _logger.info("Points for %s cannot be held any more: %s", order.name, error)

    def _post_process(self):
        """Confirm orders as they can be had now: who has paid is not sent away with an error."""
        paying = self.filtered(lambda tx: tx.state in ('pending', 'authorized', 'done'))
        paying.sale_order_ids._drop_uncovered_rewards()._tell_rewards_dropped()
        return super()._post_process()
