from odoo import models


class SaleOrder(models.Model):
    _inherit = 'sale.order'

    def _get_units_to_withdraw(self):
        """What was delivered stays with the customer until it comes back."""
        return super()._get_units_to_withdraw().filtered(lambda unit: not unit.stock_move_id)
