from odoo import models
from odoo.fields import Domain

from odoo.addons.crm_customer.privacy import PersonalData


class ResPartner(models.Model):
    """Warranties name nobody but are given out with the products; reasons may name someone."""

    _inherit = 'res.partner'

    def _get_personal_data_sources(self):
        return [
            PersonalData(
                key='aftersales.warranty',
                label=self.env._("Warranties"),
                model='aftersales.warranty',
                domain=Domain('unit_id.partner_id', 'in', self.ids),
                fields=('unit_id', 'layer', 'date_start', 'date_end', 'status', 'reason'),
                on_erase='keep',
                reason=self.env._("What was promised belongs to the product."),
            ),
            *super()._get_personal_data_sources(),
        ]
