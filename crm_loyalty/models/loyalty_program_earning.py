from __future__ import annotations

from ast import literal_eval
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from ..earning import to_exact
from .loyalty_program import POINT_DIGITS

CAPS = ('cap_order', 'cap_day', 'cap_month', 'cap_member')


class LoyaltyProgram(models.Model):
    """When, on what and how much members earn."""

    _inherit = 'loyalty.program'

    earn_on = fields.Selection(
        selection=[
            ('confirm', "Confirmed"),
            ('delivered', "Delivered"),
            ('invoiced', "Invoiced"),
            ('paid', "Paid"),
        ],
        string="Points when",
        default='confirm',
        required=True,
        help="What must have happened to an order, or a part of it, for points to be given. An "
        "order keeps what was set here when it was confirmed.",
    )
    earn_base = fields.Selection(
        selection=[('incl', "Amount with taxes"), ('excl', "Amount without taxes")],
        string="Points on",
        default='incl',
        required=True,
        help="Delivery charges never earn points.",
    )
    earn_on_redeemed = fields.Boolean(
        string="Also on the part paid by points or gift cards",
        default=True,
        help="Whether the part of an order that is paid by points, a gift card or an eWallet earns "
        "points too, as it does without this application.",
    )
    release_delay_days = fields.Integer(
        string="Held back for (Days)",
        help="Points are pending for so many days, as long as goods can be returned, and cannot be "
        "spent before.",
    )
    cap_order = fields.Float(string="At most per Order", digits=POINT_DIGITS)
    cap_day = fields.Float(string="At most per Day", digits=POINT_DIGITS)
    cap_month = fields.Float(string="At most per Month", digits=POINT_DIGITS)
    cap_member = fields.Float(string="At most per Member", digits=POINT_DIGITS)
    earn_partner_domain = fields.Char(
        string="Who Earns", default='[]', help="Customers who earn points; empty for all."
    )
    bonus_ids = fields.One2many('loyalty.earning.bonus', 'program_id', string="Bonuses", copy=True)

    _release_delay_positive = models.Constraint(
        'CHECK (release_delay_days BETWEEN 0 AND 3650)',
        "Points are held back between 0 and 3650 days.",
    )
    _caps_positive = models.Constraint(
        'CHECK (cap_order >= 0 AND cap_day >= 0 AND cap_month >= 0 AND cap_member >= 0)',
        "A limit of points is not negative; 0 is none.",
    )

    @api.constrains('earn_partner_domain')
    def _check_earn_partner_domain(self):
        for program in self:
            check_domain(program, 'earn_partner_domain', 'res.partner')

    def _has_caps(self) -> bool:
        """Return whether points are limited."""
        self.ensure_one()
        return any(self[cap] for cap in CAPS)

    def _is_deferred(self) -> bool:
        """Return whether an order's points come later than its confirmation."""
        self.ensure_one()
        return self.managed and bool(self.earn_on != 'confirm' or self.release_delay_days)

    def _can_redeem_earned(self) -> bool:
        # what an order gives comes later than it is spent
        return super()._can_redeem_earned() and not self._is_deferred()

    def _can_earn(self, partner) -> bool:
        """Return whether a customer is one of those who earn.

        :param partner: ``res.partner``
        """
        self.ensure_one()
        return bool(partner.sudo().filtered_domain(read_domain(self.earn_partner_domain)))

    def _get_earning_multiplier(self, card) -> Decimal:
        """Return what the points of a member are multiplied by: what his tier says.

        Who has no tier yet earns as the tier that asks for no points.

        :param card: ``loyalty.card``, empty for a customer without one
        """
        self.ensure_one()
        tier = card.sudo().tier_id or self.sudo().tier_ids.filtered(lambda t: not t.min_value)[:1]
        return to_exact(tier.points_multiplier) if tier else Decimal(1)

    def _get_running_bonuses(self, partner, moment=None):
        """Return the bonuses of the day, for a customer.

        :param partner: ``res.partner``
        :param moment: UTC, default now
        """
        self.ensure_one()
        bonuses = self.sudo().bonus_ids
        if not bonuses:
            return bonuses
        day = self._get_local_day(moment)
        return bonuses.filtered(
            lambda bonus: bonus.date_from <= day <= bonus.date_to and bonus._is_for(partner)
        )


def read_domain(text: str | None) -> Domain:
    """Return the domain a user entered."""
    return Domain(literal_eval(text or '[]'))


def check_domain(record, name: str, model: str) -> None:
    """:raise ValidationError: the text is no domain of ``model``"""
    try:
        record.env[model].sudo().search(read_domain(record[name]), limit=1)
    except (ValueError, SyntaxError, TypeError, KeyError) as error:
        raise ValidationError(
            record.env._(
                "“%(field)s” is not a condition that can be used: %(error)s",
                field=record._fields[name]._description_string(record.env),
                error=error,
            )
        ) from error
