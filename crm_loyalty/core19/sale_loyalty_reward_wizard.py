from odoo import api, fields, models

from ..models.loyalty_program import POINT_DIGITS


class SaleLoyaltyRewardWizard(models.TransientModel):
    """Choosing a reward, and how many points to redeem for it, instead of those before."""

    _inherit = 'sale.loyalty.reward.wizard'

    points_choice = fields.Boolean(compute='_compute_points')
    points_max = fields.Float(string="At Most", digits=POINT_DIGITS, compute='_compute_points')
    points_step = fields.Float(string="In Steps of", digits=POINT_DIGITS, compute='_compute_points')
    points_to_redeem = fields.Float(
        digits=POINT_DIGITS, compute='_compute_points_to_redeem', store=True, readonly=False
    )

    @api.depends('selected_reward_id', 'order_id')
    def _compute_points(self):
        for wizard in self:
            reward = wizard.selected_reward_id._origin
            card = wizard._get_selected_card()
            wizard.points_choice = bool(card and reward._has_points_choice())
            wizard.points_step = reward.required_points
            wizard.points_max = 0
            if wizard.points_choice:
                points = wizard.order_id._get_max_points(reward.sudo(), card.sudo())
                wizard.points_max = float(points)

    @api.depends('selected_reward_id')
    def _compute_points_to_redeem(self):
        for wizard in self:
            lines = wizard._get_claimed_lines()
            wizard.points_to_redeem = sum(lines.mapped('points_cost')) or wizard.points_max

    @api.depends('order_id')
    def _compute_claimable_reward_ids(self):
        """Offer another number for what the order redeems already, too."""
        res = super()._compute_claimable_reward_ids()
        for wizard in self:
            wizard.reward_ids |= wizard.order_id._get_claimed_choices().reward_id
        return res

    @api.model
    def default_get(self, fields):
        """Choose the reward where there is but one, so that its points are asked for at once."""
        values = super().default_get(fields)
        rewards = self.new(values).reward_ids
        if len(rewards) == 1 and 'selected_reward_id' in fields:
            values.setdefault('selected_reward_id', rewards.id)
        return values

    def _get_claimed_lines(self):
        """Return the lines by which the order redeems the selected reward already."""
        self.ensure_one()
        lines = self.order_id._get_claimed_choices()
        return lines.filtered(lambda line: line.reward_id == self.selected_reward_id._origin)

    def _get_selected_card(self):
        """Return the card that pays for the selected reward, none when there is no such."""
        self.ensure_one()
        if claimed := self._get_claimed_lines():
            return claimed.coupon_id[:1]
        if self.selected_reward_id and self.order_id:
            for card, rewards in self.order_id._get_claimable_rewards().items():
                if self.selected_reward_id._origin in rewards:
                    return card
        return self.env['loyalty.card']

    def action_apply(self):
        if claimed := self._get_claimed_lines():
            self.order_id._redeem_points(
                self.selected_reward_id,
                claimed.coupon_id[:1],
                self.points_to_redeem,
                product=self.selected_product_id,
            )
            return True
        if not self.points_choice or self.points_to_redeem == self.points_max:
            return super().action_apply()
        choosing = self.with_context(loyalty_points=self.points_to_redeem)
        return super(SaleLoyaltyRewardWizard, choosing).action_apply()
