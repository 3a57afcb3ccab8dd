from odoo import models

from ..models.loyalty_card import IGNORED, OpeningKind


class LoyaltyGenerateWizard(models.TransientModel):
    _inherit = 'loyalty.generate.wizard'

    def generate_coupons(self):
        # core makes the cards with their points first and enters rows after
        granting = self.with_context(
            loyalty_opening_kind=OpeningKind('grant'), loyalty_core_ignored=IGNORED
        )
        return super(LoyaltyGenerateWizard, granting).generate_coupons().with_env(self.env)
