from odoo import models
from odoo.fields import Domain

from odoo.addons.crm_customer.privacy import PersonalData


class ResPartner(models.Model):
    """What was done for a customer, and who paid for it."""

    _inherit = 'res.partner'

    def _get_personal_data_sources(self):
        return [
            *super()._get_personal_data_sources(),
            PersonalData(
                key='aftersales.service.line',
                label=self.env._("Services"),
                model='aftersales.service.line',
                domain=Domain('request_id.partner_id', 'in', self.ids),
                fields=('request_id', 'date', 'name', 'amount_total', 'amount_customer'),
                on_erase='anonymise',
                reason=self.env._("What was done and paid stays: it belongs to the accounts."),
                values={'override_reason': False},
            ),
        ]
