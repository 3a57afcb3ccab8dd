from odoo import models


class SaleOrderLine(models.Model):
    """Pieces that are delivered by transfers are registered by them."""

    _inherit = 'sale.order.line'

    def _prepare_missing_units_vals(self):
        """Register what was delivered before with its serial numbers, then what is to come."""
        self.move_ids._register_units()
        return super()._prepare_missing_units_vals()

    def _get_unit_delivery_date(self):
        """Pieces that are not registered by their delivery are still to be delivered."""
        if self.move_ids.filtered(lambda move: move.state != 'cancel'):
            return False
        return super()._get_unit_delivery_date()
