from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Merging contacts never loses an opt-out, a message, a note or a case."""
        dst_partner.sudo()._merge_customer_data(src_partners.sudo())
        return super()._update_foreign_keys(src_partners, dst_partner)
