from __future__ import annotations

from markupsafe import Markup

from odoo import Command, models

from odoo.addons.crm_customer.message_content import MessageContent

KEPT_BODY = Markup(
    '<div><span>%s</span></div>'
    '<blockquote class="border-start" data-o-mail-quote="1" data-o-mail-quote-node="1">'
    '%s</blockquote>'
)


class CrmMessage(models.Model):
    _inherit = 'crm.message'

    def _compose_mailing_mailing(self) -> dict[int, MessageContent]:
        """Compose messages of a mailing, each with core's trace of it."""
        mailing = self._get_content()
        context = self.env['res.users'].with_user(mailing.user_id or self.env.user).context_get()
        mailing = mailing.with_context(**{**context, **self.env.context})
        texts = mailing._prepare_message_contents(self.partner_id)
        common = mailing._prepare_message_mail_vals()
        return {
            message.id: message._prepare_mailing_content(
                mailing, common, *texts[message.partner_id.id]
            )
            for message in self
        }

    def _prepare_mailing_content(self, mailing, common: dict, subject, body) -> MessageContent:
        """Return the content of one message of a mailing.

        :param common: values of all mails of the mailing
        """
        keep = mailing.keep_archives or mailing.reply_to_mode == 'update'
        trace = {
            'email': self.partner_id.email_normalized or self.partner_id.email,
            'mass_mailing_id': mailing.id,
            'message_id': self._get_rfc_message_id(),
            'model': 'res.partner',
            'res_id': self.partner_id.id,
        }
        mail = {
            **common,
            'res_id': self.partner_id.id,
            'mailing_trace_ids': [Command.create(trace)],
        }
        if keep:
            title = self.env._("Received the mailing %(name)s", name=mailing.display_name)
            mail['body'] = KEPT_BODY % (title, body)
        return MessageContent(subject=subject, body=body, keep=keep, mail=mail)
