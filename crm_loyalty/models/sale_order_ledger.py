from __future__ import annotations

from decimal import Decimal

from odoo import models

from ..ledger import to_points

ZERO = Decimal(0)


class SaleOrder(models.Model):
    """What of an order the ledger of points looks at."""

    _name = 'sale.order'
    _inherit = ['sale.order', 'loyalty.order.mixin']

    def _moves_points(self) -> bool:
        return self.state == 'sale'

    def _get_point_entries(self):
        return self.sudo().coupon_point_ids

    def _get_loyalty_lines(self):
        return self.order_line.filtered(lambda line: not line.display_type)

    def _get_redeemed_points(self) -> dict[int, Decimal]:
        redeemed: dict[int, Decimal] = {}
        for line in self.sudo().order_line.filtered('points_cost'):
            card = line.coupon_id
            if card.is_member:
                redeemed[card.id] = redeemed.get(card.id, ZERO) + to_points(line.points_cost)
        return redeemed
