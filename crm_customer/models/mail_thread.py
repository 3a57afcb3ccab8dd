from odoo import api, models
from odoo.tools import html2plaintext

MAX_FAILURE = 500  # characters


class MailThread(models.AbstractModel):
    _inherit = 'mail.thread'

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        """Tell the customer's message that its mail came back."""
        result = super()._routing_handle_bounce(email_message, message_dict)
        if message_dict['bounced_msg_ids']:
            failure = html2plaintext(message_dict.get('body') or '')[:MAX_FAILURE]
            self.env['crm.message']._set_bounced(message_dict['bounced_msg_ids'], failure)
        return result
