from odoo import api, models
from odoo.tools import SQL


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = 'base.partner.merge.automatic.wizard'

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        """Keep membership history and drop derived scores before core moves the rows.

        Where moving would break a unique index core deletes all rows of the merged contacts.
        """
        self._close_double_memberships(src_partners, dst_partner)
        scores = self.env['crm.customer.score'].sudo()
        scores.search([('partner_id', 'in', src_partners.ids)]).unlink()
        return super()._update_foreign_keys(src_partners, dst_partner)

    @api.model
    def _close_double_memberships(self, src_partners, dst_partner) -> None:
        """Leave one open membership in each segment; the others become history."""
        self.env['crm.segment.member'].flush_model()
        self.env.cr.execute(
            SQL(
                """UPDATE crm_segment_member member SET left_at = %(now)s
                    WHERE member.partner_id IN %(sources)s
                      AND member.left_at IS NULL
                      AND EXISTS (SELECT FROM crm_segment_member other
                                   WHERE other.segment_id = member.segment_id
                                     AND other.left_at IS NULL
                                     AND (other.partner_id = %(target)s
                                          OR other.partner_id IN %(sources)s
                                         AND other.id < member.id))""",
                now=self.env.cr.now(),
                sources=tuple(src_partners.ids),
                target=dst_partner.id,
            )
        )
        self.env['crm.segment.member'].invalidate_model()
