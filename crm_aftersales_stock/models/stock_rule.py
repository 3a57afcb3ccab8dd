from odoo import models


class StockRule(models.Model):
    """Deliveries in exchange remember for what, through all steps of the warehouse."""

    _inherit = 'stock.rule'

    def _get_custom_move_fields(self):
        return [*super()._get_custom_move_fields(), 'aftersales_exchange_of_id']
