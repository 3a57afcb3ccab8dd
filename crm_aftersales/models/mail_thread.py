from __future__ import annotations

from odoo import fields, models


class MailThread(models.AbstractModel):
    """Requests for a rating pass the gate for customers' messages, whichever addon asks."""

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
