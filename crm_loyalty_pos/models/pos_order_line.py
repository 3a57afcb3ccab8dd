from __future__ import annotations

from decimal import Decimal

from odoo import api, models

from odoo.addons.crm_loyalty.earning import ZERO, Flow, to_exact
from odoo.addons.crm_loyalty.models.loyalty_order_mixin_earning import LineFlow

from .pos_order import PAID_STATES, SETTLING

#: which orders and rewards a line is about
LINK_FIELDS = frozenset({'order_id', 'refunded_orderline_id', 'reward_id'})
#: what a reward took, and from whom
REWARD_FIELDS = frozenset({'points_cost', 'coupon_id', 'reward_id', 'reward_identifier_code'})
#: what a reward was worth
VALUE_FIELDS = frozenset({'qty', 'price_unit', 'discount', 'price_subtotal', 'price_subtotal_incl'})


class PosOrderLine(models.Model):
    """Lines of till orders as the rules of all channels see them."""

    _inherit = 'pos.order.line'

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._without_late_reward(vals) for vals in vals_list])

    def write(self, vals):
        if self.env.context.get('loyalty_settling') is SETTLING:
            return super().write(vals)
        # what was posted for a reward is not told otherwise later, by no till
        if self._is_order_settled(vals.get('order_id')):
            vals = {name: value for name, value in vals.items() if name != 'order_id'}
        kept = LINK_FIELDS | REWARD_FIELDS | VALUE_FIELDS
        if kept.isdisjoint(vals):
            return super().write(vals)
        for fixed, lines in self.grouped(lambda line: line._get_fixed_fields()).items():
            rest = {name: value for name, value in vals.items() if name not in fixed}
            super(PosOrderLine, lines).write(rest)
        return True

    @api.model
    def _without_late_reward(self, vals: dict) -> dict:
        """Return values of a line to be created, without rewards and refunds on settled orders."""
        if not self._is_order_settled(vals.get('order_id')):
            return vals
        late = REWARD_FIELDS | {'refunded_orderline_id'}
        return {name: value for name, value in vals.items() if name not in late}

    @api.model
    def _is_order_settled(self, order_id: int | None) -> bool:
        """Return whether the points of an order are posted."""
        return bool(order_id) and self.env['pos.order'].browse(order_id)._moves_points()

    def _get_fixed_fields(self) -> frozenset[str]:
        """Return what of this line nobody changes, once the points of its order are posted."""
        if not self.order_id._moves_points():
            return frozenset()
        line = self.sudo()
        reward = line.reward_id or line.refunded_orderline_id.reward_id
        if reward.program_id.managed:
            return LINK_FIELDS | REWARD_FIELDS | VALUE_FIELDS
        # tills give the cards of other programs their numbers when the order is paid
        return LINK_FIELDS

    def _settling(self):
        """Return these lines as the server notes what their rewards took."""
        return self.with_context(loyalty_settling=SETTLING)

    def _get_earning_amount(self, base: str) -> Decimal:
        """Return the amount of this line points are given for.

        :param base: ``incl`` or ``excl``
        """
        return to_exact(self.price_subtotal_incl if base == 'incl' else self.price_subtotal)

    def _get_earning_qty(self) -> Decimal:
        """Return the quantity of this line points are given for."""
        return to_exact(self.qty)

    def _is_combo_item(self) -> bool:
        """Return whether another line, of the combo, stands for this one."""
        return bool(self.combo_parent_id)

    def _get_lines_with_price(self):
        """Return this line, or the items of a combo instead of it."""
        return self.combo_line_ids or self

    def _get_lines_with_price_of_each(self):
        """Return these lines, or the items of a combo instead of it."""
        return self.browse().union(*(line._get_lines_with_price() for line in self))

    def _is_settled(self) -> bool:
        """Return whether a sales order sells this, and gives and takes its points."""
        return 'sale_order_origin_id' in self._fields and bool(self.sudo().sale_order_origin_id)

    def _get_flow(self, shipped: dict | None, credited: Decimal) -> LineFlow:
        """Return how far this line came.

        :param shipped: what is left of goods shipped later, by product; taken from here
        :param credited: share of the invoice that was credited
        """
        self.ensure_one()
        ordered, back = to_exact(self.qty), self._get_refunded_qty()
        delivered = ordered
        if shipped is not None and self.product_id.type == 'consu':
            left = min(ordered, shipped.get(self.product_id, ZERO))
            shipped[self.product_id] = shipped.get(self.product_id, ZERO) - left
            # what is refunded before it leaves came back, too: it takes nothing from the rest
            delivered = min(left + back, ordered)
        amounts = (to_exact(self.price_subtotal_incl), to_exact(self.price_subtotal))
        prices = [amount / ordered if ordered else ZERO for amount in amounts]
        return LineFlow(
            *(
                Flow(
                    ordered=ordered * price,
                    delivered=delivered * price,
                    returned=back * price,
                    invoiced=ordered * price,
                    paid=ordered * price,
                    credited=ordered * price * credited,
                )
                for price in (*prices, Decimal(1))
            )
        )

    def _get_refunds(self):
        """Return the lines of paid orders that refund these (sudo)."""
        return self.sudo().refund_orderline_ids.filtered(
            lambda line: line.order_id.state in PAID_STATES
        )

    def _get_refunded_qty(self) -> Decimal:
        """Return how much of this line was refunded."""
        return -sum((to_exact(line.qty) for line in self._get_refunds()), ZERO)
