from odoo import models
from odoo.fields import Domain

from odoo.addons.crm_customer.privacy import PersonalData


class ResPartner(models.Model):
    """What is known of a customer by what he owns."""

    _inherit = 'res.partner'

    def _get_personal_data_sources(self):
        return [
            *super()._get_personal_data_sources(),
            *self._get_personal_sources_units(),
            *self._get_personal_sources_unit_histories(),
        ]

    def _get_personal_sources_units(self) -> list[PersonalData]:
        """Return the products themselves."""
        return [
            PersonalData(
                key='aftersales.unit',
                label=self.env._("Customer Products"),
                model='aftersales.unit',
                domain=Domain('partner_id', 'in', self.ids),
                fields=('ref', 'name', 'serial', 'date_delivered', 'warranty_end', 'note'),
                on_erase='anonymise',
                reason=self.env._("The serial number is needed for recalls and the next owner."),
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

    def _get_personal_sources_unit_histories(self) -> list[PersonalData]:
        """Return what happened to them."""
        return [
            PersonalData(
                key='aftersales.unit.owner',
                label=self.env._("Products Owned"),
                model='aftersales.unit.owner',
                domain=Domain('partner_id', 'in', self.ids),
                fields=('unit_id', 'date_from', 'date_to', 'reason'),
                on_erase='anonymise',
                company='unit_id.company_id',
                reason=self.env._("That a product changed hands is part of its history."),
                values={'reason': False},
            ),
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
        ]
