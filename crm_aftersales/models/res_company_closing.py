from odoo import fields, models


class ResCompany(models.Model):
    """When requests are closed whose customers do not answer."""

    _inherit = 'res.company'

    aftersales_closing = fields.Boolean(
        string="Close Unanswered Requests",
        help="Requests that wait for the customer are closed when he does not answer, not before he"
        " was warned. Teams may have days of their own.",
    )
    aftersales_closing_warn_days = fields.Integer(string="Warn Customers after", default=5)
    aftersales_closing_days = fields.Integer(string="Close Requests after", default=5)

    _aftersales_closing_days_range = models.Constraint(
        'CHECK(aftersales_closing_warn_days BETWEEN 1 AND 365'
        ' AND aftersales_closing_days BETWEEN 1 AND 365)',
        "Customers are warned after 1 to 365 working days, requests closed 1 to 365 later.",
    )
