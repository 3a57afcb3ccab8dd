from __future__ import annotations

from odoo import api, fields, models


class LoyaltyProgram(models.Model):
    """How points are redeemed: when they are held, and how many of them at once."""

    _inherit = 'loyalty.program'

    hold_when = fields.Selection(
        selection=[
            ('never', "Never"),
            ('sent', "When the quotation is sent or its payment begins"),
            ('claimed', "As soon as a reward is claimed"),
        ],
        string="Hold Points",
        default='sent',
        required=True,
        help="Points of an open quotation that nobody else can spend meanwhile.",
    )
    hold_hours = fields.Float(
        string="Hold for (Hours)",
        default=24,
        help="Hours and minutes after which the points are free again. They are free earlier when "
        "the quotation expires or is cancelled, or its reward is taken away.",
    )
    redeem_earned = fields.Boolean(
        string="Redeem Points of the Same Order",
        compute='_compute_redeem_earned',
        store=True,
        readonly=False,
        help="Points an order gives can pay for a reward on this very order.",
    )

    redeem_minimum_amount = fields.Monetary(
        string="Minimum Order",
        help="Rewards are for orders of at least this amount, taxes included, before what is paid "
        "with points.",
    )
    redeem_max_percent = fields.Float(
        string="Payable with Points (%)",
        default=100,
        help="The share of an order that discounts for points may take off, at most.",
    )
    negative_policy = fields.Selection(
        selection=[
            ('debt', "Stays a debt, paid by what comes in"),
            ('floor', "Is written off at once"),
            ('writeoff', "Is written off after some days"),
        ],
        string="A Balance below Zero",
        default='debt',
        required=True,
        help="It comes about when points are taken back that were spent already. Nothing can be "
        "redeemed from a card below zero.",
    )
    write_off_days = fields.Integer(string="Write off after (Days)", default=90)

    _write_off_days_positive = models.Constraint(
        'CHECK (write_off_days > 0)', "Debts are written off after one day at the earliest."
    )
    _redeem_limits = models.Constraint(
        'CHECK (redeem_minimum_amount >= 0'
        ' AND redeem_max_percent > 0 AND redeem_max_percent <= 100)',
        "The minimum is not below zero, and the share between 0 and 100 %.",
    )
    _hold_hours_positive = models.Constraint(
        'CHECK (hold_hours > 0 AND hold_hours <= 87600)',
        "Points are held for some time, and not for more than ten years.",
    )

    @api.depends('applies_on')
    def _compute_redeem_earned(self):
        for program in self:
            program.redeem_earned = program.applies_on != 'future'

    def _can_redeem_earned(self) -> bool:
        """Return whether points an order gives can be redeemed on it; extend for later ones."""
        self.ensure_one()
        return self.redeem_earned and self.applies_on != 'future'
