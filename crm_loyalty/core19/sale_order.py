from __future__ import annotations

from odoo import models
from odoo.tools import float_round


class SaleOrder(models.Model):
    _inherit = 'sale.order'

    def action_confirm(self):
        res = super().action_confirm()
        self._evaluate_loyalty_tiers()
        return res

    def _action_cancel(self):
        cards = self._get_managed_cards()
        res = super()._action_cancel()
        # rows of cards merged meanwhile went, while core takes the points from the survivor
        cards._settle_ledger('unburn', 'unearn')
        cards._evaluate_tiers(allow_downgrade=False)
        return res

    def _add_points_for_coupon(self, coupon_points):
        if self.state != 'sale':
            return super()._add_points_for_coupon(coupon_points)
        # core changes the balance of a confirmed order without a row
        cards = self.env['loyalty.card'].union(*coupon_points).sudo().filtered('is_managed')
        deferred = {card._deferring_ledger(): points for card, points in coupon_points.items()}
        res = super()._add_points_for_coupon(deferred)
        cards._settle_ledger('earn', 'unearn', self._get_loyalty_description(), self)
        cards._evaluate_tiers(allow_downgrade=False)
        return res

    def _program_check_compute_points(self, programs):
        result = super()._program_check_compute_points(programs)
        for program, status in result.items():
            if program.managed and 'points' in status:
                # per order and per unit core does not round; the ledger has two decimals
                status['points'] = [
                    float_round(points, precision_digits=2, rounding_method='DOWN')
                    for points in status['points']
                ]
        return result

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    def _get_managed_cards(self):
        """Return the member cards these orders earned for or redeemed from (sudo)."""
        history = self.env['loyalty.history'].sudo()
        rows = history.search([('order_model', '=', self._name), ('order_id', 'in', self.ids)])
        cards = rows.card_id | self.sudo().coupon_point_ids.coupon_id
        return cards.filtered('is_managed')

    def _evaluate_loyalty_tiers(self) -> None:
        """Let members rise as soon as an order gave them points."""
        cards = self.sudo().coupon_point_ids.filtered('points').coupon_id
        cards._evaluate_tiers(allow_downgrade=False)

    def _get_loyalty_description(self) -> str:
        """Return the text of the ledger rows of this order."""
        self.ensure_one()
        return self.env._("Order %s", self.display_name)
