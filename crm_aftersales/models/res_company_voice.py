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

    aftersales_nps_bad = fields.Integer(
        string="Bad Recommendation", default=6, help="This score of 0 to 10, and every lower one."
    )
    aftersales_ces_bad = fields.Integer(
        string="Bad Ease", default=3, help="This score of 1 to 7, and every lower one."
    )
    aftersales_ask_nps = fields.Boolean(
        string="Ask for a Recommendation (NPS)",
        help="How likely the customer is to recommend us, 0 to 10, when a request is closed.",
    )
    aftersales_ask_ces = fields.Boolean(
        string="Ask for Ease (CES)",
        help="How easy it was made for the customer, 1 to 7, when a request is closed.",
    )
    aftersales_survey_days = fields.Integer(
        string="One Survey within (Days)",
        default=30,
        help="A customer is asked at most once in so many days, whatever he is asked; 0: after"
        " each request.",
    )

    _aftersales_followup_bounds = models.Constraint(
        'CHECK(aftersales_followup_hours >= 0 AND aftersales_followup_hours <= 2000)',
        "Bad scores are followed up within 0 to 2000 working hours.",
    )
    _aftersales_score_bounds = models.Constraint(
        'CHECK(aftersales_csat_bad BETWEEN 1 AND 5 AND aftersales_nps_bad BETWEEN 0 AND 10'
        ' AND aftersales_ces_bad BETWEEN 1 AND 7)',
        "Ratings have 1 to 5 points, recommendations 0 to 10, ease 1 to 7.",
    )
    _aftersales_survey_range = models.Constraint(
        'CHECK(aftersales_survey_days BETWEEN 0 AND 3650)',
        "Customers are asked again after 0 to 3650 days.",
    )
    _aftersales_opinion_period_range = models.Constraint(
        'CHECK(aftersales_opinion_period_days BETWEEN 1 AND 3650)',
        "Periods of opinions have between 1 and 3650 days.",
    )
