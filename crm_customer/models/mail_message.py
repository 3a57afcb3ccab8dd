from odoo import models

from ..timeline import TimelineText


class MailMessage(models.Model):
    _inherit = 'mail.message'

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these messages on his contacts."""
        types = dict(self._fields['message_type']._description_selection(self.env))
        internal = self.env._("Note")
        return {
            message.id: TimelineText(
                title=message.subject or message.author_id.name or message.email_from or '',
                body=message.preview or '',
                state=internal if message.is_internal else types.get(message.message_type, ''),
                target=(message.model, message.res_id),
            )
            for message in self
        }
