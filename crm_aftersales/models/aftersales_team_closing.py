from odoo import fields, models


class AftersalesTeam(models.Model):
    """When requests of a team are closed whose customers do not answer."""

    _inherit = 'aftersales.team'

    closing = fields.Selection(
        selection=[
            ('company', "As set for the company"),
            ('own', "After days of its own"),
            ('never', "Never"),
        ],
        string="Close Unanswered Requests",
        default='company',
        required=True,
    )
    closing_warn_days = fields.Integer(
        string="Warn after",
        default=5,
        help="Working days without an answer after which the customer is warned.",
    )
    closing_days = fields.Integer(
        string="Close after", default=5, help="Working days after the warning."
    )

    _closing_days_range = models.Constraint(
        'CHECK(closing_warn_days BETWEEN 1 AND 365 AND closing_days BETWEEN 1 AND 365)',
        "Customers are warned after 1 to 365 working days, requests closed 1 to 365 later.",
    )

    def _get_closing_days(self, company) -> tuple[int, int]:
        """Return after how many working days a team warns, and how many later it closes.

        :param company: a ``res.company``, whose days count when the team has none of its own
        :return: zeros when nothing is closed
        """
        if self.closing == 'never':
            return 0, 0
        if self.closing == 'own':
            return self.closing_warn_days, self.closing_days
        if not company.aftersales_closing:
            return 0, 0
        return company.aftersales_closing_warn_days, company.aftersales_closing_days
