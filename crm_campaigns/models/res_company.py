from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    crm_score_daily = fields.Boolean(
        string="Score customers every night",
        default=True,
    )
    crm_score_window_months = fields.Integer(
        string="Scoring window (months)",
        default=24,
        help="Only orders and credit notes of the last months count for frequency and value.",
    )
    crm_score_cut_days = fields.Integer(
        string="Renew cut points after (days)",
        default=7,
        help="Nightly runs keep the cut points of the last run that made new ones for so many "
        "days, so that a customer's scores do not move because of what others bought.",
    )
    crm_score_min_buyers = fields.Integer(
        string="Least number of buyers",
        default=50,
        help="With fewer buyers in the window customers are counted but not scored.",
    )
    crm_score_min_days = fields.Integer(
        string="Least history (days)",
        default=90,
        help="With a shorter order history customers are counted but not scored.",
    )

    _crm_score_window_positive = models.Constraint(
        'CHECK(crm_score_window_months BETWEEN 1 AND 1200)',
        "The scoring window is between 1 and 1200 months.",
    )
    _crm_score_cut_days_range = models.Constraint(
        'CHECK(crm_score_cut_days BETWEEN 0 AND 3650)',
        "Cut points are renewed after 0 to 3650 days.",
    )
    _crm_score_gate_positive = models.Constraint(
        'CHECK(crm_score_min_buyers > 0 AND crm_score_min_days >= 0)',
        "Scoring needs at least one buyer; the least history cannot be negative.",
    )

    def _get_crm_score_timezone(self) -> str:
        """Return the zone in which this company's days begin and end.

        The contact's own zone is whoever's created it, so the working calendar decides.
        """
        self.ensure_one()
        return self.resource_calendar_id.tz or self.partner_id.tz or 'UTC'
