from odoo import models
from odoo.fields import Domain

from odoo.addons.crm_customer.privacy import PersonalData


class ResPartner(models.Model):
    _inherit = 'res.partner'

    def _get_personal_data_sources(self):
        ledger = self.env._("Points are in the books: the ledger stays as it is, without a name.")
        return [
            PersonalData(
                key='loyalty.card',
                label=self.env._("Member Cards"),
                model='loyalty.card',
                domain=Domain('partner_id', 'in', self.ids),
                fields=('code', 'program_id', 'points', 'tier_id'),
                on_erase='keep',
                reason=self.env._("Cards are closed and get another number; points stay."),
                erase=lambda cards, redactor: cards._close_erased(redactor),
            ),
            PersonalData(
                key='loyalty.card.owner',
                label=self.env._("Earlier Owners of Cards"),
                model='loyalty.card.owner',
                domain=Domain('partner_number', 'in', self.ids)
                | (Domain('card_id.partner_id', 'in', self.ids) & Domain('reason', '=', 'merge')),
                fields=('card_id', 'name', 'date', 'reason'),
                on_erase='anonymise',
                values={'name': False},
                reason=ledger,
            ),
            PersonalData(
                key='loyalty.history',
                label=self.env._("Points"),
                model='loyalty.history',
                domain=Domain('card_id.partner_id', 'in', self.ids),
                fields=('date', 'qty', 'description'),
                on_erase='keep',
                reason=ledger,
            ),
            PersonalData(
                key='loyalty.tier.history',
                label=self.env._("Tiers"),
                model='loyalty.tier.history',
                domain=Domain('card_id.partner_id', 'in', self.ids),
                fields=('date', 'old_tier_id', 'new_tier_id', 'reason'),
                on_erase='keep',
                reason=ledger,
            ),
            *super()._get_personal_data_sources(),
        ]
