from odoo import models
from odoo.fields import Domain

from odoo.addons.crm_customer.privacy import PersonalData


class ResPartner(models.Model):
    _inherit = 'res.partner'

    def _get_personal_data_sources(self):
        return [
            PersonalData(
                key='aftersales.service.point',
                label=self.env._("Service Points"),
                model='aftersales.service.point',
                domain=Domain('partner_id', 'in', self.ids),
                fields=('name', 'team_id'),
                on_erase='keep',
                reason=self.env._("Customers are served there; the place is no person."),
            ),
            *super()._get_personal_data_sources(),
        ]
