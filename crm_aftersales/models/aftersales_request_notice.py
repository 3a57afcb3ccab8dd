from __future__ import annotations

from datetime import timedelta

from odoo import api, fields, models

from .aftersales_request_stage import OPEN_STATES

#: ways a customer comes by himself, so that a confirmation tells him something new
CUSTOMER_CHANNELS = ('email', 'portal', 'web', 'qr', 'api')
#: what happens -> the setting that has the customer told of it
NOTICES = {
    'received': 'aftersales_notice_received',
    'waiting': 'aftersales_notice_waiting',
    'resolved': 'aftersales_notice_resolved',
}


class AftersalesRequest(models.Model):
    """Customers are told how their requests stand: received, waiting for them, resolved.

    Each notice is a message of the gate, about service: it waits for nothing, and goes in the
    customer's language. Who is only an address yet is told by the first answer.
    """

    _inherit = 'aftersales.request'

    @api.model_create_multi
    def create(self, vals_list):
        requests = super().create(vals_list)
        requests.filtered(lambda request: request._is_new_from_customer())._plan_notices('received')
        return requests

    def _on_state_changed(self, old_states):
        res = super()._on_state_changed(old_states)
        silent = self.filtered(lambda request: not request._is_answered_at_once())
        silent.filtered(lambda request: request.state == 'waiting_customer')._plan_notices(
            'waiting'
        )
        silent.filtered(
            lambda request: request._is_solution_news(old_states[request])
        )._plan_notices('resolved')
        return res

    def _is_new_from_customer(self) -> bool:
        """Whether the customer has just come by himself; an import of past requests is no news.

        A program is not told, as it might answer, and of what we split off he knows nothing.
        """
        recent = fields.Datetime.now() - timedelta(days=1)
        return (
            self.channel in CUSTOMER_CHANNELS
            and self.state in OPEN_STATES
            and self.date_received >= recent
            and not self.env.context.get('import_file')
            and not self.env.context.get('aftersales_quiet')
        )

    def _is_answered_at_once(self) -> bool:
        """Whether an answer or a quotation is mailed in the same step: it says it all."""
        answered_ids = self.env.context.get('aftersales_answered_ids', ())
        return self.id in answered_ids and self._get_notice_channel() == 'email'

    def _is_solution_news(self, old_state: str) -> bool:
        """Whether the customer does not know of the solution yet.

        Closed at once he is asked for a rating, which says so, unless he is not asked. Praise has
        none.
        """
        if self.asks_employees:
            return False
        if self.state == 'resolved':
            return True
        return self.state == 'closed' and old_state in OPEN_STATES and not self._can_ask_rating()

    def _plan_notices(self, notice: str) -> None:
        """Plan to tell the customers, as their companies want it.

        :param notice: key of ``NOTICES``
        """
        if self.env.context.get('install_mode'):
            return
        told = self.filtered(lambda request: request.company_id[NOTICES[notice]])
        vals_list = []
        for channel, requests in told.grouped(lambda told: told._get_notice_channel()).items():
            template = channel and self._get_notice_template(notice, channel)
            if template:
                vals_list += [r._prepare_notice_vals(notice, channel, template) for r in requests]
        if vals_list:
            self.env['crm.message'].sudo()._plan(vals_list)

    def _get_notice_channel(self) -> str:
        """Return how the customer is told, empty when he cannot be."""
        partner = self.partner_id
        if partner.email:
            return 'email'
        by_sms = self.company_id.aftersales_notice_sms and partner.phone_sanitized
        return 'sms' if by_sms else ''

    def _get_notice_template(self, notice: str, channel: str):
        """Return the template of a notice; empty when it was deleted, to tell nobody."""
        model = {'email': 'mail', 'sms': 'sms'}[channel]
        return self.env.ref(
            f'crm_aftersales.{model}_template_request_{notice}', raise_if_not_found=False
        )

    def _prepare_notice_vals(self, notice: str, channel: str, template) -> dict:
        """Return the message that tells the customer."""
        event = {'received': '', 'resolved': self.date_resolved}.get(notice, self.env.cr.now())
        return {
            'key': f'{self._name}:{self.id}:notice:{notice}:{event}',
            'partner_id': self.partner_id.id,
            'company_id': self.company_id.id,
            'message_class': 'transactional',
            'channel': channel,
            'subject': template.name,
            'origin_model': self._name,
            'origin_id': self.id,
            'content_model': template._name,
            'content_id': template.id,
            'content_values': {'layout': 'mail.mail_notification_light', 'keep': True},
        }

    def _notify_get_reply_to_batch(self, defaults=None, author_ids=None):
        """Answers to notices come back to the address of the team, as those to our words do."""
        addresses = super()._notify_get_reply_to_batch(defaults, author_ids)
        for request in self.sudo():
            alias = request.team_id.alias_id
            if alias.alias_domain_id and alias.alias_name:
                addresses[request.id] = self._notify_get_reply_to_formatted_email(
                    alias.alias_full_name, author_id=(author_ids or {}).get(request.id, False)
                )
        return addresses
