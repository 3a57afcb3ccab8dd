from odoo import models


class SaleOrderLine(models.Model):
    _inherit = 'sale.order.line'

    def _has_aftersales_units(self):
        """Parts of repairs are in the products they were put into."""
        return super()._has_aftersales_units() and not self.move_ids.repair_id
