from odoo import models
from odoo.fields import Domain

from ..timeline import TimelineText


class MailMessage(models.Model):
    _inherit = 'mail.message'

    def _message_fetch(self, domain, *, thread=None, **kwargs):
        """Find nothing on a record that may not be read here, instead of what stands anywhere.

        A confidential record is open on the screen, while its conversation is asked for by a way
        that does not know it: the record is empty then, and would be taken for no condition.
        """
        if thread is not None and not thread:
            domain = Domain.FALSE
        return super()._message_fetch(domain, thread=thread, **kwargs)

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these messages."""
        types = dict(self._fields['message_type']._description_selection(self.env))
        internal = self.env._("Note")
        return {
            message.id: message._prepare_timeline_text(
                title=message.subject or message.author_id.name or message.email_from or '',
                state=internal if message.is_internal else types.get(message.message_type, ''),
            )
            for message in self._filter_timeline_readable()
        }

    def _get_timeline_activity_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these calls and visits."""
        return {
            message.id: message._prepare_timeline_text(
                title=message.author_id.name or '', state=message.mail_activity_type_id.name or ''
            )
            for message in self._filter_timeline_readable()
        }

    def _filter_timeline_readable(self):
        """Return the messages of a page that the user may read, in elevated rights.

        The search has chosen them by the rights on their records; a model may be stricter about its
        messages.
        """
        return self.sudo(False)._filtered_access('read').sudo()

    def _prepare_timeline_text(self, title: str, state: str) -> TimelineText:
        """Return the text of one message; on a document, its name stands with the title."""
        self.ensure_one()
        document = self.record_name if self.model != 'res.partner' else ''
        return TimelineText(
            title=" · ".join(filter(None, [title, document])),
            body=self.preview or '',
            state=state,
            target=(self.model, self.res_id),
        )
