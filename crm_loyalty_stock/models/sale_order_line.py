from odoo import models


class SaleOrderLine(models.Model):
    _inherit = 'sale.order.line'

    def _get_returned_quantities(self):
        """Add what came back to be refunded, less what was sent again instead."""
        returned = super()._get_returned_quantities()
        moves = self.env['stock.move'].search(
            [
                ('sale_line_id', 'in', self.ids),
                ('state', '=', 'done'),
                ('origin_returned_move_id', '!=', False),
                ('to_refund', '=', True),
            ]
        )
        for move in moves:
            line = move.sale_line_id
            quantity = move.product_uom._compute_quantity(
                move.quantity, line.product_uom_id, rounding_method='HALF-UP'
            )
            if move.location_dest_id._is_outgoing():
                quantity = -quantity
            returned[line.id] = returned.get(line.id, 0) + quantity
        return {line_id: max(quantity, 0) for line_id, quantity in returned.items()}
