from odoo import fields, models


class ResCompany(models.Model):
    """How a company listens to its customers."""

    _inherit = 'res.company'

    aftersales_opinion_period_days = fields.Integer(
        string="Period of Opinions (Days)",
        default=90,
        help="Themes are compared with the period before; a measure's effect is looked at one"
        " period after it.",
    )

    _aftersales_opinion_period_range = models.Constraint(
        'CHECK(aftersales_opinion_period_days BETWEEN 1 AND 3650)',
        "Periods of opinions have between 1 and 3650 days.",
    )
