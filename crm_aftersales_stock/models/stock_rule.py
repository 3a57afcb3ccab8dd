from odoo import models


class StockRule(models.Model):
    """Deliveries in exchange remember for what, through all steps of the warehouse."""

    _inherit = 'stock.rule'

    def _get_custom_move_fields(self):
        return [*super()._get_custom_move_fields(), 'aftersales_exchange_of_id']

    def _push_prepare_move_copy_values(self, move_to_copy, new_date):
        vals = super()._push_prepare_move_copy_values(move_to_copy, new_date)
        return {**vals, 'aftersales_exchange_of_id': move_to_copy.aftersales_exchange_of_id.id}
