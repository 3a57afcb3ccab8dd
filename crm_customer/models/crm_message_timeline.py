from odoo import models

from ..timeline import TimelineText


class CrmMessage(models.Model):
    _inherit = 'crm.message'

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these messages: sent, held or refused."""
        labels = {
            name: dict(self._fields[name]._description_selection(self.env))
            for name in ('message_class', 'channel', 'state', 'reason')
        }
        return {
            message.id: TimelineText(
                title=message.subject or labels['message_class'].get(message.message_class, ''),
                body=" · ".join(
                    filter(
                        None,
                        [
                            labels['channel'].get(message.channel),
                            # why it is held or was refused; a sent one needs no reason
                            message.state != 'sent' and labels['reason'].get(message.reason),
                        ],
                    )
                ),
                state=labels['state'].get(message.state, ''),
            )
            for message in self
        }
