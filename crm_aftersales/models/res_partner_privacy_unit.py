from odoo import models
from odoo.fields import Domain

from odoo.addons.crm_customer.privacy import PersonalData


class ResPartner(models.Model):
    """What is known of a customer by what he owns."""

    _inherit = 'res.partner'

    def _get_personal_data_sources(self):
        return [
            *super()._get_personal_data_sources(),
            PersonalData(
                key='aftersales.meter.reading',
                label=self.env._("Meter Readings"),
                model='aftersales.meter.reading',
                domain=Domain('unit_id.partner_id', 'in', self.ids),
                fields=('unit_id', 'date', 'value', 'note'),
                on_erase='anonymise',
                reason=self.env._("How much a product was used is part of its history."),
                values={'note': False},
            ),
            PersonalData(
                key='aftersales.unit.vehicle',
                label=self.env._("Vehicles"),
                model='aftersales.unit',
                domain=Domain('partner_id', 'in', self.ids)
                & (Domain('plate', '!=', False) | Domain('vin', '!=', False)),
                fields=('ref', 'vin', 'plate', 'date_registered'),
                on_erase='anonymise',
                reason=self.env._("The VIN is needed for recalls and the next owner."),
                values={'plate': False},
            ),
            PersonalData(
                key='aftersales.unit.component',
                label=self.env._("Parts of Customer Products"),
                model='aftersales.unit.component',
                domain=Domain('unit_id.partner_id', 'in', self.ids),
                fields=('unit_id', 'product_id', 'serial', 'date_from', 'date_to', 'reason'),
                on_erase='keep',
                reason=self.env._("What was replaced in a product is part of its history."),
            ),
            PersonalData(
                key='aftersales.unit.stay',
                label=self.env._("Stays in Service"),
                model='aftersales.unit.stay',
                domain=Domain('unit_id.partner_id', 'in', self.ids),
                fields=('unit_id', 'date_from', 'date_to', 'note'),
                on_erase='anonymise',
                reason=self.env._("How long a product was in repair is part of its history."),
                values={'note': False},
            ),
            PersonalData(
                key='aftersales.unit.site',
                label=self.env._("Products That Stand There"),
                model='aftersales.unit',
                domain=Domain('site_partner_id', 'in', self.ids),
                fields=('ref', 'name', 'serial'),
                on_erase='anonymise',
                reason=self.env._("The product belongs to somebody else."),
                values={'site_partner_id': False},
            ),
        ]
