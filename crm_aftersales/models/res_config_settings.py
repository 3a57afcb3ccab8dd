from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    aftersales_team_id = fields.Many2one(related='company_id.aftersales_team_id', readonly=False)
    aftersales_reopen_days = fields.Integer(
        related='company_id.aftersales_reopen_days', readonly=False
    )
    aftersales_warranty_policy_id = fields.Many2one(
        related='company_id.aftersales_warranty_policy_id', readonly=False
    )
    aftersales_meter_days = fields.Integer(
        related='company_id.aftersales_meter_days', readonly=False
    )
