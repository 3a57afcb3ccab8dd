from odoo import fields, models


class ResCompany(models.Model):
    """What a company pays of its own will, shortly after a warranty has ended."""

    _inherit = 'res.company'

    aftersales_goodwill_percent = fields.Float(
        string="Goodwill (%)",
        digits=(5, 2),
        help="Share of the price that the company bears. Zero: none, unless a manager decides.",
    )
    aftersales_goodwill_months = fields.Integer(
        string="Goodwill after Warranty",
        default=3,
        help="Months after the last day of the warranty in which it is given.",
    )
    aftersales_goodwill_limit = fields.Monetary(
        string="Goodwill Limit",
        currency_field='currency_id',
        help="The most for one request. Zero: no limit.",
    )

    _aftersales_goodwill_range = models.Constraint(
        'CHECK(aftersales_goodwill_percent BETWEEN 0 AND 100'
        ' AND aftersales_goodwill_months BETWEEN 0 AND 1200 AND aftersales_goodwill_limit >= 0)',
        "Goodwill is between 0 and 100 %, and neither its months nor its limit are negative.",
    )
