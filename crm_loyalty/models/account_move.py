from odoo import models

#: value of the context key loyalty_by_invoice; an object, which no client can send
BY_INVOICE = object()


class AccountMove(models.Model):
    """Invoices and credit notes change what orders give."""

    _inherit = 'account.move'

    def _post(self, soft=True):
        posted = super()._post(soft)
        posted._loyalty_true_up()
        return posted

    def button_draft(self):
        res = super().button_draft()
        self._loyalty_true_up()
        return res

    def _invoice_paid_hook(self):
        res = super()._invoice_paid_hook()
        self._loyalty_true_up()
        return res

    def write(self, vals):
        res = super().write(vals)
        if 'matched_payment_ids' in vals:
            # payments without an entry of their own
            self._loyalty_true_up()
        return res

    def _loyalty_true_up(self) -> None:
        """Let the points of the orders follow these invoices, whoever posts them."""
        invoices = self.filtered(lambda move: move.is_sale_document(include_receipts=True))
        # accountants need no rights on orders
        orders = invoices.sudo().line_ids.sale_line_ids.order_id
        orders.with_context(loyalty_by_invoice=BY_INVOICE)._loyalty_true_up()
