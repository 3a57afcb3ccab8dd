from odoo import models


class StockMove(models.Model):
    _inherit = 'stock.move'

    def _action_done(self, cancel_backorder=False):
        done = super()._action_done(cancel_backorder=cancel_backorder)
        # warehouse staff needs no rights on orders
        done.sudo().sale_line_id.order_id._loyalty_true_up()
        return done
