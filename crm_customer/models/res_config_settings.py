from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    crm_job_keep_days = fields.Integer(related='company_id.crm_job_keep_days', readonly=False)
