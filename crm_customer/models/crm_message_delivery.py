from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, TypeVar

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..messaging import CLASSES_NEVER_WAITING
from ..rights import ensure_manager

if TYPE_CHECKING:
    from ..smtp import Letter

_logger = logging.getLogger(__name__)
T = TypeVar('T')

CHUNK = 100  # messages
MAX_TRIES = 5  # of a transaction
MAX_ATTEMPTS = 12  # with the pauses between them more than a day
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=8)
STUCK_AFTER = timedelta(minutes=15)


class CrmMessage(models.Model):
    """From a queued message to what became of it, with a commit before and after it leaves.

    Nobody can know what happened to a mail whose sender died between handing it over and writing
    down the answer.  Orders, service and safety are then sent again under the same Message-Id (at
    least once); everything else waits for somebody to look at it (at most once).
    """

    _inherit = 'crm.message'

    attempts = fields.Integer(
        readonly=True, copy=False, default=0, help="How often it was tried to send it."
    )
    retry_at = fields.Datetime(
        readonly=True, copy=False, help="When a server that did not take it is tried again."
    )

    _queue_idx = models.Index("(channel, priority, id) WHERE state = 'queued'")
    _sending_idx = models.Index("(attempted_at) WHERE state = 'sending'")
    _unsettled_idx = models.Index("(id) WHERE state IN ('uncertain', 'failed')")
    _rfc_message_id_idx = models.Index('(rfc_message_id) WHERE rfc_message_id IS NOT NULL')

    # ------------------------------------------------------------
    # QUEUE
    # ------------------------------------------------------------

    @api.model
    def _cron_send(self, shard: int = 0, shards: int = 1) -> None:
        """Send what is queued, chunk by chunk; each shard has customers of its own.

        :param shard: which share of the customers, from 0
        :param shards: number of shares
        """
        if self.env['ir.mail_server']._disable_send():
            return
        failures = 0
        while failures < MAX_TRIES:
            try:
                done = self.env['mail.mail']._send_queued_messages(shard, shards, CHUNK)
                done += self.env['sms.sms']._send_queued_messages(shard, shards, CHUNK)
                time_left = self.env['ir.cron']._commit_progress(done, remaining=done)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                # what has left is in the ledger; only tidying up after it has to be done again
                _logger.info("Others changed the same messages at the same time")
                self.env.cr.rollback()
                failures += 1
                continue
            failures = 0
            if not done or time_left <= 0:
                break

    @api.model
    def _get_queue(self, channel: str, shard: int, shards: int, limit: int) -> CrmMessage:
        """Return queued messages whose time has come, the most important first."""
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM crm_message WHERE state = 'queued' AND channel = %(channel)s"
                ' AND (retry_at IS NULL OR retry_at <= %(now)s)'
                ' AND person_id %% %(shards)s = %(shard)s'
                ' ORDER BY priority, id LIMIT %(limit)s',
                channel=channel,
                now=fields.Datetime.now(),
                shards=shards,
                shard=shard,
                limit=limit,
            )
        )
        return self.browse(row_id for (row_id,) in rows)

    def _recheck_before_leaving(self) -> CrmMessage:
        """Return the messages still allowed; what is refused now is committed as refused."""
        allowed = self._recheck()
        (self - allowed)._forget_delivery()
        self.env.cr.commit()  # pylint: disable=invalid-commit
        return allowed

    def _forget_delivery(self) -> None:
        """Take back what was prepared for messages that will not leave."""
        for model in ('mail.mail', 'sms.sms', 'mail.activity'):
            if self:
                self.env[model].sudo().search([('crm_message_id', 'in', self.ids)])._drop_messages()

    def _enqueue_again(self) -> None:
        """Compose messages whose mail somebody deleted."""
        if self:
            _logger.warning("Messages %s had lost their mails", self.ids)
            self._enqueue()

    def _postpone(self, failure: str) -> None:
        """Leave a mail server alone for a while; nothing was tried, so nothing failed.

        :param failure: why it could not be reached
        """
        for attempts, messages in self.grouped('attempts').items():
            retry_at = fields.Datetime.now() + self._get_pause(attempts)
            vals = {'retry_at': retry_at, 'failure': failure, 'attempts': attempts + 1}
            messages.write(vals)

    # ------------------------------------------------------------
    # LEDGER, on a connection of its own so that each step is committed at once
    # ------------------------------------------------------------

    def _record(self, cr, letter: Letter | None, following: Letter | None = None) -> bool:
        """Commit what became of a message, and that the next one is about to leave.

        :param cr: cursor on which nothing else happens
        :param letter: what was tried, if anything
        :param following: what is to be sent now, if anything
        :return: whether it is ours: not sent, refused or taken by anybody meanwhile, and for the
            address its customer has now; one for another is made anew in the next turn
        """
        if not letter and not following:
            return False
        query = SQL(
            'WITH done AS (UPDATE crm_message SET %(outcome)s'
            " WHERE id = %(id)s AND state = 'sending')"
            " UPDATE crm_message SET state = 'sending', attempted_at = %(now)s, retry_at = NULL,"
            ' attempts = COALESCE(attempts, 0) + 1'
            " WHERE id = %(next_id)s AND state = 'queued' AND %(address)s = ("
            "SELECT CASE crm_message.channel WHEN 'email' THEN partner.email_normalized"
            ' ELSE partner.phone_sanitized END FROM crm_person AS person'
            ' JOIN res_partner AS partner ON partner.id = person.partner_id'
            ' WHERE person.id = crm_message.person_id)',
            outcome=self._to_assignments(self._prepare_outcome_vals(letter)),
            id=letter.message_id if letter else 0,
            now=fields.Datetime.now(),
            next_id=following.message_id if following else 0,
            address=following.address if following else None,
        )

        def record() -> bool:
            cr.execute(query)
            return bool(cr.rowcount)

        return self._commit_on(cr, record)

    def _recheck_on(self, cr) -> CrmMessage:
        """Return the messages that may still leave, asked and committed at once.

        :param cr: cursor on which nothing else happens
        """
        return self.browse(self._commit_on(cr, self.with_env(self.env(cr=cr))._recheck).ids)

    @api.model
    def _commit_on(self, cr, function: Callable[[], T]) -> T:
        """Return what a function gives when it is committed, tried again if others were faster.

        :param cr: cursor the function works on, and nothing else
        """
        for attempt in count(1):
            try:
                result = function()
                cr.commit()  # pylint: disable=invalid-commit
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                cr.rollback()
                if attempt == MAX_TRIES:
                    raise
                time.sleep(random.uniform(0, 0.05 * attempt))
            else:
                return result

    def _prepare_outcome_vals(self, letter: Letter | None) -> dict:
        """Return what the outcome of a try changes on its message."""
        now = fields.Datetime.now()
        if not letter or letter.outcome.result == 'sent':
            counted_at = SQL('CASE WHEN counted_at IS NOT NULL THEN %s::timestamp END', now)
            vals = {'state': 'sent', 'sent_at': now, 'counted_at': counted_at}
            return {**vals, 'reason': None, 'failure': None}
        message = self.browse(letter.message_id)
        outcome = letter.outcome
        vals = {'failure': outcome.error}
        if outcome.result == 'uncertain' and not message._is_sent_again():
            return {**vals, 'state': 'uncertain'}
        if outcome.result == 'failed' or message.attempts + 1 >= MAX_ATTEMPTS:
            return {**vals, 'state': 'failed', 'reason': 'delivery', 'counted_at': None}
        retry_at = now + self._get_pause(message.attempts)
        return {**vals, 'state': 'queued', 'retry_at': retry_at}

    @api.model
    def _to_assignments(self, vals: dict) -> SQL:
        """Return ``column = value, ...``."""
        return SQL(', ').join(
            SQL('%s = %s', SQL.identifier(name), value) for name, value in vals.items()
        )

    @api.model
    def _get_pause(self, attempts: int) -> timedelta:
        """Return how long to leave a server alone after so many attempts."""
        return min(FIRST_PAUSE * 2 ** min(attempts, 16), LONGEST_PAUSE)

    def _is_sent_again(self) -> bool:
        """Whether a second copy is better than none."""
        return self.message_class in CLASSES_NEVER_WAITING

    # ------------------------------------------------------------
    # WHAT DIED ON ITS WAY
    # ------------------------------------------------------------

    @api.model
    def _cron_recover_stuck(self) -> None:
        """Settle messages whose sender died, tidy up after it, and look at tasks again."""
        try:
            self._recover_stuck()
            self.env.flush_all()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            _logger.info("Others changed the same messages at the same time: next turn")
            self.env.cr.rollback()

    @api.model
    def _recover_stuck(self) -> None:
        stuck = self._get_stuck()
        again = stuck.filtered(lambda message: message._is_sent_again())
        again.write({'state': 'queued', 'retry_at': False})
        (stuck - again).write({'state': 'uncertain'})
        self.env['mail.mail']._finish_settled_messages()
        self.env['sms.sms']._finish_settled_messages()
        self._recheck_tasks()
        self.env['crm.selfcheck']._run_message_checks()
        if again:
            self._trigger_senders()

    @api.model
    def _get_stuck(self) -> CrmMessage:
        """Return messages being sent for longer than any mail server takes.

        Rows another worker is just about to settle are left to it.
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT id FROM crm_message WHERE state = 'sending' AND attempted_at < %s"
                ' FOR NO KEY UPDATE SKIP LOCKED',
                fields.Datetime.now() - STUCK_AFTER,
            )
        )
        return self.browse(row_id for (row_id,) in rows)

    @api.model
    def _recheck_tasks(self) -> None:
        """Take back tasks whose customer wants no such message any more."""
        tasks = self.env['mail.activity'].sudo().search([('crm_message_id.state', '=', 'queued')])
        messages = tasks.crm_message_id
        (messages - messages._recheck())._forget_delivery()

    # ------------------------------------------------------------
    # STAFF
    # ------------------------------------------------------------

    def action_send_again(self) -> bool:
        """Send messages once more that failed, or of which nobody knows."""
        messages = self._ensure_unsettled()
        of_messages = [('crm_message_id', 'in', messages.ids)]
        mails = self.env['mail.mail'].sudo().search(of_messages)
        mails.write({'state': 'outgoing', 'failure_type': False, 'failure_reason': False})
        sms = self.env['sms.sms'].sudo().search(of_messages)
        sms.write({'state': 'process', 'failure_type': False})
        vals = {'state': 'queued', 'reason': False, 'failure': False}
        messages.write({**vals, 'attempts': 0, 'retry_at': False})
        (messages - mails.crm_message_id - sms.crm_message_id)._enqueue()
        messages._trigger_senders()
        return True

    def action_mark_sent(self) -> bool:
        """Note that messages did arrive."""
        self._ensure_unsettled()._set_sent()
        self.env['mail.mail']._finish_settled_messages()
        return True

    def action_mark_not_sent(self) -> bool:
        """Note that messages did not arrive and are not to be sent again."""
        messages = self._ensure_unsettled()
        messages.write({'state': 'failed', 'reason': 'staff'})
        messages._forget_delivery()
        return True

    def _ensure_unsettled(self) -> CrmMessage:
        """Return the messages, for somebody who may settle them.

        :raise AccessError: not an administrator
        :raise UserError: one of them neither failed nor is uncertain
        """
        ensure_manager(self.env)
        self.check_access('read')
        messages = self.sudo()
        messages.lock_for_update()
        if any(message.state not in ('uncertain', 'failed') for message in messages):
            raise UserError(self.env._("Only uncertain and failed messages can be settled."))
        return messages

    def _set_sent(self, sent_at: datetime | None = None) -> None:
        """Note that messages were sent.

        :param sent_at: when; otherwise when it was last tried, or now
        """
        for message in self.sudo():
            when = sent_at or message.attempted_at or fields.Datetime.now()
            message.write({'state': 'sent', 'sent_at': when, 'reason': False, 'failure': False})

    # ------------------------------------------------------------
    # BOUNCES
    # ------------------------------------------------------------

    @api.model
    def _set_bounced(self, rfc_message_ids: Iterable[str], failure: str) -> CrmMessage:
        """Note that mails came back.

        :param rfc_message_ids: Message-Ids with their angle brackets
        :param failure: what the other server said
        :return: the messages
        """
        returned = Domain('rfc_message_id', 'in', list(rfc_message_ids))
        on_its_way = Domain('state', 'in', ('sending', 'sent', 'uncertain'))
        messages = self.sudo().search(returned & on_its_way)
        messages.write({'state': 'failed', 'reason': 'delivery', 'failure': failure})
        return messages
