from odoo import models


class StockReturnPicking(models.TransientModel):
    """*Return for Exchange*: the delivery knows for which return it is."""

    _inherit = 'stock.return.picking'

    def _get_proc_values(self, line):
        # the return has just been made
        returned = line.move_id.returned_move_ids.sorted('id')[-1:]
        return {**super()._get_proc_values(line), 'aftersales_exchange_of_id': returned.id}
