from odoo import models


class AccountMove(models.Model):
    """Invoices date the products they are about."""

    _inherit = 'account.move'

    def _post(self, soft=True):
        posted = super()._post(soft)
        invoices = posted.filtered(lambda move: move.move_type == 'out_invoice')
        # accountants need no rights on customers' products
        invoices.sudo().invoice_line_ids.sale_line_ids._date_units_by_invoice()
        return posted
