from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from odoo import api, fields, models
from odoo.tools.i18n import format_list

#: days after which what somebody confirmed must be asked again
CONFIRMED_FOR = 365


@dataclass(frozen=True)
class CompletenessCriterion:
    """One thing that a complete customer file has."""

    #: translated; shown while it is missing
    label: str
    is_met: Callable[[models.BaseModel], bool]
    #: whether it is asked of this customer at all
    applies: Callable[[models.BaseModel], bool] = lambda partner: True


class ResPartner(models.Model):
    _inherit = 'res.partner'

    customer_completeness = fields.Integer(
        string="Completeness (%)",
        compute='_compute_customer_completeness',
        groups='base.group_user',
    )
    customer_missing = fields.Char(
        string="Missing", compute='_compute_customer_completeness', groups='base.group_user'
    )

    @api.depends(lambda self: self._get_completeness_fields())
    @api.depends_context('lang')
    def _compute_customer_completeness(self):
        criteria = self._get_completeness_criteria()
        for partner in self:
            asked = [criterion for criterion in criteria if criterion.applies(partner)]
            missing = [criterion.label for criterion in asked if not criterion.is_met(partner)]
            partner.customer_missing = format_list(self.env, missing)
            partner.customer_completeness = (
                100 - round(100 * len(missing) / len(asked)) if asked else 100
            )

    @api.model
    def _get_completeness_fields(self) -> list[str]:
        """Return the fields that the criteria read; extend it together with them."""
        return [
            'email',
            'phone',
            'street',
            'city',
            'country_id',
            'is_company',
            'birth_day',
            'birth_month',
            'customer_type_id',
            'customer_confirmed_on',
        ]

    @api.model
    def _get_completeness_criteria(self) -> list[CompletenessCriterion]:
        """Return what a complete file has; each counts the same.  Extend by ``super() + [...]``."""
        asked_again = fields.Date.context_today(self) - timedelta(days=CONFIRMED_FOR)
        return [
            CompletenessCriterion(self.env._("E-mail"), lambda partner: bool(partner.email)),
            CompletenessCriterion(self.env._("Phone"), lambda partner: bool(partner.phone)),
            CompletenessCriterion(
                self.env._("Address"),
                lambda partner: bool(partner.street and partner.city and partner.country_id),
            ),
            CompletenessCriterion(
                self.env._("Birthday"),
                lambda partner: bool(partner.birth_day and partner.birth_month),
                applies=lambda partner: not partner.is_company,
            ),
            CompletenessCriterion(
                self.env._("Customer type"), lambda partner: bool(partner.customer_type_id)
            ),
            CompletenessCriterion(
                self.env._("Confirmed within a year"),
                lambda partner: (partner.customer_confirmed_on or asked_again) > asked_again,
            ),
        ]
