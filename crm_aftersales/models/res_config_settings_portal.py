from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    aftersales_portal_access = fields.Selection(
        related='company_id.aftersales_portal_access', readonly=False, required=True
    )
    aftersales_form = fields.Boolean(related='company_id.aftersales_form', readonly=False)
    aftersales_form_contacts = fields.Boolean(
        related='company_id.aftersales_form_contacts', readonly=False
    )
    aftersales_notice_received = fields.Boolean(
        related='company_id.aftersales_notice_received', readonly=False
    )
    aftersales_notice_waiting = fields.Boolean(
        related='company_id.aftersales_notice_waiting', readonly=False
    )
    aftersales_notice_resolved = fields.Boolean(
        related='company_id.aftersales_notice_resolved', readonly=False
    )
    aftersales_notice_sms = fields.Boolean(
        related='company_id.aftersales_notice_sms', readonly=False
    )
    aftersales_form_url = fields.Char(compute='_compute_aftersales_form_url')

    @api.depends('company_id')
    def _compute_aftersales_form_url(self):
        for settings in self:
            company = settings.company_id
            settings.aftersales_form_url = (
                f'{company.get_base_url()}/aftersales/request?company={company.id}'
            )
