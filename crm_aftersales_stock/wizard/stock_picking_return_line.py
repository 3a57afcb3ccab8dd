from odoo import models


class StockReturnPickingLine(models.TransientModel):
    """What was given in exchange comes back as any other piece."""

    _inherit = 'stock.return.picking.line'

    def _prepare_move_default_values(self, new_picking):
        # the return is a copy of the delivery
        vals = super()._prepare_move_default_values(new_picking)
        return {**vals, 'aftersales_exchange_of_id': False}
