from __future__ import annotations

from odoo import api, fields, models

from .loyalty_program import POINT_DIGITS
from .loyalty_program_earning import check_domain, read_domain


class LoyaltyEarningBonus(models.Model):
    """More points between two days.

    Of several bonuses for one product the highest multiplier counts; extra points add up.
    """

    _name = 'loyalty.earning.bonus'
    _description = 'Points Bonus'
    _order = 'date_from desc, id desc'

    name = fields.Char(required=True, translate=True)
    program_id = fields.Many2one('loyalty.program', required=True, index=True, ondelete='cascade')
    company_id = fields.Many2one(related='program_id.company_id')
    date_from = fields.Date(string="First Day", required=True, default=fields.Date.context_today)
    date_to = fields.Date(
        string="Last Day", required=True, help="Last day, as the program counts days."
    )
    multiplier = fields.Float(
        digits=(16, 4), default=1, required=True, help="2 doubles the points of these products."
    )
    extra_points = fields.Float(
        digits=POINT_DIGITS, help="Given once per order that has one of these products."
    )
    product_domain = fields.Char(
        string="Products", default='[]', help="By product, category or tag; empty for all."
    )
    partner_domain = fields.Char(string="Customers", default='[]', help="Empty for all.")

    _days = models.Constraint('CHECK (date_from <= date_to)', "A bonus ends after it begins.")
    _only_more = models.Constraint(
        'CHECK (multiplier > 0 AND extra_points >= 0)',
        "A multiplier is above zero, and extra points are not below.",
    )

    @api.constrains('product_domain', 'partner_domain')
    def _check_domains(self):
        for bonus in self:
            check_domain(bonus, 'product_domain', 'product.product')
            check_domain(bonus, 'partner_domain', 'res.partner')

    def _is_for(self, partner) -> bool:
        """Return whether a customer gets the bonus."""
        self.ensure_one()
        return bool(partner.sudo().filtered_domain(read_domain(self.partner_domain)))

    def _filter_products(self, products):
        """Return those of the products that give the bonus."""
        self.ensure_one()
        return products.filtered_domain(read_domain(self.product_domain))
