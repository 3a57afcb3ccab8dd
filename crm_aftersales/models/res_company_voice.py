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

    aftersales_followup = fields.Boolean(
        string="Follow Up Bad Scores",
        default=True,
        help="A bad score of a customer gives somebody a task with a deadline.",
    )
    aftersales_followup_user_id = fields.Many2one(
        comodel_name='res.users',
        string="Bad Scores Go to",
        domain="[('share', '=', False), ('company_ids', 'in', id)]",
        help="Where the team has no leader. Empty: who did the work.",
    )
    aftersales_followup_hours = fields.Float(
        string="Call Back within (Hours)", default=8, help="Working hours of the team."
    )
    aftersales_csat_bad = fields.Integer(
        string="Bad Satisfaction", default=2, help="This rating of 1 to 5, and every lower one."
    )

    _aftersales_followup_bounds = models.Constraint(
        'CHECK(aftersales_followup_hours >= 0 AND aftersales_followup_hours <= 2000'
        ' AND aftersales_csat_bad BETWEEN 1 AND 5)',
        "Bad scores are followed up within 0 to 2000 working hours; ratings have 1 to 5 points.",
    )
    _aftersales_opinion_period_range = models.Constraint(
        'CHECK(aftersales_opinion_period_days BETWEEN 1 AND 3650)',
        "Periods of opinions have between 1 and 3650 days.",
    )
