from __future__ import annotations

from decimal import Decimal

from odoo import models

from ..ledger import to_points

CONFIRMED = ('sale', 'done')


class SaleOrder(models.Model):
    """What an order can redeem: free points only, within the limits of the program."""

    _inherit = 'sale.order'

    def _get_real_points_for_coupon(self, coupon, post_confirm=False):
        if not coupon.sudo().is_member:
            return super()._get_real_points_for_coupon(coupon, post_confirm=post_confirm)
        return float(self._get_usable_points(coupon.sudo()))

    def _get_usable_points(self, card) -> Decimal:
        """Return what this order can redeem from a card, less what it does already.

        Below zero only when it redeems more than there is: a debt is no reason to refuse an order
        that redeems nothing.

        :param card: ``loyalty.card`` (sudo)
        """
        self.ensure_one()
        balance = to_points(card.points)
        usable = balance - card._get_held_points(without=self)
        used = Decimal(0)
        if self.state not in CONFIRMED:
            lines = self.order_line.filtered(lambda line: line.coupon_id.id == card.id)
            used = sum((to_points(line.points_cost) for line in lines), Decimal(0))
            usable += self._get_redeemable_earned(card)
        return (max(usable, Decimal(0)) if balance >= 0 else Decimal(0)) - used

    def _apply_program_reward(self, reward, coupon, **kwargs):
        orders = super(SaleOrder, self._holding_later())
        result = orders._apply_program_reward(reward, coupon, **kwargs)
        self._sync_holds()
        return result

    def _update_programs_and_rewards(self):
        res = super(SaleOrder, self._holding_later())._update_programs_and_rewards()
        self._sync_holds()
        return res
