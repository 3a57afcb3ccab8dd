from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    aftersales_opinion_period_days = fields.Integer(
        related='company_id.aftersales_opinion_period_days', readonly=False
    )
    aftersales_followup = fields.Boolean(related='company_id.aftersales_followup', readonly=False)
    aftersales_followup_user_id = fields.Many2one(
        related='company_id.aftersales_followup_user_id', readonly=False
    )
    aftersales_followup_hours = fields.Float(
        related='company_id.aftersales_followup_hours', readonly=False
    )
    aftersales_nps_bad = fields.Integer(related='company_id.aftersales_nps_bad', readonly=False)
    aftersales_ces_bad = fields.Integer(related='company_id.aftersales_ces_bad', readonly=False)
    aftersales_ask_nps = fields.Boolean(related='company_id.aftersales_ask_nps', readonly=False)
    aftersales_ask_ces = fields.Boolean(related='company_id.aftersales_ask_ces', readonly=False)
    aftersales_survey_days = fields.Integer(
        related='company_id.aftersales_survey_days', readonly=False
    )
    aftersales_csat_bad = fields.Integer(related='company_id.aftersales_csat_bad', readonly=False)
