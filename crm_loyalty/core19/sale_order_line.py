from __future__ import annotations

from odoo import api, models

from ..models.loyalty_card import IGNORED


class SaleOrderLine(models.Model):
    """Rewards claimed, changed or removed on a confirmed order.

    Core changes the balance at once and enters a row only sometimes; the true-up of the order
    does it for members.
    """

    _inherit = 'sale.order.line'

    # core counts the uses of a card and guards its deletion by this column
    _coupon_idx = models.Index('(coupon_id) WHERE coupon_id IS NOT NULL')

    @api.model_create_multi
    def create(self, vals_list):
        if not any(vals.get('points_cost') for vals in vals_list):
            return super().create(vals_list)
        lines = super(SaleOrderLine, self._ignoring_core()).create(vals_list)
        lines = lines.with_env(self.env)
        lines._get_redeeming_orders()._loyalty_true_up()
        lines.order_id._sync_holds()
        return lines

    def write(self, vals):
        if 'points_cost' not in vals:
            return super().write(vals)
        orders = self._get_redeeming_orders()
        res = super(SaleOrderLine, self._ignoring_core()).write(vals)
        (orders | self._get_redeeming_orders())._loyalty_true_up()
        self.order_id._sync_holds()
        return res

    def unlink(self):
        holding = self.filtered('points_cost').order_id
        orders = self.order_id.order_line._get_redeeming_orders()
        lines = self._ignoring_core() if orders else self
        res = super(SaleOrderLine, lines).unlink()
        orders._loyalty_true_up()
        holding.exists()._sync_holds()
        return res

    def _ignoring_core(self):
        """Return the lines in the context of :meth:`loyalty.card._ignoring_core`."""
        return self.with_context(loyalty_core_ignored=IGNORED)

    def _get_redeeming_orders(self):
        """Return the confirmed orders with rewards paid for by member cards."""
        lines = self.filtered(lambda line: line.coupon_id and line.state == 'sale')
        return lines.filtered(lambda line: line.sudo().coupon_id.is_member).order_id
