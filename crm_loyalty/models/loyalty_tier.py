from __future__ import annotations

from itertools import pairwise

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .loyalty_program import MEMBER_READERS, POINT_DIGITS


class LoyaltyTier(models.Model):
    """A level of membership, reached by points earned within the program's period."""

    _name = 'loyalty.tier'
    _description = 'Loyalty Tier'
    _order = 'program_id, sequence, min_value, id'

    name = fields.Char(required=True, translate=True)
    program_id = fields.Many2one(
        comodel_name='loyalty.program',
        required=True,
        index=True,
        ondelete='cascade',
        domain="[('program_type', '=', 'loyalty')]",
    )
    company_id = fields.Many2one(related='program_id.company_id', store=True, precompute=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    color = fields.Integer()
    min_value = fields.Float(
        string="Threshold",
        digits=POINT_DIGITS,
        required=True,
        help="Points earned within the program's qualifying period from which on the tier is held.",
    )
    points_multiplier = fields.Float(
        digits=(16, 4),
        required=True,
        default=1,
        help="What orders of members of this tier earn is multiplied by it. An order keeps the "
        "multiplier it was confirmed with.",
    )
    point_name = fields.Char(related='program_id.portal_point_name', string="Unit of Points")
    card_ids = fields.One2many(
        comodel_name='loyalty.card', inverse_name='tier_id', groups=MEMBER_READERS
    )
    member_count = fields.Integer(
        compute='_compute_member_count', string="Members", groups=MEMBER_READERS
    )

    _min_value_positive = models.Constraint(
        # the upper end is what no ledger reaches
        'CHECK (min_value >= 0 AND min_value < 1e12)',
        "A threshold cannot be negative.",
    )
    _points_multiplier_positive = models.Constraint(
        'CHECK (points_multiplier > 0 AND points_multiplier <= 1000)',
        "A multiplier of points is above zero, and 1000 at most.",
    )
    _program_threshold_unique = models.UniqueIndex(
        '(program_id, min_value) WHERE active',
        "Two tiers of a program cannot have the same threshold.",
    )

    @api.depends('card_ids')
    def _compute_member_count(self):
        counts = dict(
            self.env['loyalty.card']._read_group(
                [('tier_id', 'in', self.ids)], ['tier_id'], ['__count']
            )
        )
        for tier in self:
            tier.member_count = counts.get(tier, 0)

    @api.constrains('sequence', 'min_value', 'program_id', 'active')
    def _check_thresholds_rise(self):
        for tiers in self.program_id.tier_ids.grouped('program_id').values():
            ordered = tiers.sorted(lambda tier: (tier.sequence, tier.min_value))
            for lower, upper in pairwise(ordered):
                if lower.min_value > upper.min_value:
                    raise ValidationError(
                        self.env._(
                            "Thresholds must rise from tier to tier, but %(upper)s comes after "
                            "%(lower)s and asks for less. Change the order or the thresholds.",
                            lower=lower.name,
                            upper=upper.name,
                        )
                    )

    @api.ondelete(at_uninstall=False)
    def _unlink_except_held(self):
        held = self.filtered('member_count')
        if held:
            raise UserError(
                self.env._(
                    "Members hold %(tiers)s. Archive the tier instead: they move at the next "
                    "evaluation.",
                    tiers=held.mapped('name'),
                )
            )

    def action_view_members(self) -> dict:
        """Open the members that hold these tiers."""
        action = self.env['ir.actions.act_window']._for_xml_id('crm_loyalty.loyalty_card_action')
        action['domain'] = [('tier_id', 'in', self.ids)]
        return action

    def _get_next(self, value: float) -> LoyaltyTier:
        """Return the lowest of these tiers that asks for more than ``value`` points."""
        return self.filtered(lambda tier: tier.min_value > value).sorted('min_value')[:1]
