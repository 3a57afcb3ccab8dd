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
    aftersales_csat_bad = fields.Integer(related='company_id.aftersales_csat_bad', readonly=False)
