from __future__ import annotations

from markupsafe import Markup

from odoo import Command, fields, models


class AftersalesRequest(models.Model):
    """Tags, and answers that were written before."""

    _inherit = 'aftersales.request'

    tag_ids = fields.Many2many(
        comodel_name='aftersales.tag',
        relation='aftersales_request_tag_rel',
        string="Tags",
        check_company=True,
    )

    def _get_customer_lang(self) -> str:
        """Return the language the customer is written to."""
        self.ensure_one()
        return self.partner_id.lang or self.company_id.partner_id.lang or self.env.lang

    def _post_macro(self, body: Markup, is_note: bool = False) -> None:
        """Write an answer to the customer, who gets it by mail, or a note to colleagues."""
        self.ensure_one()
        values = {'subtype_xmlid': 'mail.mt_note'}
        if not is_note:
            # a sender nobody knows becomes a contact when he is answered
            customer = self.partner_id or (
                self.email_from and self._partner_find_from_emails_single([self.email_from])
            )
            values = {
                'subtype_xmlid': 'mail.mt_comment',
                'partner_ids': customer.ids if customer else [],
            }
        self.message_post(body=body, message_type='comment', **values)

    def _prepare_taken_over_vals(self, sources):
        vals = super()._prepare_taken_over_vals(sources)
        if tags := sources.tag_ids - self.tag_ids:
            vals['tag_ids'] = [Command.link(tag_id) for tag_id in tags.ids]
        return vals
