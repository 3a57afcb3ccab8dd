from odoo import models
from odoo.tools import SQL


class ResPartner(models.Model):
    _inherit = 'res.partner'

    def _merge_customer_data(self, src_partners):
        """Keep membership history; scores are computed again from what was bought."""
        self._close_double_memberships(src_partners)
        scores = self.env['crm.customer.score'].sudo()
        scores.search([('partner_id', 'in', src_partners.ids)]).unlink()
        return super()._merge_customer_data(src_partners)

    def _get_merge_references(self):
        return [*super()._get_merge_references(), ('mailing.trace', 'model', 'res_id')]

    def _close_double_memberships(self, src_partners) -> None:
        """Leave one open membership in each segment; the others become history.

        :param src_partners: ``res.partner`` that will be deleted
        """
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
                target=self.id,
            )
        )
        self.env['crm.segment.member'].invalidate_model()
