from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    crm_score_daily = fields.Boolean(related='company_id.crm_score_daily', readonly=False)
    crm_score_window_months = fields.Integer(
        related='company_id.crm_score_window_months', readonly=False
    )
    crm_score_cut_days = fields.Integer(related='company_id.crm_score_cut_days', readonly=False)
    crm_score_min_buyers = fields.Integer(related='company_id.crm_score_min_buyers', readonly=False)
    crm_score_min_days = fields.Integer(related='company_id.crm_score_min_days', readonly=False)
