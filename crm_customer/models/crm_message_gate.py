from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime

from odoo import api, models
from odoo.tools import SQL

from ..gate import RETRY_HOURS, GateSource
from ..messaging import CLASSES_NEVER_WAITING


class CrmMessage(models.Model):
    """The gate: one statement that decides about a batch of messages.

    Its parts are methods, here and in the files beside (what refuses for good, what makes wait, the
    verdict), so that an addon can add a condition or change one.  The aliases of the
    first part are ``message``, ``person``, ``partner``, ``company`` and ``clock``; of the later
    ones ``due``, which is what the first part found out.  All times are UTC without a zone, as
    Odoo stores them; ``now`` is an expression of type timestamp.
    """

    _inherit = 'crm.message'

    # ------------------------------------------------------------
    # FOR ADDONS
    # ------------------------------------------------------------

    @api.model
    def _get_gate_sources(self) -> list[GateSource]:
        """Return what other addons know about customers not to be written to; extend it."""
        return []

    def _get_sorted_sources(self, *, final: bool) -> list[GateSource]:
        order = list(self._fields['reason'].get_values(self.env))
        sources = [source for source in self._get_gate_sources() if source.final == final]
        return sorted(sources, key=lambda source: order.index(source.reason))

    def _get_source_scope_sql(self, source: GateSource, alias: str) -> SQL:
        """Return the condition that a source is asked about a message."""
        classes = set(source.classes) - set(CLASSES_NEVER_WAITING)
        channel = SQL.identifier(alias, 'channel')
        return SQL(
            '%s = ANY(%s) AND %s',
            SQL.identifier(alias, 'message_class'),
            sorted(classes),
            SQL('%s = ANY(%s)', channel, sorted(source.channels))
            if source.channels
            else SQL("%s <> 'in_person'", channel),
        )

    def _get_source_until_sql(self, source: GateSource, alias: str, now: SQL) -> SQL:
        """Return the SELECT of the moment until which a source holds a message, or NULL."""
        owner = SQL('person.partner_id') if alias == 'message' else SQL('due.partner_id')
        if source.by == 'person_id':
            owner = SQL.identifier(alias, 'person_id')
        return SQL(
            'SELECT max(COALESCE(source.until, %(again)s)) FROM (%(query)s) AS source'
            ' WHERE source.%(by)s = %(owner)s'
            ' AND (source.company_id IS NULL OR source.company_id = %(company)s)',
            again=SQL('%s + make_interval(hours => %s)', now, RETRY_HOURS),
            query=source.query,
            by=SQL.identifier(source.by),
            owner=owner,
            company=SQL.identifier(alias, 'company_id'),
        )

    # ------------------------------------------------------------
    # DECIDING
    # ------------------------------------------------------------

    def _decide(
        self, now: datetime, *, only_final: bool = False, prepared: bool = False
    ) -> dict[str, list[int]]:
        """Decide about waiting messages, and write what was decided.

        All messages of a person that are due belong into one call: they compete.

        :param now: the moment of the decision
        :param only_final: only what refuses for good; rules that make wait are not asked
        :param prepared: inside of :meth:`_prepared_gate`
        :return: ids by outcome: ``send``, ``refuse``, ``defer``, ``fold``
        """
        ids = list(self.ids)
        if prepared:
            query = SQL('EXECUTE crm_message_gate(%s, %s)', now, ids)
        else:
            query = self._get_decision_sql(
                SQL('%s::timestamp', now), SQL('%s::int[]', ids), only_final=only_final
            )
        self.env.flush_all()
        self.env.cr.execute(query)
        outcomes = {'send': [], 'refuse': [], 'defer': [], 'fold': []}
        for message_id, outcome in self.env.cr.fetchall():
            outcomes[outcome].append(message_id)
        self.invalidate_recordset(flush=False)
        self.env['crm.person'].invalidate_model(['lock_version'], flush=False)
        return outcomes

    @api.model
    @contextmanager
    def _prepared_gate(self):
        """Have PostgreSQL plan the statement once for all batches, a third of its work."""
        query = self._get_decision_sql(SQL('$1'), SQL('$2'))
        text = self.env.cr.mogrify(query.code, query.params).decode()
        # pylint: disable=sql-injection
        self.env.cr.execute(f'PREPARE crm_message_gate (timestamp, int[]) AS {text}')
        self.env.cr.execute("SELECT set_config('plan_cache_mode', 'force_generic_plan', false)")
        self.env.cr.commit()  # pylint: disable=invalid-commit
        try:
            yield
        finally:
            self.env.cr.rollback()
            self.env.cr.execute('DEALLOCATE crm_message_gate')
            self.env.cr.execute('RESET plan_cache_mode')
            self.env.cr.commit()  # pylint: disable=invalid-commit

    def _get_decision_sql(self, now: SQL, ids: SQL, *, only_final: bool = False) -> SQL:
        """Return the statement: find out, decide, claim the persons, write.

        :param now: the moment of the decision, a timestamp
        :param ids: ids of the messages, an array
        :param only_final: rules that make messages wait are not asked
        """
        return SQL(
            'WITH due AS MATERIALIZED (%(due)s), policy AS MATERIALIZED (%(policy)s),'
            ' period AS MATERIALIZED (%(period)s), held AS (%(held)s), ranked AS (%(ranked)s),'
            ' judged AS MATERIALIZED (%(judged)s), outcome AS MATERIALIZED (%(outcome)s),'
            ' bumped AS (%(bumped)s) %(update)s',
            due=self._get_due_sql(now, ids),
            policy=self._get_policy_sql(),
            period=self._get_period_sql(now),
            held=self._get_held_sql(now, only_final=only_final),
            ranked=self._get_ranked_sql(now),
            judged=self._get_judged_sql(now),
            outcome=self._get_outcome_sql(now),
            bumped=self._get_bump_sql(),
            update=self._get_update_sql(now),
        )

    def _get_due_sql(self, now: SQL, ids: SQL) -> SQL:
        """Return the rows to decide on, with what is known of them and the final reason."""
        return SQL(
            'SELECT message.id, message.person_id, message.company_id, message.message_class,'
            ' message.channel, message.priority, message.due_at, message.planned_at,'
            ' message.expires_at, message.origin_model, message.origin_id, person.partner_id,'
            ' message.reason IS NOT NULL AS waited,'
            ' clock.timezone, %(waits)s AS waits, %(reason)s AS reason'
            ' %(from)s WHERE message.id = ANY(%(ids)s) AND message.state = %(state)s',
            waits=SQL("%s AND message.channel <> 'in_person'", self._get_waits_sql('message')),
            reason=self._get_final_reason_sql(now),
            **{'from': self._get_due_from_sql()},
            ids=ids,
            state='planned',
        )

    def _get_due_from_sql(self) -> SQL:
        # OFFSET: the zone is found once, however often it is used
        return SQL(
            'FROM crm_message AS message JOIN crm_person AS person ON person.id = message.person_id'
            ' JOIN res_company AS company ON company.id = message.company_id'
            ' LEFT JOIN res_partner AS partner ON partner.id = person.partner_id'
            ' CROSS JOIN LATERAL (SELECT %s AS timezone OFFSET 0) AS clock',
            self.env['res.partner']._get_customer_tz_sql('partner', 'company'),
        )

    def _get_waits_sql(self, alias: str) -> SQL:
        """Return the condition that a message is of a class that rules may hold or refuse."""
        return SQL(
            '%s NOT IN %s', SQL.identifier(alias, 'message_class'), tuple(CLASSES_NEVER_WAITING)
        )

    # ------------------------------------------------------------
    # TIME
    # ------------------------------------------------------------

    @api.model
    def _get_local_sql(self, moment: SQL, timezone: SQL) -> SQL:
        """Return the expression of a moment in UTC on the clock of a zone.

        :param moment: timestamp in UTC
        :param timezone: name of a zone
        """
        return SQL("(%s AT TIME ZONE 'UTC' AT TIME ZONE %s)", moment, timezone)

    @api.model
    def _get_utc_sql(self, local: SQL, timezone: SQL, after: SQL | None = None) -> SQL:
        """Return the expression of the moment in UTC at which a clock shows a time.

        A time the clock skips is counted with the offset before the change.  Of the two moments
        at which it shows a time when it is set back, PostgreSQL takes the second; this takes the
        first, unless it is over.

        :param local: timestamp on the clock
        :param timezone: name of the clock's zone
        :param after: the moment must lie after this one
        """
        return SQL(
            '(SELECT CASE WHEN %(local_first)s = clock.shows AND %(is_after)s THEN clock.first'
            ' ELSE clock.second END FROM (SELECT shows, zone, second,'
            " shows - (%(local_before)s - (second - interval '1 day')) AS first"
            ' FROM (SELECT shows, zone, shows AT TIME ZONE zone AT TIME ZONE %(utc)s AS second'
            ' FROM (SELECT %(local)s AS shows, %(timezone)s AS zone) AS clock) AS clock) AS clock)',
            local_first=self._get_local_sql(SQL('clock.first'), SQL('clock.zone')),
            is_after=SQL('TRUE') if after is None else SQL('clock.first > %s', after),
            local_before=self._get_local_sql(SQL("(second - interval '1 day')"), SQL('zone')),
            local=local,
            timezone=timezone,
            utc='UTC',
        )
