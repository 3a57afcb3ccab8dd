from __future__ import annotations

from odoo import models

from ..models.loyalty_card import IGNORED


class SaleOrder(models.Model):
    """Core's movements of points are replaced by one true-up of the order; see there."""

    _inherit = 'sale.order'

    def action_confirm(self):
        self._lock_spent_cards()
        self._ensure_redeeming_allowed()
        if len(self) < 2 or not self._get_spent_cards():
            res = super().action_confirm()
            self._loyalty_true_up()
            return res
        # each must see what the one before has spent
        for order in self:
            super(SaleOrder, order).action_confirm()
            order._loyalty_true_up()
        return True

    def _action_cancel(self):
        self._get_managed_cards()._lock_fresh()
        res = super()._action_cancel()
        self._loyalty_true_up()
        return res

    def _get_point_changes(self):
        """Leave member cards to the true-up, when confirming and when cancelling."""
        changes = super()._get_point_changes()
        return {card: points for card, points in changes.items() if not card.is_member}

    def _add_loyalty_history_lines(self):
        orders = self.with_context(loyalty_core_ignored=IGNORED)
        return super(SaleOrder, orders)._add_loyalty_history_lines()

    def _update_loyalty_history(self, coupon_id, points):
        if not coupon_id.is_member:
            return super()._update_loyalty_history(coupon_id, points)
        return None

    def _add_points_for_coupon(self, coupon_points):
        if self.state != 'sale':
            return super()._add_points_for_coupon(coupon_points)
        # core changes the balance of a confirmed order by all it gives, not by what is new
        cards = self.env['loyalty.card'].union(*coupon_points)
        ignored = {card._ignoring_core(): points for card, points in coupon_points.items()}
        res = super()._add_points_for_coupon(ignored)
        if cards.filtered('is_member'):
            self._loyalty_true_up()
        return res

    def _update_programs_and_rewards(self):
        res = super()._update_programs_and_rewards()
        if self.state == 'sale':
            # what a confirmed order gives was computed again
            self._loyalty_true_up()
        return res

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_spent_cards(self):
        """Return the member cards that pay for rewards of these orders."""
        return self.order_line.filtered('points_cost').sudo().coupon_id.filtered('is_member')

    def _lock_spent_cards(self) -> None:
        """Let nobody else spend from these cards or use up their limits, before all else."""
        (self._get_spent_cards() | self._get_capped_cards())._lock_fresh()

    def _get_managed_cards(self):
        """Return the member cards these orders earned for or redeemed from (sudo)."""
        history = self.env['loyalty.history'].sudo()
        rows = history.search([('order_model', '=', self._name), ('order_id', 'in', self.ids)])
        cards = rows.card_id | self.sudo().coupon_point_ids.coupon_id
        return cards.filtered('is_member')
