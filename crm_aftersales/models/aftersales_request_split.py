from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain


class AftersalesRequest(models.Model):
    """A customer wrote of two matters in one request: the second gets one of its own."""

    _inherit = 'aftersales.request'

    def _split(self, name: str, messages=None, description: str = '') -> AftersalesRequest:
        """Make a request of a part of this one; customer and product are the same.

        :param name: subject of the new request
        :param messages: ``mail.message`` of this request that go over with their files
        :param description: text of the new request
        :return: the new request, related to this one
        :raise UserError: nothing was chosen, or a message belongs elsewhere
        """
        self.ensure_one()
        self.check_access('write')
        messages = messages or self.env['mail.message']
        self._ensure_can_split(messages, description)
        vals = self._prepare_split_vals(name, messages, description)
        # the customer has raised nothing and waits for no word that it arrived
        part = self.with_context(aftersales_quiet=True).create(vals).with_env(self.env)
        owed = self._get_unanswered_messages()
        part.sudo()._take_messages(messages.sudo())
        if owed and not owed - messages:
            # the part answers for it now
            self._post_sla_event('split')
        self.related_ids |= part
        self._message_log(body=self.env._("Split off: %s", part._get_html_link()))
        part._message_log(body=self.env._("Split from %s", self._get_html_link()))
        return part

    def _ensure_can_split(self, messages, description: str) -> None:
        if self.merged_into_id:
            raise UserError(
                self.env._("This request was merged; split %s.", self.merged_into_id.number)
            )
        if not messages and not description:
            raise UserError(
                self.env._("Choose the messages that go over, or write what the matter is.")
            )
        if messages - self._get_movable_messages():
            raise UserError(self.env._("Only messages of this request can go over."))

    def _get_movable_messages(self):
        """Return what people wrote here, without notes and mails of the system."""
        return self.message_ids.filtered_domain(self._get_movable_domain())

    @api.model
    def _get_movable_domain(self) -> Domain:
        """Return the domain of messages that people wrote."""
        return Domain('message_type', 'in', ('comment', 'email'))

    def _get_unanswered_messages(self):
        """Return what the customer wrote since our last answer."""
        said = self.sudo()._get_movable_messages().filtered(self._is_conversation).sorted('id')
        answers = said.filtered(self._is_from_staff)
        return said.filtered(lambda message: message.id > max(answers.ids, default=0))

    def _prepare_split_vals(self, name: str, messages, description: str) -> dict:
        """Return the values of a request that is split from this one.

        Its clocks start with the first of the messages: that is when the customer wrote of it.
        """
        vals = {
            'name': name,
            'description': description,
            'company_id': self.company_id.id,
            'team_id': self.team_id.id,
            'type_id': self.type_id.id,
            'user_id': self.user_id.id,
            'partner_id': self.partner_id.id,
            'email_from': self.email_from,
            'unit_id': self.unit_id.id,
            'not_owner_confirmed': self.not_owner_confirmed,
            'channel': self.channel,
            'priority': self.priority,
            'impact': self.impact,
            'urgency': self.urgency,
            'service_point_id': self.service_point_id.id,
            'email_cc': self.email_cc,
            'helper_ids': self.helper_ids.ids,
            'tag_ids': self.tag_ids.ids,
        }
        if messages:
            # A mail may claim to come from the future.
            vals['date_received'] = min([fields.Datetime.now(), *messages.mapped('date')])
        return vals

    def _take_messages(self, messages) -> None:
        """Move messages here, with the files that belong to the request they come from."""
        if not messages:
            return
        files = messages.attachment_ids.filtered(lambda file: file.res_model == self._name)
        messages.write({'res_id': self.id})
        files.write({'res_id': self.id})
        followers = messages.author_id.filtered('partner_share')
        self.message_subscribe(followers.ids)
        said = messages.filtered(self._is_conversation).sorted('date')
        answers = said.filtered(self._is_from_staff)
        if answers:
            self.date_first_reply = answers[0].date
        now = fields.Datetime.now()
        self._note_sla_facts(
            [
                # a mail may claim to come from the future
                (self, 'reply' if message in answers else 'customer', min(message.date, now), {})
                for message in said
            ]
        )
