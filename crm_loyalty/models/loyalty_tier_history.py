from __future__ import annotations

from odoo import api, fields, models
from odoo.tools import format_date, formatLang

from .loyalty_program import POINT_DIGITS


class LoyaltyTierHistory(models.Model):
    """One change of a member's tier, with what is needed to explain it in one sentence."""

    _name = 'loyalty.tier.history'
    _description = 'Loyalty Tier Change'
    _order = 'date desc, id desc'
    _rec_name = 'card_id'

    card_id = fields.Many2one(
        comodel_name='loyalty.card',
        string="Member Card",
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    partner_id = fields.Many2one(related='card_id.partner_id', string="Member")
    program_id = fields.Many2one(
        comodel_name='loyalty.program',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(related='program_id.company_id')
    date = fields.Date(required=True, readonly=True)
    change = fields.Selection(
        selection=[
            ('start', "Joined"),
            ('up', "Upgrade"),
            ('down', "Downgrade"),
            ('merge', "Contacts Merged"),
        ],
        required=True,
        readonly=True,
    )
    old_tier_id = fields.Many2one(
        comodel_name='loyalty.tier',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    new_tier_id = fields.Many2one(
        comodel_name='loyalty.tier',
        readonly=True,
        index='btree_not_null',
        ondelete='set null',
    )
    # === Frozen: rules change, what was told to the customer does not ===
    qualifying_value = fields.Float(string="Points Earned", digits=POINT_DIGITS, readonly=True)
    threshold = fields.Float(
        digits=POINT_DIGITS,
        readonly=True,
        help="What the tier reached asks for; on a downgrade, the tier lost.",
    )
    window_start = fields.Date(string="Counted from", readonly=True)
    reason = fields.Char(compute='_compute_reason', help="The sentence to tell the customer.")

    @api.depends_context('lang')
    @api.depends('change', 'old_tier_id', 'new_tier_id', 'qualifying_value', 'threshold')
    def _compute_reason(self):
        for row in self:
            row.reason = row._get_reason()

    def _get_reason(self) -> str:
        """Return the sentence that explains the change, in the language of the reader."""
        self.ensure_one()
        values = self._get_reason_values()
        if self.change == 'merge':
            return self.env._("Two of your cards were merged; you keep %(new_tier)s.", **values)
        if self.change == 'down':
            return self.env._(
                "From %(start)s to %(end)s you earned %(points)s; %(old_tier)s asks for "
                "%(threshold)s.",
                **values,
            )
        if not self.threshold:
            return self.env._("Welcome to %(program)s: you begin with %(new_tier)s.", **values)
        return self.env._(
            "From %(start)s to %(end)s you earned %(points)s; %(new_tier)s begins at "
            "%(threshold)s.",
            **values,
        )

    def _get_reason_values(self) -> dict[str, str]:
        """Return the parts of the sentence, formatted for the reader."""
        env = self.env
        no_tier = env._("no tier")
        return {
            'program': self.program_id.name,
            'old_tier': self.old_tier_id.name or no_tier,
            'new_tier': self.new_tier_id.name or no_tier,
            'points': self.card_id._format_points_text(self.qualifying_value),
            'threshold': formatLang(
                env, self.threshold, digits=0 if self.threshold % 1 == 0 else 2
            ),
            'start': format_date(env, self.window_start),
            'end': format_date(env, self.date),
        }
