from __future__ import annotations

from odoo import models

from ..message_content import MessageContent


class CrmMessage(models.Model):
    _inherit = 'crm.message'

    def _compose_crm_person(self) -> dict[int, MessageContent]:
        """Compose the question whether somebody agrees; the link is signed and written last."""
        template = self.env.ref('crm_customer.mail_template_consent_confirm')
        return {message.id: message._prepare_confirmation_content(template) for message in self}

    def _prepare_confirmation_content(self, template) -> MessageContent:
        """Return the content of one confirmation.

        :param template: ``mail.template`` about contacts
        """
        purposes = self.content_values['purposes']
        url = self.person_id._get_confirm_url(self.company_id, purposes, self.channel)
        template = template.with_context(confirm_url=url, confirm_company=self.company_id)
        partner_id = self.partner_id.id
        names = ['subject', 'body_html', 'email_from']
        rendered = template._generate_template([partner_id], names)[partner_id]
        return self._prepare_template_content(template, rendered, partner_id)
