from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from odoo import models

from ..ledger import ZERO, to_points
from .account_move import BY_INVOICE
from .loyalty_card_ledger import Movement

if TYPE_CHECKING:
    from .loyalty_order_mixin_earning import LineFlow


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
        return self._sum_costs(self.sudo().order_line)

    def _get_loyalty_targets(
        self, flows: dict[int, LineFlow]
    ) -> tuple[dict[int, Decimal], dict[int, Decimal]]:
        earned, redeemed = super()._get_loyalty_targets(flows)
        if redeemed:
            for card_id, points in self._get_credited_points(flows).items():
                redeemed[card_id] = max(redeemed[card_id] - points, ZERO)
        return earned, redeemed

    def _get_credited_points(self, flows: dict[int, LineFlow]) -> dict[int, Decimal]:
        """Return the points of rewards that were credited, as far as they were, by member card.

        :param flows: how far the lines came, see :meth:`_get_line_flows`
        """
        self.ensure_one()
        credited: dict[int, Decimal] = {}
        lines = self.sudo().order_line.filtered(lambda line: line.coupon_id.is_member)
        # a discount on goods with several taxes has a line for each
        for group in self._group_claims(lines).values():
            own = [flows[line.id] for line in group if line.id in flows]
            part = 'incl' if any(flow.incl.ordered for flow in own) else 'qty'
            total = sum((abs(getattr(flow, part).ordered) for flow in own), ZERO)
            back = sum((getattr(flow, part).get_given_back() for flow in own), ZERO)
            for line in group.filtered('points_cost') if back else ():
                card_id = line.coupon_id.id
                points = to_points(self._get_line_cost(line) * back / total)
                credited[card_id] = credited.get(card_id, ZERO) + points
        return credited

    def _group_claims(self, lines) -> dict:
        """Return reward lines by code, reward and card; imported ones may have no code."""
        return lines.grouped(
            lambda line: (line.reward_identifier_code, line.reward_id, line.coupon_id)
        )

    def _finish_movements(self, movements: list[Movement]) -> list[Movement]:
        movements = super()._finish_movements(movements)
        if self.env.context.get('loyalty_by_invoice') is not BY_INVOICE:
            return movements
        # no invoice is refused because points were given back and spent
        return self._let_burns_pass(movements)
