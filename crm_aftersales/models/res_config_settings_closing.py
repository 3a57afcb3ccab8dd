from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    aftersales_closing = fields.Boolean(related='company_id.aftersales_closing', readonly=False)
    aftersales_closing_warn_days = fields.Integer(
        related='company_id.aftersales_closing_warn_days', readonly=False
    )
    aftersales_closing_days = fields.Integer(
        related='company_id.aftersales_closing_days', readonly=False
    )
