from odoo import models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    def _update_foreign_keys(self, src_partners, dst_partner):
        """Hand products and requests to the surviving contact and the company he belongs to.

        The merge rewrites every reference in SQL, also the stored commercial contact, which is not
        the survivor himself where he is a company's contact.
        """
        result = super()._update_foreign_keys(src_partners, dst_partner)
        for model in ('aftersales.unit', 'aftersales.request'):
            records = self.env[model].sudo().with_context(active_test=False)
            records = records.search([('partner_id', '=', dst_partner.id)])
            self.env.add_to_compute(records._fields['commercial_partner_id'], records)
        return result
