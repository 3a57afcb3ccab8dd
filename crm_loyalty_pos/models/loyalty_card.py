from odoo import api, models


class LoyaltyCard(models.Model):
    _inherit = 'loyalty.card'

    @api.model
    def _get_point_models(self) -> list:
        return [*super()._get_point_models(), self.env['pos.order.loyalty.points']]

    def _repoint_orders(self, merged) -> None:
        """Let till orders be refunded to the card that is left, too."""
        res = super()._repoint_orders(merged)
        lines = self.env['pos.order.line'].sudo().search([('coupon_id', 'in', merged.ids)])
        lines._settling().coupon_id = self
        return res
