from odoo import models

from ..models.loyalty_card import IGNORED


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    def _merge_loyalty_cards(self, src_partners, dst_partner):
        """Merge member cards without losing a point, a tier or an open quotation.

        Core adds the balances and archives what is left over, but its ledger, the quotations that
        will earn for an archived card and the tier stay behind.
        """
        Card = self.env['loyalty.card'].sudo()
        cards = Card.search([('partner_id', 'in', (src_partners | dst_partner).ids)])
        every = Card.with_context(active_test=False)
        every.search([('partner_id', 'in', src_partners.ids)])._note_owners('merge')
        ignoring = self.with_context(loyalty_core_ignored=IGNORED)
        res = super(BasePartnerMergeAutomaticWizard, ignoring)._merge_loyalty_cards(
            src_partners, dst_partner
        )
        for group in cards.filtered('is_member').grouped('program_id').values():
            survivor = group.filtered(lambda c: c.active and c.partner_id == dst_partner)[:1]
            merged = group.filtered(lambda c: not c.active)
            if survivor and merged:
                survivor._take_over(merged)
        return res
