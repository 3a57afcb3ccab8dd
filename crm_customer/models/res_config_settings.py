from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    crm_job_keep_days = fields.Integer(related='company_id.crm_job_keep_days', readonly=False)
    crm_message_keep_days = fields.Integer(
        related='company_id.crm_message_keep_days', readonly=False
    )
    crm_consent_promotion = fields.Selection(
        related='company_id.crm_consent_promotion', readonly=False, required=True
    )
    crm_consent_care = fields.Selection(
        related='company_id.crm_consent_care', readonly=False, required=True
    )
    crm_consent_survey = fields.Selection(
        related='company_id.crm_consent_survey', readonly=False, required=True
    )
    crm_consent_confirm = fields.Boolean(related='company_id.crm_consent_confirm', readonly=False)
    crm_consent_wording = fields.Text(related='company_id.crm_consent_wording', readonly=False)
    crm_anniversary_feb29 = fields.Selection(
        related='company_id.crm_anniversary_feb29', readonly=False, required=True
    )
    crm_anniversary_leap_month = fields.Selection(
        related='company_id.crm_anniversary_leap_month', readonly=False, required=True
    )
