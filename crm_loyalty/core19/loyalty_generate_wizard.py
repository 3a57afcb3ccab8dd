from odoo import models

from ..models.loyalty_card import DEFERRED


class LoyaltyGenerateWizard(models.TransientModel):
    _inherit = 'loyalty.generate.wizard'

    def generate_coupons(self):
        # core makes the cards with their points first and the rows after
        deferred = self.with_context(loyalty_ledger_deferred=DEFERRED)
        cards = super(LoyaltyGenerateWizard, deferred).generate_coupons().with_env(self.env)
        cards.sudo().history_ids.kind = 'grant'
        cards.sudo()._settle_managed('grant', 'grant')
        return cards
