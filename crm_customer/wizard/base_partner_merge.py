from odoo import api, models


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    def action_merge(self):
        """After the merge of a suggestion, show those that are left: it is gone itself."""
        action = super().action_merge()
        if not self.env.context.get('crm_merge_suggestion'):
            return action
        left = self.env['ir.actions.act_window']._for_xml_id(
            'crm_customer.crm_merge_suggestion_action'
        )
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._("Contacts Merged"),
                'next': {**left, 'target': 'main'},
            },
        }

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Merging contacts never loses an opt-out, a message, a note or a case."""
        dst_partner.sudo()._merge_customer_data(src_partners.sudo())
        return super()._update_foreign_keys(src_partners, dst_partner)
