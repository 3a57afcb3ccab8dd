from __future__ import annotations

from decimal import Decimal

from odoo import models

from ..ledger import to_points


class LoyaltyReward(models.Model):
    _inherit = 'loyalty.reward'

    def write(self, vals):
        if self.env.su or not {'description', 'active'}.intersection(vals):
            return super().write(vals)
        # the product of a reward is renamed and archived with it, whoever may write products
        self.check_access('write')
        return super(LoyaltyReward, self.sudo()).write(vals)

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
