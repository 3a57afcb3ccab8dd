from odoo import fields, models
from odoo.fields import Domain

from odoo.addons.crm_aftersales_stock.models.unit_pool import UnitPool


class StockPicking(models.Model):
    _inherit = 'stock.picking'

    def _action_done(self):
        res = super()._action_done()
        # warehouse staff needs no rights on customers' products
        self.sudo()._hand_over_till_units()
        return res

    def _hand_over_till_units(self) -> None:
        """Let what a till sold to be shipped later count as delivered when it is shipped."""
        for picking in self.filtered(lambda picking: picking.pos_order_id.shipping_date):
            moves = picking.move_ids.filtered(
                lambda move: move.state == 'done' and move.location_dest_id._is_outgoing()
            )
            for move in moves:
                picking._hand_over_till_units_of(move)

    def _hand_over_till_units_of(self, move) -> None:
        """Hand over the pieces of one move of a till order that was shipped later."""
        self.ensure_one()
        waiting = self.env['aftersales.unit'].search(
            Domain('pos_order_id', '=', self.pos_order_id.id)
            & Domain('product_id', '=', move.product_id.id)
            & Domain('state', '=', 'draft')
        )
        pool = UnitPool(waiting)
        moment = self.date_signed or self.date_done or fields.Datetime.now()
        for lot in move._get_piece_lots():
            unit = pool.take(lot)
            if unit:
                unit.write(
                    {
                        'state': 'active',
                        'date_delivered': unit.pos_order_line_id._get_customer_day(moment),
                        'stock_move_id': move.id,
                        'lot_id': lot.id or unit.lot_id.id,
                    }
                )
