from odoo import api, models
from odoo.tools import SQL


class LoyaltyCard(models.Model):
    _inherit = 'loyalty.card'

    @api.model
    def _get_point_models(self) -> list:
        return [*super()._get_point_models(), self.env['pos.order.loyalty.points']]

    def _repoint_orders(self, merged) -> None:
        """Let till orders be refunded to the card that is left, too."""
        res = super()._repoint_orders(merged)
        self.env.cr.execute(
            SQL(
                """UPDATE pos_order_loyalty_points points SET coupon_id = %(survivor)s
                    WHERE coupon_id IN %(merged)s
                      AND NOT EXISTS (SELECT FROM pos_order_loyalty_points other
                                       WHERE other.order_id = points.order_id
                                         AND other.coupon_id = %(survivor)s)""",
                survivor=self.id,
                merged=tuple(merged.ids),
            )
        )
        self.env['pos.order.loyalty.points'].invalidate_model(['coupon_id'], flush=False)
        lines = self.env['pos.order.line'].sudo().search([('coupon_id', 'in', merged.ids)])
        lines._settling().coupon_id = self
        return res
