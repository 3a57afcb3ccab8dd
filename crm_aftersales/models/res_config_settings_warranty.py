from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    aftersales_warranty_reminder_days = fields.Integer(
        related='company_id.aftersales_warranty_reminder_days', readonly=False
    )
    aftersales_warranty_template_id = fields.Many2one(
        related='company_id.aftersales_warranty_template_id', readonly=False
    )
