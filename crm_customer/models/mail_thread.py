from functools import partial

from odoo import api, models
from odoo.service.model import retrying
from odoo.tools import html2plaintext

MAX_FAILURE = 500  # characters


class MailThread(models.AbstractModel):
    _inherit = 'mail.thread'

    @api.model
    def message_process(self, model, message, *args, **kwargs):
        """Try again where somebody else was faster: what was fetched is not fetched once more.

        Each mail is fetched in a transaction of its own; calls of other programs are tried again
        by Odoo itself.
        """
        process = partial(super().message_process, model, message, *args, **kwargs)
        if 'default_fetchmail_server_id' in self.env.context:
            return retrying(process, self.env)
        return process()

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        """Tell the customer's message that its mail came back."""
        result = super()._routing_handle_bounce(email_message, message_dict)
        if message_dict['bounced_msg_ids']:
            failure = html2plaintext(message_dict.get('body') or '')[:MAX_FAILURE]
            self.env['crm.message']._set_bounced(message_dict['bounced_msg_ids'], failure)
        return result

    def _message_parse_post_process(self, message, message_dict, routes):
        """Mail the company no answer to what it wrote itself: its address may be one of ours."""
        values = super()._message_parse_post_process(message, message_dict, routes)
        answered = self.env['mail.message'].sudo().browse(message_dict.get('parent_id'))
        author = answered.author_id
        companies = self.env['res.company'].sudo()
        if author and companies.search_count([('partner_id', '=', author.id)], limit=1):
            values['parent_id'] = False  # the thread goes on, its first message is the parent
        return values
