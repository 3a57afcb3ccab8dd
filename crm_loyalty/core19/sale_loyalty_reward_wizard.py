from odoo import api, fields, models

from ..models.loyalty_program import POINT_DIGITS


class SaleLoyaltyRewardWizard(models.TransientModel):
    """Choosing a reward, and how many points to redeem for it."""

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
            reward = wizard.selected_reward_id
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
            wizard.points_to_redeem = wizard.points_max

    def _get_selected_card(self):
        """Return the card that pays for the selected reward, none when there is no such."""
        self.ensure_one()
        if self.selected_reward_id and self.order_id:
            for card, rewards in self.order_id._get_claimable_rewards().items():
                if self.selected_reward_id._origin in rewards:
                    return card
        return self.env['loyalty.card']

    def action_apply(self):
        if not self.points_choice or self.points_to_redeem == self.points_max:
            return super().action_apply()
        choosing = self.with_context(loyalty_points=self.points_to_redeem)
        return super(SaleLoyaltyRewardWizard, choosing).action_apply()
