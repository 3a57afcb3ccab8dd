from odoo import models
from odoo.fields import Domain

from odoo.addons.crm_customer.privacy import PersonalData

from ..erasure import redact_keyed


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
                fields=('date', 'qty', 'description', 'origin'),
                on_erase='keep',
                reason=ledger,
                erase=lambda rows, redactor: rows._erase_names(redactor),
            ),
            *self._get_personal_sources_keyed(ledger),
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

    def _get_personal_sources_keyed(self, reason: str) -> list[PersonalData]:
        """What stands beside the ledger, under keys that other systems gave.

        :param reason: why it is kept
        """
        movement = ('create_date', 'qty', 'description', 'state')
        call = ('create_date', 'key', 'method')
        labels = {
            'loyalty.hold': self.env._("Held Points"),
            'loyalty.pending': self.env._("Pending Points"),
            'loyalty.api.call': self.env._("Points Movements of Other Systems"),
        }
        return [
            PersonalData(
                key=model,
                label=labels[model],
                model=model,
                domain=Domain('card_id.partner_id', 'in', self.ids),
                fields=shown,
                on_erase='keep',
                reason=reason,
                erase=lambda rows, redactor, text=text: redact_keyed(redactor, rows, (text,)),
            )
            for model, shown, text in (
                ('loyalty.hold', movement, 'description'),
                ('loyalty.pending', movement, 'description'),
                ('loyalty.api.call', call, 'answer'),
            )
        ]
