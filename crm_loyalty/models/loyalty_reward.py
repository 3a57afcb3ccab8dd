from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from odoo import api, models

from ..ledger import to_points


class LoyaltyReward(models.Model):
    _inherit = 'loyalty.reward'

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self._ensure_can_take_product(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._ensure_can_take_product(vals)
        shared = {name: vals[name] for name in ('description', 'active') if name in vals}
        if self.env.su or not shared:
            return super().write(vals)
        # the product of a reward is renamed and archived with it, whoever may write products;
        # all else is written as who writes it
        self.check_access('write')
        super().write({name: value for name, value in vals.items() if name not in shared})
        return super(LoyaltyReward, self.sudo()).write(shared)

    def _ensure_can_take_product(self, vals: dict) -> None:
        """:raise AccessError: a product becomes that of a reward for who may not change it"""
        if not self.env.su and (product_id := vals.get('discount_line_product_id')):
            self.env['product.product'].browse(product_id).check_access('write')

    def _create_missing_discount_line_products(self):
        # who may make rewards need not be allowed to make products
        return super(LoyaltyReward, self.sudo())._create_missing_discount_line_products()

    def _has_points_choice(self) -> bool:
        """Return whether a member chooses how many points to redeem for this reward.

        Of a fixed discount there is only one; discounts per point and free products can be had in
        any number.
        """
        self.ensure_one()
        if not self.program_id.managed:
            return False
        if self.reward_type == 'discount':
            return self.discount_mode == 'per_point'
        return self.reward_type == 'product' and not self.clear_wallet

    def _to_steps(self, points: Decimal) -> Decimal:
        """Return points cut to a number this reward can be had for."""
        self.ensure_one()
        step = to_points(self.required_points)
        return max(points // step * step, Decimal(0))

    def _to_full_steps(self, points: Decimal) -> Decimal:
        """Return the number of points to choose for this reward to cost so many of them."""
        self.ensure_one()
        step = to_points(self.required_points)
        return (points / step).to_integral_value(ROUND_CEILING) * step
