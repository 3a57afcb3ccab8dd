from __future__ import annotations

from odoo import api, fields, models

#: headers of programs that answer mail by themselves
ANSWERED_BY_PROGRAM = ('X-Autoreply', 'X-Autorespond')


class MailThread(models.AbstractModel):
    """Requests for a rating pass the gate for customers' messages, whichever addon asks.

    What a program answers to our mails is a note on the request.
    """

    _inherit = 'mail.thread'

    def rating_send_request(self, template, lang=False, force_send=True):
        """Plan the question; ``lang`` and ``force_send`` cannot overrule customer and gate."""
        vals_list = [
            record._prepare_rating_message_vals(template)
            for record in self
            if record._rating_get_partner()
        ]
        self.env['crm.message'].sudo()._plan(vals_list)

    def _prepare_rating_message_vals(self, template) -> dict:
        """Return the message by which the customer of a record is asked for a rating.

        :param template: ``mail.template`` of the record's model
        """
        self.ensure_one()
        company = self._mail_get_companies(default=self.env.company)[self.id]
        return {
            'key': f'{self._name}:{self.id}:rating:{self._get_rating_event()}',
            'partner_id': self._rating_get_partner().id,
            'company_id': company.id,
            'message_class': 'survey',
            'subject': template.name,
            'origin_model': self._name,
            'origin_id': self.id,
            'content_model': template._name,
            'content_id': template.id,
            'content_values': {'layout': 'mail.mail_notification_light', 'keep': True},
        }

    def _get_rating_event(self) -> str:
        """Return what the rating is about beside the record: asked at most once for each."""
        return str(fields.Date.today())

    # ------------------------------------------------------------
    # WHAT PROGRAMS SEND
    # ------------------------------------------------------------

    @api.model
    def _is_sent_by_program(self, message) -> bool:
        """Whether a mail says of itself that nobody wrote it, as out-of-office notes do.

        :param message: an ``email.message.EmailMessage``
        """
        submitted = str(message.get('Auto-Submitted') or 'no').split(';')[0].strip().lower()
        precedence = str(message.get('Precedence') or '').strip().lower()
        return (
            submitted != 'no'
            or precedence in ('auto_reply', 'bulk', 'junk')
            or any(message.get(name) for name in ANSWERED_BY_PROGRAM)
        )

    @api.model
    def _routing_check_route(self, message, message_dict, route, raise_exception=True):
        """Let requests look at mails of whole mailboxes too, not only at those to their teams."""
        check = super()._routing_check_route
        if self._name == 'mail.thread' and route[0] == 'aftersales.request':
            check = self.env['aftersales.request']._routing_check_route
        return check(message, message_dict, route, raise_exception=raise_exception)

    def _message_parse_post_process(self, message, message_dict, routes):
        """Enter what a program answered as a note: it reopens nothing and is mailed to nobody.

        Only the colleague whose message it answers is told.
        """
        values = super()._message_parse_post_process(message, message_dict, routes)
        to_requests = routes and all(
            model == 'aftersales.request' and thread_id for model, thread_id, *_rest in routes
        )
        if to_requests and self._is_sent_by_program(message):
            answered = self.env['mail.message'].sudo().browse(message_dict.get('parent_id'))
            values['is_internal'] = True
            values['parent_id'] = not answered.author_id.partner_share and answered.id
        return values
