from odoo import models


class SaleOrder(models.Model):
    """Extended warranties follow what becomes of the order."""

    _inherit = 'sale.order'

    def _action_confirm(self):
        result = super()._action_confirm()
        self.order_line._settle_extended_warranties()
        return result

    def _action_cancel(self):
        result = super()._action_cancel()
        self.order_line._settle_extended_warranties()
        return result

    def _aftersales_units_created_hook(self, units):
        result = super()._aftersales_units_created_hook(units)
        self.order_line._settle_extended_warranties()
        return result
