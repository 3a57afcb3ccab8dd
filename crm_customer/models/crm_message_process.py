from __future__ import annotations

import logging
from datetime import datetime

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..gate import RELEASED_STATES
from ..messaging import CLASSES_NEVER_WAITING

_logger = logging.getLogger(__name__)

BATCH_SIZE = 1000
MAX_FAILURES = 5  # claims in a row that others were faster at

#: where the next batch begins: the due date and id of the last message claimed
Mark = tuple[datetime, int]


class CrmMessage(models.Model):
    """The workers of the gate: they take what is due, person by person, and commit each batch."""

    _inherit = 'crm.message'

    # ------------------------------------------------------------
    # WORKERS
    # ------------------------------------------------------------

    @api.model
    def _cron_gate(self, shard: int = 0, shards: int = 1) -> None:
        """Decide about all messages that are due, of this worker's share of the persons.

        A person belongs to one worker, so that no two decide about him at the same time.  To work
        with more workers, give each scheduled action its number and all of them the new total.

        :param shard: number of the worker, from 0
        :param shards: how many workers there are
        """
        with self._prepared_gate():
            self._run_gate(fields.Datetime.now(), shard, shards)

    def _run_gate(self, now: datetime, shard: int, shards: int) -> None:
        """Decide about batches until nothing is due, the time is up or others are always faster."""
        mark, failures = None, 0
        while failures < MAX_FAILURES:
            try:
                messages, mark = self._claim_due(now, shard, shards, mark)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self.env.cr.rollback()
                failures += 1
                continue
            if not messages:
                break
            done = messages._process_claimed(now, prepared=True)
            failures = 0 if done else failures + 1
            remaining = int(len(messages) >= BATCH_SIZE or failures)
            if not self.env['ir.cron']._commit_progress(len(messages), remaining=remaining):
                break

    @api.model
    def _claim_due(
        self, now: datetime, shard: int, shards: int, mark: Mark | None = None
    ) -> tuple[CrmMessage, Mark | None]:
        """Lock the next messages that are due, with all others due of the same persons.

        The first statement of a transaction.  A run never looks at a message twice: what is put
        off to a moment before the end of the run waits for the next one.

        :param mark: where the batch before ended
        :return: the messages, and where this batch ends
        """
        # the CASE keeps PostgreSQL from taking a share for a needle, and reading all to find it
        self.env.cr.execute(
            SQL(
                'WITH picked AS MATERIALIZED (SELECT id, person_id FROM crm_message'
                " WHERE state = 'planned' AND due_at <= %(now)s"
                ' AND (due_at, id) > (%(mark_due)s, %(mark_id)s)'
                ' AND CASE WHEN person_id %% %(shards)s = %(shard)s THEN TRUE ELSE FALSE END'
                ' ORDER BY due_at, id LIMIT %(limit)s)'
                ' SELECT id, due_at, id IN (SELECT id FROM picked) FROM crm_message'
                " WHERE state = 'planned' AND due_at <= %(now)s"
                ' AND person_id IN (SELECT person_id FROM picked)'
                ' ORDER BY id FOR NO KEY UPDATE SKIP LOCKED',
                now=now,
                mark_due=mark[0] if mark else datetime.min,
                mark_id=mark[1] if mark else 0,
                shard=shard,
                shards=shards,
                limit=BATCH_SIZE,
            )
        )
        rows = self.env.cr.fetchall()
        marks = [(due_at, message_id) for message_id, due_at, picked in rows if picked]
        return self.browse(row[0] for row in rows), max(marks, default=mark)

    def _process_claimed(self, now: datetime, **options) -> bool:
        """Decide about messages and hand over those that may go; the caller commits.

        :return: whether it was done; if not, others were faster and nothing has changed
        """
        try:
            self._process(now, **options)
            self.env.flush_all()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            _logger.info("%s messages: others were faster, they are looked at later", len(self))
            self.env.cr.rollback()
            return False
        return True

    def _process(self, now: datetime, **options) -> dict[str, list[int]]:
        """Decide about messages and hand over those that may go, in the present transaction.

        :param now: the moment of the decision
        :param options: of :meth:`_decide`
        :return: ids by outcome: ``send``, ``refuse``, ``defer``, ``fold``
        """
        outcomes = self._decide(now, **options)
        self.browse(outcomes['fold'])._fold()
        self.browse(outcomes['refuse'])._unfold(now)
        sent = self.browse(outcomes['send'])
        sent._enqueue_each()
        self.search([('id', 'in', sent.ids), ('state', '=', 'failed')])._unfold(now)
        return outcomes

    # ------------------------------------------------------------
    # HANDING OVER
    # ------------------------------------------------------------

    def _enqueue_each(self) -> None:
        """Hand messages over; one that cannot be written does not keep the others back."""
        if not self:
            return
        try:
            with self.env.cr.savepoint():
                self._enqueue()
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            raise
        except Exception as error:
            if len(self) == 1:
                _logger.warning("Message %s could not be written", self.id, exc_info=True)
                self._fail(error)
                return
            middle = len(self) // 2
            self[:middle]._enqueue_each()
            self[middle:]._enqueue_each()

    def _fail(self, error: Exception) -> None:
        """Keep why a message could not be written."""
        self.sudo().write(
            {
                'state': 'failed',
                'reason': 'delivery',
                'failure': str(error) or repr(error),
                'decided_at': fields.Datetime.now(),
            }
        )

    # ------------------------------------------------------------
    # FOLDING
    # ------------------------------------------------------------

    def _fold(self) -> None:
        """Put the messages into those of the promotion, for its template to show.

        They are found under ``folded`` in the values of the text.
        """
        if not self:
            return
        part = SQL(
            "jsonb_build_object('message_id', part.id, 'message_class', part.message_class,"
            " 'subject', part.subject, 'content_model', part.content_model,"
            " 'content_id', part.content_id, 'content_values', part.content_values)"
        )
        self.env.cr.execute(
            SQL(
                'UPDATE crm_message AS host'
                " SET content_values = COALESCE(host.content_values, '{}')"
                " || jsonb_build_object('folded', COALESCE(host.content_values -> 'folded', '[]')"
                ' || folded.parts) FROM (SELECT part.folded_into_id AS host_id,'
                ' jsonb_agg(%s ORDER BY part.id) AS parts FROM crm_message AS part'
                ' WHERE part.id = ANY(%s) GROUP BY part.folded_into_id) AS folded'
                ' WHERE host.id = folded.host_id',
                part,
                list(self.ids),
            )
        )
        self.invalidate_model(['content_values'], flush=False)

    def _unfold(self, now: datetime | None = None) -> None:
        """Take back what was put into messages that will not be sent: it is decided on anew.

        :param now: from when on
        """
        if not self:
            return
        self.env.flush_all()
        now = now or fields.Datetime.now()
        self.env.cr.execute(
            SQL(
                "UPDATE crm_message SET state = 'planned', folded_into_id = NULL, due_at = %(now)s,"
                ' decided_at = NULL, write_date = %(now)s, write_uid = %(uid)s'
                " WHERE folded_into_id = ANY(%(ids)s) AND state = 'folded'",
                now=now,
                uid=self.env.uid,
                ids=list(self.ids),
            )
        )
        self.invalidate_model(flush=False)

    # ------------------------------------------------------------
    # MERGING
    # ------------------------------------------------------------

    @api.model
    def _cancel_doubles(self, person) -> None:
        """Cancel what would now go twice to one person: two who are one have one birthday.

        That is of messages of one company, class, channel, text and day the later ones; their
        origins differ at most in the contact.  Safety and orders are about different things.

        :param person: ``crm.person`` that took over the messages of others
        """
        same = SQL(
            'company_id, message_class, channel, content_model, content_id, planned_at::date,'
            " CASE WHEN origin_model <> 'res.partner' THEN origin_model END,"
            " CASE WHEN origin_model <> 'res.partner' THEN origin_id END"
        )
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE crm_message SET state = 'cancelled', reason = 'merged',"
                ' decided_at = %(now)s'
                ' FROM (SELECT id, row_number() OVER (PARTITION BY %(same)s'
                " ORDER BY state = 'planned', planned_at, id) AS number"
                ' FROM crm_message WHERE person_id = %(person)s AND state IN %(states)s'
                ' AND message_class NOT IN %(never)s) AS double'
                ' WHERE crm_message.id = double.id AND double.number > 1'
                " AND crm_message.state = 'planned' RETURNING crm_message.id",
                now=fields.Datetime.now(),
                same=same,
                person=person.id,
                states=('planned', *RELEASED_STATES),
                never=tuple(CLASSES_NEVER_WAITING),
            )
        )
        cancelled = self.browse(row_id for (row_id,) in self.env.cr.fetchall())
        cancelled.invalidate_recordset(flush=False)
        cancelled._unfold()

    # ------------------------------------------------------------
    # LOOKING AGAIN
    # ------------------------------------------------------------

    @api.model
    def _look_again(self, reason: str, partners: models.BaseModel | None = None) -> None:
        """Let the gate look at once at what waits for a reason that may have gone.

        :param reason: value of ``reason``
        :param partners: the customers it is about; None for all
        """
        persons = SQL('TRUE')
        if partners is not None:
            persons = SQL(
                'person_id IN (SELECT id FROM crm_person WHERE partner_id = ANY(%s))', partners.ids
            )
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                'UPDATE crm_message SET due_at = GREATEST(planned_at, %(now)s)'
                " WHERE state = 'planned' AND reason = %(reason)s AND due_at > %(now)s"
                ' AND %(persons)s',
                now=fields.Datetime.now(),
                reason=reason,
                persons=persons,
            )
        )
        changed = self.env.cr.rowcount
        self.invalidate_model(['due_at'], flush=False)
        if changed:
            self._trigger_gate()

    def _recheck(self) -> CrmMessage:
        """Return the messages that may still leave, asked at the moment of leaving.

        The others are refused and keep the reason.  Only what refuses for good is asked: who is
        to be left in peace for a while was left so when the message was released.
        """
        if not self:
            return self
        self.env.flush_all()
        now = fields.Datetime.now()
        self.env.cr.execute(
            SQL(
                "UPDATE crm_message SET state = 'refused', reason = found.reason,"
                ' counted_at = NULL, write_date = %(now)s, write_uid = %(uid)s'
                ' FROM (SELECT message.id, %(reason)s AS reason %(from)s'
                ' WHERE message.id = ANY(%(ids)s)) AS found'
                " WHERE crm_message.id = found.id AND crm_message.state = 'queued'"
                ' AND found.reason IS NOT NULL'
                ' RETURNING crm_message.id',
                now=now,
                uid=self.env.uid,
                reason=self._get_final_reason_sql(SQL('%s::timestamp', now), leaving=True),
                **{'from': self._get_due_from_sql()},
                ids=list(self.ids),
            )
        )
        refused = self.browse(row_id for (row_id,) in self.env.cr.fetchall())
        if refused:
            self.invalidate_recordset(flush=False)
            refused._unfold()
        return self - refused
