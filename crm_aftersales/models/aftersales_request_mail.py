from datetime import datetime, timedelta

from odoo import api, fields, models
from odoo.tools import email_split, parse_contact_from_email

from .aftersales_request_stage import OPEN_STATES

#: among the values of a route: a program sent the mail
FROM_PROGRAM = 'from_program'
#: how much of a mail's subject is kept
MAX_SUBJECT = 500


class AftersalesRequest(models.Model):
    """Mails and messages: how requests come in, are answered and go on after their end."""

    _inherit = 'aftersales.request'

    # ------------------------------------------------------------
    # Answers of ours, messages of the customer
    # ------------------------------------------------------------

    def _message_post_after_hook(self, message, msg_values):
        super()._message_post_after_hook(message, msg_values)
        if message.message_type == 'email' and message.subtype_id == self._creation_subtype():
            self._show_inline_images(message)
        if not self._is_conversation(message):
            return
        self._adopt_new_contact(message)
        if self._is_from_staff(message):
            self._on_public_answer(message)
        else:
            self._on_customer_message(message)

    def _show_inline_images(self, message):
        """Let the pictures be seen that stand in the text of the mail a request was made of."""
        if 'cid:' in (self.description or ''):
            self.sudo().description = message.body

    @api.model
    def _is_conversation(self, message) -> bool:
        """Whether a message was written by a person and is seen by both sides.

        Notes, tracked changes, automatic answers and ratings (core posts them as notifications)
        are not part of the conversation.
        """
        return (
            message.message_type in ('comment', 'email', 'email_outgoing')
            and not message.is_internal
            and not message.subtype_id.internal
        )

    def _is_from_staff(self, message) -> bool:
        """Whether one of us wrote it; a colleague who is the customer here is the customer."""
        author = message.author_id
        return bool(author) and not author.partner_share and author != self.partner_id

    def _on_public_answer(self, message):
        """Stop the clocks of answers."""
        # Whoever may post here may not be allowed to write: colleagues are invited as followers.
        # A mail may claim to come from the future.
        self.sudo()._note_answer(min(message.date, fields.Datetime.now()))

    def _note_answer(self, moment: datetime) -> None:
        """Note that the customer was answered.

        :param moment: in UTC
        """
        self.ensure_one()
        if not self.date_first_reply:
            self.date_first_reply = moment
        self._post_sla_event('reply', at=moment)

    def _get_customer_information(self):
        """Let a sender become a contact of the name he gave: answers name his address only."""
        info = super()._get_customer_information()
        for request in self.filtered(lambda request: not request.partner_id):
            name, email = parse_contact_from_email(request.email_from or '')
            if name and email:
                info.setdefault(email, {}).setdefault('name', name)
        return info

    def _adopt_new_contact(self, message):
        """Link the contact that was made of the sender's address when we wrote to him."""
        if self.partner_id or not self.email_from:
            return
        addresses = set(email_split(self.email_from.lower()))
        contact = message.partner_ids.filtered(
            lambda partner: (partner.email_normalized or '') in addresses
        )
        if contact:
            values = self._prepare_owner_vals(contact[0], self.unit_id)
            self.sudo().write({'partner_id': contact[0].id, **values})

    def _on_customer_message(self, message):
        """React to a word of the customer.

        While work goes on, it ends our waiting for him. After the end it reopens the request for
        some days; later it is another matter and becomes a request that follows this one.
        """
        request = self.sudo()
        if request.state == 'waiting_customer':
            request._move_to_state('open')
        elif request.state not in OPEN_STATES:
            if request._can_be_reopened_by_customer():
                request.action_reopen()
            else:
                request._continue_in_follow_up(message)
        if request.state in OPEN_STATES:
            request._post_sla_event('customer')

    def _can_be_reopened_by_customer(self) -> bool:
        """Whether the time in which an answer reopens is not over; resolved is not an end yet."""
        ended = self.date_closed
        days = timedelta(days=self.company_id.aftersales_reopen_days)
        return not ended or fields.Datetime.now() <= ended + days

    def _continue_in_follow_up(self, message):
        """Hand a late message of the customer to a request that follows this one.

        A further message goes to the same one as long as it is open, else a thread of mails would
        make a request of each of its mails. So does one that comes at the same time.
        """
        self._bump_version()
        follow_ups = self.child_ids | self.child_ids.merged_into_id
        follow_up = follow_ups.filtered(lambda child: child.state in OPEN_STATES)[:1]
        if not follow_up:
            follow_up = self.create(self._prepare_follow_up_vals(message))
        follow_up.message_post(
            author_id=message.author_id.id or None,
            email_from=message.email_from,
            body=message.body,
            message_type='comment',
            subtype_xmlid='mail.mt_comment',
            attachment_ids=message.attachment_ids.copy(
                {'res_model': follow_up._name, 'res_id': follow_up.id}
            ).ids,
        )
        self._message_log(
            body=self.env._(
                "The customer wrote again long after the end. It goes on in %s.",
                follow_up._get_html_link(),
            )
        )
        return follow_up

    def _prepare_follow_up_vals(self, message) -> dict:
        """Return the values of the request that follows this one."""
        return {
            'name': message.subject or self.name,
            'description': message.body,
            'parent_id': self.id,
            'company_id': self.company_id.id,
            'team_id': self.team_id.id,
            'type_id': self.type_id.id,
            'partner_id': self.partner_id.id,
            'email_from': self.email_from or message.email_from,
            'email_cc': self.email_cc,
            'unit_id': self.unit_id.id,
            **self._prepare_owner_vals(self.partner_id, self.unit_id),
            'channel': 'email' if message.message_type == 'email' else 'portal',
        }

    # ------------------------------------------------------------
    # Mail gateway
    # ------------------------------------------------------------

    @api.model
    def _routing_check_route(self, message, message_dict, route, raise_exception=True):
        """Note of a request that comes by mail whether a program sent it."""
        checked = super()._routing_check_route(
            message, message_dict, route, raise_exception=raise_exception
        )
        if checked and checked[0] == self._name and self._is_sent_by_program(message):
            model, thread_id, values, *rest = checked
            return (model, thread_id, {**(values or {}), FROM_PROGRAM: True}, *rest)
        return checked

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """Make a request of a mail to a team's address.

        The customer is the contact with the sender's address. An unknown sender is kept as an
        address and becomes a contact when somebody answers him, so that junk mail leaves no trace
        among the customers.
        """
        custom_values = {**(custom_values or {})}
        context = {
            # the gateway's own user is nobody's colleague: he does not take the request
            'default_user_id': False,
            'aftersales_quiet': custom_values.pop(FROM_PROGRAM, False),
        }
        values = {
            'name': (msg_dict.get('subject') or self.env._("No Subject"))[:MAX_SUBJECT],
            'description': msg_dict.get('body') or False,
            'channel': 'email',
            'email_from': msg_dict.get('email_from'),
            'partner_id': msg_dict.get('author_id'),
            **custom_values,
        }
        request = super(AftersalesRequest, self.with_context(**context)).message_new(
            msg_dict, custom_values=values
        )
        if request.partner_id:
            request.message_subscribe(request.partner_id.ids)
        return request

    def _notify_thread_with_out_of_office(self, message, recipients_data, msg_vals=False, **kwargs):
        """A colleague's program does not answer the program of a customer."""
        if message.is_internal and not self._is_from_staff(message):
            return self.env['mail.message']
        return super()._notify_thread_with_out_of_office(
            message, recipients_data, msg_vals=msg_vals, **kwargs
        )

    def _takes_answers(self) -> bool:
        """Whether answers to our mails come back here, and not to a mailbox of somebody."""
        alias = self.sudo().team_id.alias_id
        by_team = alias.alias_domain_id and alias.alias_name
        return bool(by_team or self.sudo().company_id.catchall_email)

    def _notify_get_reply_to(self, default=None, author_id=False):
        """Answers come back to the address of the team."""
        aliases = self.sudo().team_id._notify_get_reply_to(default=default, author_id=author_id)
        with_team = self.filtered(lambda request: aliases.get(request.team_id.id))
        addresses = {request.id: aliases[request.team_id.id] for request in with_team}
        others = self - with_team
        if others:
            addresses.update(
                super(AftersalesRequest, others)._notify_get_reply_to(
                    default=default, author_id=author_id
                )
            )
        return addresses

    def _creation_subtype(self):
        return self.env.ref('crm_aftersales.mt_request_new')

    def _track_subtype(self, init_values):
        self.ensure_one()
        if 'stage_id' in init_values:
            return self.env.ref('crm_aftersales.mt_request_stage')
        return super()._track_subtype(init_values)
