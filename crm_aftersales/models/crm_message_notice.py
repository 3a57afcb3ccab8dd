from odoo import models

#: what programs that answer mail by themselves look at, so that none answers a notice
AUTOMATIC_HEADERS = {'Auto-Submitted': 'auto-replied', 'X-Auto-Response-Suppress': 'All'}


class CrmMessage(models.Model):
    _inherit = 'crm.message'

    def _get_mail_headers(self):
        headers = super()._get_mail_headers()
        is_notice = self.origin_model == 'aftersales.request' and ':notice:' in (self.key or '')
        return {**headers, **AUTOMATIC_HEADERS} if is_notice else headers
