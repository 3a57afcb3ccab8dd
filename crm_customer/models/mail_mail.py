from __future__ import annotations

import logging
import smtplib
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

import psycopg2

from odoo import Command, api, fields, models
from odoo.tools import SQL, formataddr
from odoo.tools.mail import append_content_to_html, email_split_and_format_normalize

from ..smtp import MAIL_POLICY, DataWatch, Letter, Outcome

_logger = logging.getLogger(__name__)

MAX_AGE_OF_CHECK = 1.0  # seconds
BUILT_AHEAD = 10  # mails in memory at a time


class MailMail(models.Model):
    """Mails that belong to a customer's message leave by the queue of the messages, only."""

    _inherit = 'mail.mail'

    crm_message_id = fields.Many2one(
        'crm.message',
        string="Customer Message",
        readonly=True,
        copy=False,
        ondelete='cascade',
        index='btree_not_null',
    )

    # ------------------------------------------------------------
    # CORE'S QUEUE
    # ------------------------------------------------------------

    @api.model
    def process_email_queue(self, email_ids=(), batch_size=1000):
        """Leave the mails of customers' messages to their own queue."""
        filters = [*self.env.context.get('filters', []), ('crm_message_id', '=', False)]
        return super(MailMail, self.with_context(filters=filters)).process_email_queue(
            email_ids=email_ids, batch_size=batch_size
        )

    def _send(self, *args, **kwargs):
        """Whoever sends a customer's message by hand only wakes its queue up."""
        own = self.filtered('crm_message_id')
        if own:
            own.crm_message_id._trigger_senders()
        return super(MailMail, self - own)._send(*args, **kwargs)

    # ------------------------------------------------------------
    # COMPOSE
    # ------------------------------------------------------------

    def _add_files(self, files: list[tuple[str, bytes]]) -> None:
        """Attach files that were made for this mail.

        :param files: names and base64 contents
        """
        self.ensure_one()
        if files:
            vals_list = [
                {
                    'name': name,
                    'datas': content,
                    'type': 'binary',
                    'res_model': 'mail.message',
                    'res_id': self.mail_message_id.id,
                }
                for name, content in files
            ]
            self.write({'attachment_ids': [Command.create(vals) for vals in vals_list]})

    def _create_notifications(self) -> None:
        """Let the chatter show what becomes of mails that stay in it."""
        kept = self.filtered('is_notification')
        vals_list = [
            {**vals, 'res_partner_id': mail.recipient_ids.id}
            for mail, vals in zip(kept, kept._get_notification_values(), strict=True)
        ]
        self.env['mail.notification'].create(vals_list)

    def _prepare_outgoing_body(self):
        """Add the link to the customer's own choices; it is signed and never stored."""
        body = super()._prepare_outgoing_body()
        message = self.crm_message_id
        url = message._get_preference_url() if body and message else ''
        if not url:
            return body
        placeholder = f'{self.get_base_url()}/unsubscribe_from_list'
        if placeholder in body:
            return body.replace(placeholder, url)
        return append_content_to_html(body, message._get_mail_footer(url), plaintext=False)

    # ------------------------------------------------------------
    # SEND
    # ------------------------------------------------------------

    @api.model
    def _send_queued_messages(self, shard: int, shards: int, limit: int) -> int:
        """Send the next mails of customers' messages.

        :param shard: which share of the customers
        :param shards: number of shares
        :param limit: number of messages
        :return: number of messages looked at
        """
        messages = self.env['crm.message'].sudo()._get_queue('email', shard, shards, limit)
        if not messages:
            return 0
        allowed = messages._recheck_before_leaving()
        mails = self.sudo().search([('crm_message_id', 'in', allowed.ids)])
        (allowed - mails.crm_message_id)._enqueue_again()
        mails -= mails._give_up_cancelled()
        position = {message_id: number for number, message_id in enumerate(allowed.ids)}
        mails = mails.sorted(lambda mail: position[mail.crm_message_id.id])
        for server_id, alias_domain_id, smtp_from, mail_ids in mails._split_by_mail_configuration():
            self.browse(mail_ids).sudo()._send_over(server_id, alias_domain_id, smtp_from)
        return len(messages)

    def _give_up_cancelled(self) -> MailMail:
        """Return the mails somebody cancelled; their messages are not sent."""
        cancelled = self.filtered(lambda mail: mail.state == 'cancel')
        cancelled.crm_message_id.write({'state': 'cancelled', 'reason': 'staff'})
        return cancelled

    def _send_over(self, server_id: int, alias_domain_id: int, smtp_from: str) -> None:
        """Send mails over one connection; what remains when it breaks stays queued."""
        server = self.env['ir.mail_server'].browse(server_id)
        mails = self._split_by_delayed_batch(server) if server.owner_user_id else self
        for mail in self - mails:
            mail.crm_message_id.retry_at = mail.scheduled_date
        try:
            session = server._connect__(mail_server_id=server_id, smtp_from=smtp_from)
        except Exception as error:  # noqa: BLE001 - whatever the server or its settings raise
            _logger.warning("Mail server cannot be reached, %s mails wait: %s", len(self), error)
            mails.crm_message_id._postpone(str(error))
            return
        alias_domain = self.env['mail.alias.domain'].browse(alias_domain_id)
        with self._closing(session):
            mails._hand_over_all(session, server, alias_domain)
        self.env.cr.commit()  # pylint: disable=invalid-commit
        mails.exists()._finish()

    @contextmanager
    def _closing(self, session: smtplib.SMTP | None) -> Iterator[None]:
        """Say good-bye to a mail server, unless the connection is gone already."""
        try:
            yield
        finally:
            if session:
                try:
                    session.quit()
                except (smtplib.SMTPException, OSError):
                    _logger.info("The mail server had closed the connection")

    def _hand_over_all(self, session, server, alias_domain) -> None:
        """Hand mails over one by one, with the ledger committed before and after each.

        One commit serves for what became of a mail and for the next being about to leave.  Before
        anything else is done that takes its time or can go wrong, and when it did, what became of
        the last mail is committed by itself.
        """
        watch, last = DataWatch(session), None
        messages = self.env['crm.message']
        with self.env.registry.cursor() as ledger:
            try:
                for letter in self._iter_letters(ledger, server, alias_domain):
                    claimed = messages._record(ledger, last, letter)
                    last = None
                    if claimed:
                        letter.outcome = letter.outcome or letter.hand_over(session, watch)
                        last = letter
                        if letter.outcome.disconnected:
                            break
            finally:
                ledger.rollback()
                messages._record(ledger, last)

    def _iter_letters(self, ledger, server, alias_domain) -> Iterator[Letter | None]:
        """Yield mails ready to be handed over, as long as their customers want them.

        A few are built at a time.  Whether a message is still allowed was asked a second ago at
        most, whatever time the mail server takes; on the ledger's cursor, which sees what others
        have committed since.  None is yielded before anything but handing over is done.
        """
        messages = self.crm_message_id
        waiting = set(messages.ids)
        checked_at = monotonic()
        for start in range(0, len(self), BUILT_AHEAD):
            yield None
            mails = self[start : start + BUILT_AHEAD].with_prefetch(self.ids)
            wanted = [mail for mail in mails if mail.crm_message_id.id in waiting]
            for letter in [mail._build_letter(server, alias_domain) for mail in wanted]:
                if monotonic() - checked_at > MAX_AGE_OF_CHECK:
                    yield None
                    waiting = set(messages.browse(sorted(waiting))._recheck_on(ledger).ids)
                    checked_at = monotonic()
                if letter.message_id in waiting:
                    waiting.remove(letter.message_id)
                    yield letter

    def _build_letter(self, server, alias_domain) -> Letter:
        """Return the mail as the mail server gets it, or why it cannot be built."""
        self.ensure_one()
        letter = Letter(self.crm_message_id.id, self.crm_message_id.partner_id.email_normalized)
        try:
            # a customer's message has one recipient, and core puts recipients last
            email = self._prepare_outgoing_list(mail_server=server)[-1]
            email['headers'].update(self.crm_message_id._get_mail_headers())
            email.update(self._prepare_recipient_vals())
            letter.transport = self._get_transport(server, alias_domain, email)
            letter.content = letter.transport._build_email__(**self._prepare_build_vals(email))
            letter.content.policy = MAIL_POLICY
        except psycopg2.Error:
            raise  # nothing is wrong with the mail
        except Exception as error:
            _logger.info("Mail %s cannot be built", self.id, exc_info=True)
            letter.outcome = Outcome('failed', str(error))
        return letter

    def _prepare_recipient_vals(self) -> dict:
        """Return whom the mail is for: of several addresses of the customer the one asked about.

        Whether the owners of the others want to be written to nobody knows.
        """
        partner = self.crm_message_id.partner_id
        address = partner.email_normalized
        return {
            'email_to': [formataddr((partner.name or '', address))],
            'email_to_normalized': [address],
            'email_cc': [],
        }

    def _get_transport(self, server, alias_domain, email: dict) -> models.BaseModel:
        """Return the mail server in the context in which core sends."""
        context = {'send_validated_to': email['email_to_normalized']}
        if alias_domain:
            context['domain_notifications_email'] = alias_domain.default_from_email
            return_path = email['headers'].get('Return-Path')
            context['domain_bounce_address'] = return_path or alias_domain.bounce_email
        return server.with_context(**context)

    def _prepare_build_vals(self, email: dict) -> dict:
        """Return what core needs to build a mail.

        :param email: an element of ``_prepare_outgoing_list``
        """
        names = (
            'email_to',
            'subject',
            'body',
            'body_alternative',
            'email_cc',
            'reply_to',
            'attachments',
            'message_id',
            'references',
            'object_id',
            'headers',
        )
        email_from = next(iter(email_split_and_format_normalize(self.email_from)), self.email_from)
        return {
            **{name: email[name] for name in names},
            'email_from': email_from,
            'subtype': 'html',
            'subtype_alternative': 'plain',
        }

    # ------------------------------------------------------------
    # AFTERWARDS
    # ------------------------------------------------------------

    @api.model
    def _finish_settled_messages(self) -> None:
        """Tidy up after messages that were settled while nobody tidied up: by a crash, by staff."""
        settled = ('sent', 'failed', 'uncertain', 'refused', 'cancelled')
        self.sudo().search([('crm_message_id.state', 'in', settled)])._finish()

    def _finish(self) -> None:
        """Bring mails in line with their messages: tell who wants to know, delete what is done."""
        by_state = self.grouped(lambda mail: mail.crm_message_id.state)
        nothing = self.browse()
        by_state.get('sent', nothing)._finish_sent()
        for state in ('failed', 'uncertain'):
            unfinished = by_state.get(state, nothing).filtered(lambda m: m.state == 'outgoing')
            unfinished._finish_not_sent()
        for state in ('refused', 'cancelled'):
            by_state.get(state, nothing)._drop_messages()

    def _finish_sent(self) -> None:
        """Let core and other addons see the mails as sent, then delete them."""
        if not self:
            return
        self.write({'state': 'sent', 'failure_type': False, 'failure_reason': False})
        self._postprocess_sent_message(success_pids=[], success_emails=[])
        self._unlink_in_bulk()

    def _finish_not_sent(self) -> None:
        """Show what went wrong where core shows it; the mails stay, to be sent again."""
        for mail in self:
            vals = {'failure_type': 'unknown', 'failure_reason': mail.crm_message_id.failure}
            mail.write({'state': 'exception', **vals})
            mail._postprocess_sent_message(success_pids=[], success_emails=[], **vals)

    def _drop_messages(self) -> None:
        """Delete mails that will not leave."""
        self.write({'state': 'cancel'})
        self._unlink_in_bulk()

    def _unlink_in_bulk(self) -> None:
        """Delete mails, and the messages behind them that were made for the mail alone.

        What stays in a chatter keeps its message and loses only the mail.  Files need core's way.
        """
        with_files = self.filtered('attachment_ids')
        with_files.unlink()
        mails = self - with_files
        if not mails:
            return
        mails.flush_recordset()
        rows = self.env.execute_query(
            SQL(
                'DELETE FROM mail_mail WHERE id IN %s RETURNING mail_message_id, is_notification',
                tuple(mails.ids),
            )
        )
        own = tuple(message_id for message_id, is_notification in rows if not is_notification)
        if own:
            self.env.cr.execute(SQL('DELETE FROM mail_message WHERE id IN %s', own))
        mails.invalidate_recordset(flush=False)
        self.env['mail.message'].browse(own).invalidate_recordset(flush=False)
