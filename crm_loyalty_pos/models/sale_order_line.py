from odoo import models

from .pos_order import PAID_STATES


class SaleOrderLine(models.Model):
    """Sales orders that were paid, and brought back, at a till."""

    _inherit = 'sale.order.line'

    def _get_settling_lines(self):
        """Return the till lines that these were paid by (sudo)."""
        if 'pos_order_line_ids' not in self._fields:
            return self.env['pos.order.line'].sudo()
        return self.sudo().pos_order_line_ids.filtered(
            lambda line: line.order_id.state in PAID_STATES
        )

    def _get_returned_quantities(self):
        """Add what was refunded at the till."""
        returned = super()._get_returned_quantities()
        for sold, lines in self._get_settling_lines().grouped('sale_order_line_id').items():
            back = sum(
                line.product_id.uom_id._compute_quantity(
                    float(line._get_refunded_qty()), sold.product_uom_id, rounding_method='HALF-UP'
                )
                for line in lines
            )
            returned[sold.id] = max(returned.get(sold.id, 0), back)
        return returned

    def _read_invoiced(self):
        """Add what was paid at the till without an invoice of the order."""
        return super()._read_invoiced() + [
            {
                'line_id': line.sale_order_line_id.id,
                **dict.fromkeys(('credited_incl', 'credited_excl', 'credited_qty'), 0),
                **dict.fromkeys(('invoiced_incl', 'paid_incl'), line.price_subtotal_incl),
                **dict.fromkeys(('invoiced_excl', 'paid_excl'), line.price_subtotal),
                **dict.fromkeys(('invoiced_qty', 'paid_qty'), line.qty),
            }
            for line in self._get_settling_lines()
            if not line.order_id.account_move
        ]
