from odoo import models


class AccountMove(models.Model):
    """Who is charged for the order of a cancelled request: that is decided then."""

    _inherit = 'account.move'

    def _post(self, soft=True):
        posted = super()._post(soft)
        orders = posted.sudo().invoice_line_ids.sale_line_ids.order_id
        for order in orders.filtered(lambda order: order.invoice_status == 'invoiced'):
            if order.aftersales_request_id.state == 'cancelled':
                order.aftersales_request_id._settle_decisions(order)
        return posted
