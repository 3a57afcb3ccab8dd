from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    aftersales_portal_access = fields.Selection(
        related='company_id.aftersales_portal_access', readonly=False, required=True
    )
