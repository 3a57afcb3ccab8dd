from __future__ import annotations

from odoo import api, models

from ..models.loyalty_card import DEFERRED


class SaleOrderLine(models.Model):
    """Rewards claimed, changed or removed on a confirmed order.

    Core changes the balance at once but writes a row only sometimes; what is missing is posted
    here.
    """

    _inherit = 'sale.order.line'

    # core counts the uses of a card and guards its deletion by this column
    _coupon_idx = models.Index('(coupon_id) WHERE coupon_id IS NOT NULL')

    @api.model_create_multi
    def create(self, vals_list):
        if not any(vals.get('points_cost') for vals in vals_list):
            return super().create(vals_list)
        lines = super(SaleOrderLine, self._deferring_ledger()).create(vals_list)
        lines = lines.with_env(self.env)
        lines._settle_cards(lines._get_cards_by_confirmed_order())
        return lines

    def write(self, vals):
        if 'points_cost' not in vals:
            return super().write(vals)
        before = self._get_cards_by_confirmed_order()
        res = super(SaleOrderLine, self._deferring_ledger()).write(vals)
        self._settle_cards(before)
        self._settle_cards(self._get_cards_by_confirmed_order())
        return res

    def unlink(self):
        before = self.order_id.order_line._get_cards_by_confirmed_order()
        if not before:
            return super().unlink()
        res = super(SaleOrderLine, self._deferring_ledger()).unlink()
        self._settle_cards(before)
        return res

    def _deferring_ledger(self):
        """Return the lines in the context of :meth:`loyalty.card._deferring_ledger`."""
        return self.with_context(loyalty_ledger_deferred=DEFERRED)

    def _get_cards_by_confirmed_order(self) -> dict:
        """Return the managed cards that pay for rewards of confirmed orders, by order."""
        rewards = self.filtered(lambda line: line.coupon_id and line.state == 'sale')
        return {
            order: cards
            for order, lines in rewards.grouped('order_id').items()
            if (cards := lines.sudo().coupon_id.filtered('is_managed'))
        }

    def _settle_cards(self, cards_by_order: dict) -> None:
        """Post what redeeming or giving back changed."""
        for order, cards in cards_by_order.items():
            cards._settle_ledger('unburn', 'burn', order._get_loyalty_description(), order)
