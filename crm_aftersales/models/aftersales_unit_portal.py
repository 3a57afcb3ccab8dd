from __future__ import annotations

from datetime import date
from typing import NamedTuple

from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.fields import Domain

#: who looks at a product -> the documents of its model that are for him
SHOWN_TO = {
    'owner': ('owner', 'everybody'),
    'link': ('owner', 'everybody'),
    'everybody': ('everybody',),
}


class PortalEvent(NamedTuple):
    """Something that happened to a product, as its owner sees it."""

    day: date
    text: str
    url: str = ''


class AftersalesUnit(models.Model):
    """What the owner of a product, and whoever scans its code, finds out about it."""

    _inherit = 'aftersales.unit'

    customer_document_ids = fields.Many2many(
        comodel_name='ir.attachment',
        relation='aftersales_unit_customer_document_rel',
        string="Documents for the Owner",
        copy=False,
        groups='base.group_user',
        help="Files about this one piece that its owner finds on the portal. When the product goes"
        " to another owner, they stay with staff.",
    )

    # ------------------------------------------------------------
    # WARRANTY
    # ------------------------------------------------------------

    def _get_warranty_months_left(self) -> int:
        """Return for how many whole months the product is still under warranty."""
        self.ensure_one()
        if self.warranty_state != 'in_warranty' or not self.warranty_end:
            return 0
        left = relativedelta(self.warranty_end + relativedelta(days=1), self._get_customer_day())
        return left.years * 12 + left.months

    def _get_warranty_left_text(self) -> str:
        """Return in words how long the product is still under warranty; empty when it is not."""
        self.ensure_one()
        if self.warranty_state != 'in_warranty' or not self.warranty_end:
            return ''
        months = self._get_warranty_months_left()
        if months > 1:
            return self.env._("%(months)s months left", months=months)
        days = (self.warranty_end - self._get_customer_day()).days
        if days > 1:
            return self.env._("%(days)s days left", days=days)
        return self.env._("ends tomorrow") if days else self.env._("ends today")

    def _get_portal_warranties(self):
        """Return the certificates the owner may print: those that were granted and are not void."""
        self.ensure_one()
        return self.warranty_ids.filtered(lambda warranty: warranty.state == 'active')

    # ------------------------------------------------------------
    # DOCUMENTS
    # ------------------------------------------------------------

    def _get_portal_documents(self, audience: str):
        """Return the files somebody may open: manuals of the model, and the owner's own.

        :param audience: key of ``SHOWN_TO``: the owner, who got a link of him, or everybody
        :return: ``ir.attachment``, in elevated rights
        """
        self.ensure_one()
        unit = self.sudo()
        product = unit.product_id
        documents = unit.env['product.document'].search(
            Domain('aftersales_shown_to', 'in', SHOWN_TO[audience])
            & Domain('company_id', 'in', [False, unit.company_id.id])
            & (
                Domain('res_model', '=', 'product.product') & Domain('res_id', '=', product.id)
                | Domain('res_model', '=', 'product.template')
                & Domain('res_id', '=', product.product_tmpl_id.id)
            )
        )
        own = unit.customer_document_ids if audience == 'owner' else documents.ir_attachment_id[:0]
        return documents.ir_attachment_id | own

    def _revoke_access(self, owner):
        """Files made for one owner are not for the next."""
        self.sudo().customer_document_ids = False
        return super()._revoke_access(owner)

    # ------------------------------------------------------------
    # HISTORY
    # ------------------------------------------------------------

    def _get_portal_events(self, partner) -> list[PortalEvent]:
        """Return what happened to the product, the last first; addons add what they know.

        :param partner: the visitor, a ``res.partner`` of the owner: he learns nothing of others
        """
        self.ensure_one()
        events = []
        if self.date_delivered:
            order = self.sale_order_id
            customer = partner.sudo().commercial_partner_id
            if order.partner_id.commercial_partner_id != customer:
                order = order.browse()
            text = self.env._("Delivered")
            if order:
                text = self.env._("Delivered with order %(order)s", order=order.name)
            events.append(PortalEvent(self.date_delivered, text, order.access_url or ''))
        return events
