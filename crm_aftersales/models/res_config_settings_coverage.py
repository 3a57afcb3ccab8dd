from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    aftersales_goodwill_percent = fields.Float(
        related='company_id.aftersales_goodwill_percent', readonly=False
    )
    aftersales_goodwill_months = fields.Integer(
        related='company_id.aftersales_goodwill_months', readonly=False
    )
    aftersales_goodwill_limit = fields.Monetary(
        related='company_id.aftersales_goodwill_limit',
        currency_field='currency_id',
        readonly=False,
    )
