from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    aftersales_opinion_period_days = fields.Integer(
        related='company_id.aftersales_opinion_period_days', readonly=False
    )
