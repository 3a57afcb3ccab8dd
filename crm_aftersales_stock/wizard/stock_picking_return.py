from odoo import models


class StockReturnPicking(models.TransientModel):
    """*Return for Exchange*: return and delivery know of each other."""

    _inherit = 'stock.return.picking'

    def action_create_exchanges(self):
        action = super().action_create_exchanges()
        for move in self.env['stock.picking'].browse(action['res_id']).move_ids:
            if move.aftersales_exchange_ids:
                move.aftersales_exchange_of_id = move
        return action

    def _get_proc_values(self, line):
        # the return has just been made
        returned = line.move_id.returned_move_ids.sorted('id')[-1:]
        return {**super()._get_proc_values(line), 'aftersales_exchange_of_id': returned.id}
