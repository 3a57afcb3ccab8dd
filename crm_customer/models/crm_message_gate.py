from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime

from odoo import api, models
from odoo.tools import SQL

from ..gate import LATE_DAYS, RETRY_HOURS, GateSource
from ..messaging import CLASSES_NEVER_WAITING, PURPOSES_OF_CHOICE
from .crm_contact_policy import WEEKDAYS


class CrmMessage(models.Model):
    """The gate: one statement that decides about a batch of messages.

    Its parts are methods, so that an addon can add a condition or change one.  The aliases of the
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
    # REASONS FOR GOOD
    # ------------------------------------------------------------

    def _get_final_reason_sql(self, now: SQL, *, leaving: bool = False) -> SQL:
        """Return the expression of the first reason that refuses a message for good, or NULL."""
        conditions = self._get_final_conditions(now, leaving=leaving)
        return SQL(
            'CASE %s END',
            SQL(' ').join(
                SQL('WHEN %s THEN %s', condition, reason)
                for reason, condition in conditions.items()
            ),
        )

    def _get_final_conditions(self, now: SQL, *, leaving: bool = False) -> dict[str, SQL]:
        """Return the condition of each final reason, in the order in which they are asked.

        :param leaving: the message was released before and is about to leave: that it is late
            now is not its fault
        """
        return {
            'merged': SQL('person.survivor_id IS NOT NULL'),
            'erased': SQL('person.erased_on IS NOT NULL OR person.partner_id IS NULL'),
            # an archived customer keeps his products and open orders: recalls and notices go on
            'archived': SQL('%s AND NOT partner.active', self._get_waits_sql('message')),
            'expired': self._get_expired_sql(now, leaving=leaving),
            'no_address': self._get_no_address_sql(),
            'blacklist': SQL(
                '%s AND %s', self._get_waits_sql('message'), self._get_blacklist_sql()
            ),
            'do_not_disturb': self._get_do_not_disturb_sql(now),
            'no_consent': self._get_no_consent_sql(),
            **self._get_final_source_conditions(now),
        }

    def _get_expired_sql(self, now: SQL, *, leaving: bool) -> SQL:
        expired = SQL('message.expires_at <= %s', now)
        if leaving:
            return expired
        return SQL(
            '%s OR %s AND message.due_at < %s - make_interval(days => %s)',
            expired,
            self._get_waits_sql('message'),
            now,
            LATE_DAYS,
        )

    def _get_no_address_sql(self) -> SQL:
        return SQL(
            "CASE message.channel WHEN 'email' THEN COALESCE(partner.email_normalized, '') = ''"
            " WHEN 'sms' THEN COALESCE(partner.phone_sanitized, '') = ''"
            " WHEN 'phone' THEN COALESCE(partner.phone_sanitized, partner.phone, '') = ''"
            " WHEN 'post' THEN COALESCE(partner.street, '') = '' OR"
            " COALESCE(partner.city, partner.zip, '') = '' ELSE FALSE END"
        )

    def _get_blacklist_sql(self) -> SQL:
        """Return the condition that core's blacklists or an erased owner close the address."""
        phone = SQL(
            'EXISTS (SELECT FROM phone_blacklist WHERE active AND number = partner.phone_sanitized)'
        )
        return SQL(
            "CASE message.channel WHEN 'email' THEN EXISTS (SELECT FROM mail_blacklist"
            ' WHERE active AND email = partner.email_normalized) OR %s'
            " WHEN 'sms' THEN %s OR %s WHEN 'phone' THEN %s OR %s ELSE FALSE END",
            self._get_suppressed_sql('email', SQL('partner.email_normalized')),
            phone,
            self._get_suppressed_sql('sms', SQL('partner.phone_sanitized')),
            phone,
            self._get_suppressed_sql('phone', SQL('partner.phone_sanitized')),
        )

    def _get_suppressed_sql(self, channel: str, address: SQL) -> SQL:
        # no hash of each address while there is nothing to compare it with
        return SQL(
            'EXISTS (SELECT FROM crm_person_address WHERE suppressed) AND %s',
            self.env['crm.person.address']._get_suppressed_sql(
                channel, address, SQL('message.company_id')
            ),
        )

    def _get_do_not_disturb_sql(self, now: SQL) -> SQL:
        return SQL(
            '%s AND person.do_not_disturb AND (person.do_not_disturb_until IS NULL'
            ' OR person.do_not_disturb_until > %s::date)',
            self._get_waits_sql('message'),
            self._get_local_sql(now, SQL('clock.timezone')),
        )

    def _get_no_consent_sql(self) -> SQL:
        """Return the condition that the customer refused, or was to agree and did not.

        Of what is said face to face he is not asked beforehand.
        """
        return SQL(
            "message.message_class <> 'safety' AND COALESCE((SELECT consent.status = 'out'"
            " OR consent.purpose <> 'transactional' AND (consent.status = 'pending' OR %s)"
            ' FROM crm_consent AS consent WHERE consent.person_id = message.person_id'
            ' AND consent.company_id = message.company_id'
            ' AND consent.purpose = message.purpose AND consent.channel = message.channel),'
            " message.channel <> 'in_person' AND %s)",
            self.env['crm.consent']._get_moved_sql('consent', 'company', 'partner'),
            self._get_opt_in_sql(),
        )

    def _get_opt_in_sql(self) -> SQL:
        """Return the condition that the company asks customers for their consent first."""
        return SQL(
            'CASE message.purpose %s ELSE FALSE END',
            SQL(' ').join(
                SQL(
                    "WHEN %s THEN %s = 'opt_in'",
                    purpose,
                    SQL.identifier('company', f'crm_consent_{purpose}'),
                )
                for purpose in PURPOSES_OF_CHOICE
            ),
        )

    def _get_final_source_conditions(self, now: SQL) -> dict[str, SQL]:
        conditions: dict[str, SQL] = {}
        for source in self._get_sorted_sources(final=True):
            condition = SQL(
                '%s AND (%s) > %s',
                self._get_source_scope_sql(source, 'message'),
                self._get_source_until_sql(source, 'message', now),
                now,
            )
            if source.reason in conditions:
                condition = SQL('%s OR %s', conditions[source.reason], condition)
            conditions[source.reason] = condition
        return conditions

    # ------------------------------------------------------------
    # SOURCES
    # ------------------------------------------------------------

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
    # REASONS TO WAIT
    # ------------------------------------------------------------

    def _get_policy_sql(self) -> SQL:
        """Return the policies that bind each company: its own, else those for all."""
        return SQL(
            'SELECT company.id AS bound_id, policy.channel, policy.window_days,'
            " policy.window = 'calendar' AS by_day, NULLIF(policy.max_messages, 0) AS allowed,"
            " round(policy.quiet_from * 60) * interval '1 minute' AS quiet_from,"
            " round(policy.quiet_to * 60) * interval '1 minute' AS quiet_to,"
            ' ARRAY[%(days)s] AS days,'
            ' make_interval(hours => NULLIF(policy.defer_max_hours, 0)) AS defer_max'
            ' FROM res_company AS company JOIN crm_contact_policy AS policy ON policy.active'
            ' AND (policy.company_id = company.id OR policy.company_id IS NULL'
            ' AND NOT EXISTS (SELECT FROM crm_contact_policy AS own'
            ' WHERE own.active AND own.company_id = company.id))'
            ' WHERE company.id IN (SELECT company_id FROM due)',
            days=SQL(', ').join(SQL.identifier('policy', day) for day in WEEKDAYS),
        )

    def _get_period_sql(self, now: SQL) -> SQL:
        """Return the quiet periods of this moment."""
        return SQL(
            'SELECT * FROM crm_quiet_period AS period'
            ' WHERE active AND date_from <= %(now)s AND date_to > %(now)s',
            now=now,
        )

    def _get_held_sql(self, now: SQL, *, only_final: bool) -> SQL:
        """Return the rows with all that may make them wait."""
        asked = SQL('due.reason IS NULL AND %s', not only_final)
        return SQL(
            'SELECT due.*, local.at AS local_at, hold.reason AS hold_reason,'
            ' hold.until AS hold_until, quiet.until AS quiet_until, quiet.dropped,'
            ' quiet.host_id, quiet.host_due_at, rule.room, rule.channel_room, rule.is_quiet,'
            ' due.planned_at + rule.defer_max AS give_up_at'
            ' FROM due CROSS JOIN LATERAL (SELECT %(local)s AS at) AS local'
            ' LEFT JOIN LATERAL (%(hold)s) AS hold ON %(asked)s'
            ' LEFT JOIN LATERAL (%(quiet)s) AS quiet ON %(asked)s AND due.waits'
            ' LEFT JOIN LATERAL (%(rule)s) AS rule ON %(asked)s AND due.waits',
            local=self._get_local_sql(now, SQL('due.timezone')),
            hold=self._get_hold_sql(now),
            quiet=self._get_quiet_sql(),
            rule=self._get_rule_sql(now),
            asked=asked,
        )

    def _get_hold_sql(self, now: SQL) -> SQL:
        """Return the first source that makes the message wait, and until when."""
        sources = self._get_sorted_sources(final=False)
        if not sources:
            return SQL('SELECT NULL::varchar AS reason, NULL::timestamp AS until')
        selects = SQL(' UNION ALL ').join(
            SQL(
                'SELECT %s AS position, %s::varchar AS reason, CASE WHEN %s THEN (%s) END AS until',
                position,
                source.reason,
                self._get_source_scope_sql(source, 'due'),
                self._get_source_until_sql(source, 'due', now),
            )
            for position, source in enumerate(sources)
        )
        return SQL(
            'SELECT source.reason, source.until FROM (%s) AS source'
            ' WHERE source.until > %s ORDER BY source.position LIMIT 1',
            selects,
            now,
        )

    def _get_quiet_sql(self) -> SQL:
        """Return until when quiet periods hold the message, and what becomes of it.

        Overlapping periods hold it until the last of their promotions ends.  The host is the
        promotion's own message of the same person, which the message may be put into.
        """
        return SQL(
            'SELECT max(period.promotion_to) AS until,'
            " bool_or(period.action = 'drop') AS dropped,"
            ' (array_agg(host.id ORDER BY host.due_at, host.id)'
            ' FILTER (WHERE host.id IS NOT NULL))[1] AS host_id, min(host.due_at) AS host_due_at'
            ' FROM period LEFT JOIN LATERAL (SELECT host.id, host.due_at FROM crm_message AS host'
            ' WHERE host.person_id = due.person_id AND host.company_id = due.company_id'
            " AND host.state = 'planned' AND host.origin_model = period.res_model"
            ' AND host.origin_id = period.res_id ORDER BY host.due_at, host.id LIMIT 1)'
            " AS host ON period.action = 'fold' WHERE %s",
            self._get_period_condition_sql(),
        )

    def _get_period_condition_sql(self) -> SQL:
        """Return the condition that a quiet period is about a message."""
        return SQL(
            '(period.company_id IS NULL OR period.company_id = due.company_id)'
            " AND CASE due.message_class WHEN 'hint' THEN period.hold_hint"
            " WHEN 'greeting' THEN period.hold_greeting WHEN 'gift' THEN period.hold_gift"
            " WHEN 'offer' THEN period.hold_offer ELSE FALSE END"
            " AND CASE due.channel WHEN 'email' THEN period.hold_email"
            " WHEN 'sms' THEN period.hold_sms WHEN 'phone' THEN period.hold_phone"
            " WHEN 'post' THEN period.hold_post ELSE FALSE END"
            ' AND (period.res_model, period.res_id)'
            ' IS DISTINCT FROM (due.origin_model, due.origin_id)'
            ' AND (period.limited IS NOT TRUE OR EXISTS (SELECT FROM crm_quiet_period_person_rel'
            ' AS listed WHERE listed.period_id = period.id AND listed.person_id = due.person_id))'
        )

    def _get_rule_sql(self, now: SQL) -> SQL:
        """Return what the policies leave: messages still allowed, and whether hours are quiet."""
        return SQL(
            'SELECT min(policy.allowed - sent.number) FILTER (WHERE policy.channel IS NULL)'
            ' AS room, min(policy.allowed - sent.number) FILTER (WHERE policy.channel IS NOT NULL)'
            ' AS channel_room, bool_or(%(is_quiet)s) AS is_quiet,'
            ' min(policy.defer_max) AS defer_max'
            ' FROM policy CROSS JOIN LATERAL (SELECT count(*) AS number FROM (%(sent)s'
            ' AND sent.counted_at > %(window_start)s) AS sent) AS sent'
            ' WHERE policy.bound_id = due.company_id'
            ' AND (policy.channel IS NULL OR policy.channel = due.channel)',
            is_quiet=self._get_is_quiet_sql(),
            sent=self._get_sent_sql('due'),
            window_start=self._get_window_start_sql(now),
        )

    def _get_sent_sql(self, alias: str) -> SQL:
        """Return the SELECT of what a person got, as far as a policy counts it."""
        return SQL(
            'SELECT sent.counted_at FROM crm_message AS sent WHERE policy.allowed IS NOT NULL'
            ' AND sent.person_id = %s AND sent.company_id = %s AND sent.counted_at IS NOT NULL'
            ' AND (policy.channel IS NULL OR sent.channel = policy.channel)',
            SQL.identifier(alias, 'person_id'),
            SQL.identifier(alias, 'company_id'),
        )

    def _get_window_start_sql(self, now: SQL) -> SQL:
        """Return the moment after which messages count."""
        first_day = SQL(
            "date_trunc('day', local.at) - make_interval(days => policy.window_days - 1)"
        )
        return SQL(
            "CASE WHEN policy.by_day THEN %s - interval '1 microsecond'"
            ' ELSE %s - make_interval(days => policy.window_days) END',
            self._get_utc_sql(first_day, SQL('due.timezone')),
            now,
        )

    def _get_is_quiet_sql(self) -> SQL:
        """Return the condition that a policy lets nothing out at this time of the customer."""
        return SQL(
            'NOT policy.days[extract(isodow FROM local.at)::int]'
            " OR CASE WHEN policy.quiet_from < policy.quiet_to THEN %(time)s >= policy.quiet_from"
            ' AND %(time)s < policy.quiet_to WHEN policy.quiet_from > policy.quiet_to'
            ' THEN %(time)s >= policy.quiet_from OR %(time)s < policy.quiet_to ELSE FALSE END',
            time=SQL("(local.at - date_trunc('day', local.at))"),
        )

    # ------------------------------------------------------------
    # VERDICT
    # ------------------------------------------------------------

    def _get_ranked_sql(self, now: SQL) -> SQL:
        """Return the rows with the number of those of the same person that go out before them.

        Only what nothing else holds takes room.  Limits of one channel come first, because what
        they hold takes no room of the limits for all channels.
        """
        before = SQL(
            'ORDER BY priority, due_at, id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING'
        )
        return SQL(
            'WITH candidates AS (SELECT *, waits AND reason IS NULL AND hold_reason IS NULL'
            ' AND quiet_until IS NULL AND is_quiet IS NOT TRUE'
            ' AND NOT (waited AND COALESCE(give_up_at <= %(now)s, FALSE)) AS candidate FROM held),'
            ' in_channel AS (SELECT *, candidate AND COALESCE(count(*) FILTER (WHERE candidate)'
            ' OVER channel < channel_room, TRUE) AS fits_channel FROM candidates'
            ' WINDOW channel AS (PARTITION BY person_id, company_id, channel %(before)s)),'
            ' in_all AS (SELECT *, fits_channel AND COALESCE(count(*) FILTER (WHERE fits_channel)'
            ' OVER person < room, TRUE) AS fits FROM in_channel'
            ' WINDOW person AS (PARTITION BY person_id, company_id %(before)s))'
            ' SELECT *, count(*) FILTER (WHERE fits) OVER person AS all_before,'
            ' count(*) FILTER (WHERE fits) OVER channel AS channel_before FROM in_all'
            ' WINDOW person AS (PARTITION BY person_id, company_id %(before)s),'
            ' channel AS (PARTITION BY person_id, company_id, channel %(before)s)',
            before=before,
            now=now,
        )

    def _get_judged_sql(self, now: SQL) -> SQL:
        """Return the rows with their reason and, if they wait, when they are looked at again."""
        return SQL(
            'SELECT ranked.id, ranked.person_id, ranked.waits, ranked.waited, ranked.dropped,'
            ' ranked.host_id,'
            ' ranked.host_due_at, ranked.room, ranked.channel_room, verdict.reason,'
            ' ranked.reason IS NOT NULL AS final,'
            ' LEAST(ranked.expires_at, ranked.give_up_at) AS give_up_at,'
            ' CASE WHEN ranked.reason IS NULL THEN CASE verdict.reason'
            " WHEN ranked.hold_reason THEN ranked.hold_until"
            " WHEN 'quiet_period' THEN ranked.quiet_until"
            " WHEN 'frequency_cap' THEN (%(room_at)s) WHEN 'quiet_hours' THEN (%(awake_at)s)"
            ' END END AS next_at FROM ranked CROSS JOIN LATERAL (SELECT %(verdict)s AS reason)'
            ' AS verdict',
            verdict=self._get_verdict_sql(),
            room_at=self._get_room_at_sql(now),
            awake_at=self._get_awake_at_sql(now),
        )

    def _get_verdict_sql(self) -> SQL:
        """Return the first reason of a row, NULL when it may go."""
        return SQL(
            'CASE %s END',
            SQL(' ').join(
                SQL('WHEN %s THEN %s', condition, reason)
                for condition, reason in self._get_verdict_conditions()
            ),
        )

    def _get_verdict_conditions(self) -> list[tuple[SQL, SQL]]:
        """Return conditions and reasons in the order in which they are asked."""
        return [
            (SQL('ranked.reason IS NOT NULL'), SQL('ranked.reason')),
            (SQL('ranked.hold_reason IS NOT NULL'), SQL('ranked.hold_reason')),
            (SQL('ranked.quiet_until IS NOT NULL'), SQL("'quiet_period'")),
            (
                SQL(
                    'ranked.all_before >= ranked.room'
                    ' OR ranked.channel_before >= ranked.channel_room'
                ),
                SQL("'frequency_cap'"),
            ),
            (SQL('ranked.is_quiet'), SQL("'quiet_hours'")),
        ]

    def _get_room_at_sql(self, now: SQL) -> SQL:
        """Return the SELECT of the moment at which the policies have room for one more.

        That is when the last but (allowed - 1) of what the person got leaves the window; what
        goes out in this batch before the message counts as got now.
        """
        got_at = SQL(
            'CASE WHEN ahead.number >= policy.allowed THEN %s'
            ' ELSE (%s ORDER BY sent.counted_at DESC'
            ' OFFSET policy.allowed - ahead.number - 1 LIMIT 1) END',
            now,
            self._get_sent_sql('ranked'),
        )
        last_day = SQL(
            "date_trunc('day', %s) + make_interval(days => policy.window_days)",
            self._get_local_sql(SQL('got.at'), SQL('ranked.timezone')),
        )
        return SQL(
            'SELECT max(CASE WHEN policy.by_day THEN %(by_day)s'
            ' ELSE got.at + make_interval(days => policy.window_days) END)'
            ' FROM policy CROSS JOIN LATERAL (SELECT CASE WHEN policy.channel IS NULL'
            ' THEN ranked.all_before ELSE ranked.channel_before END AS number) AS ahead'
            ' CROSS JOIN LATERAL (SELECT %(got_at)s AS at) AS got'
            ' WHERE policy.bound_id = ranked.company_id'
            ' AND (policy.channel IS NULL OR policy.channel = ranked.channel)',
            by_day=self._get_utc_sql(last_day, SQL('ranked.timezone'), now),
            got_at=got_at,
        )

    def _get_awake_at_sql(self, now: SQL) -> SQL:
        """Return the SELECT of the moment at which no policy's hours are quiet any more.

        A day is open in one stretch, or in two around hours like a siesta; of the next eight days
        the first moment counts that lies in an open stretch of an allowed day.
        """
        opening = SQL(
            'SELECT min(GREATEST(day.start + stretch.opens, ranked.local_at)) AS at'
            ' FROM generate_series(0, 7) AS number'
            " CROSS JOIN LATERAL (SELECT date_trunc('day', ranked.local_at)"
            ' + make_interval(days => number) AS start) AS day'
            ' CROSS JOIN LATERAL (VALUES'
            ' (CASE WHEN policy.quiet_from > policy.quiet_to THEN policy.quiet_to'
            " ELSE interval '0' END, CASE WHEN policy.quiet_from = policy.quiet_to"
            " THEN interval '24 hours' ELSE policy.quiet_from END),"
            ' (policy.quiet_to, CASE WHEN policy.quiet_from < policy.quiet_to'
            " THEN interval '24 hours' ELSE policy.quiet_to END)) AS stretch (opens, closes)"
            ' WHERE policy.days[extract(isodow FROM day.start)::int]'
            ' AND stretch.opens < stretch.closes AND ranked.local_at < day.start + stretch.closes'
        )
        return SQL(
            'SELECT max(%(utc)s) FROM policy CROSS JOIN LATERAL (%(opening)s) AS opening'
            ' WHERE policy.bound_id = ranked.company_id AND opening.at > ranked.local_at'
            ' AND (policy.channel IS NULL OR policy.channel = ranked.channel)',
            utc=self._get_utc_sql(SQL('opening.at'), SQL('ranked.timezone'), now),
            opening=opening,
        )

    # ------------------------------------------------------------
    # WRITING
    # ------------------------------------------------------------

    def _get_outcome_sql(self, now: SQL) -> SQL:
        """Return what becomes of each row.

        A message that would have to wait longer than it may is looked at a last time when its
        time is up, and given up if it still has to wait.
        """
        return SQL(
            'SELECT judged.id, judged.person_id, judged.waits, judged.room, judged.channel_room,'
            ' found.outcome, CASE WHEN found.outcome = %(refuse)s AND NOT judged.final'
            ' AND NOT (judged.dropped AND judged.reason IS NOT DISTINCT FROM %(quiet_period)s)'
            " THEN 'expired' ELSE judged.reason END AS reason,"
            " CASE WHEN found.outcome = 'fold' THEN judged.host_id END AS host_id,"
            " CASE WHEN found.outcome IN ('defer', 'fold') THEN LEAST(judged.give_up_at,"
            " GREATEST(judged.next_at, %(now)s + interval '1 second')) END AS due_at"
            ' FROM judged CROSS JOIN LATERAL (SELECT CASE'
            ' WHEN judged.final OR judged.dropped AND %(quiet)s OR %(given_up)s THEN %(refuse)s'
            " WHEN judged.reason IS NULL THEN 'send'"
            " WHEN %(quiet)s AND %(host)s THEN 'fold' ELSE 'defer' END AS outcome) AS found",
            now=now,
            refuse='refuse',
            quiet_period='quiet_period',
            quiet=SQL("judged.reason = 'quiet_period'"),
            given_up=self._get_given_up_sql('judged', now),
            host=self._get_host_condition_sql(now),
        )

    def _get_host_condition_sql(self, now: SQL) -> SQL:
        """Return the condition that a message can be put into the promotion's own one.

        That one is still to go, in time, and this batch neither refuses it nor puts it into
        another itself.
        """
        return SQL(
            'judged.host_id IS NOT NULL'
            ' AND COALESCE(judged.host_due_at < judged.give_up_at, TRUE)'
            ' AND NOT EXISTS (SELECT FROM judged AS host WHERE host.id = judged.host_id'
            " AND (host.final OR %s OR host.reason = 'quiet_period'"
            ' AND (host.dropped OR host.host_id IS NOT NULL)))',
            self._get_given_up_sql('host', now),
        )

    def _get_given_up_sql(self, alias: str, now: SQL) -> SQL:
        """Return the condition that a message waits, or waited, until its time was up."""
        return SQL(
            'COALESCE(%(alias)s.give_up_at <= %(now)s, FALSE)'
            ' AND (%(alias)s.waited OR %(alias)s.reason IS NOT NULL)',
            alias=SQL.identifier(alias),
            now=now,
        )

    def _get_bump_sql(self) -> SQL:
        """Return the statement that claims the persons whose room is used.

        Of two transactions that send to one person at the same time the second one fails and is
        repeated on what the first one left.
        """
        return SQL(
            'UPDATE crm_person SET lock_version = COALESCE(lock_version, 0) + 1'
            ' WHERE id IN (SELECT person_id FROM outcome'
            " WHERE outcome = 'send' AND COALESCE(room, channel_room) IS NOT NULL)"
        )

    def _get_update_sql(self, now: SQL) -> SQL:
        """Return the statement that writes what was decided."""
        return SQL(
            'UPDATE crm_message AS message SET'
            " state = CASE outcome.outcome WHEN 'send' THEN 'queued' WHEN 'refuse' THEN 'refused'"
            " WHEN 'fold' THEN 'folded' ELSE 'planned' END, reason = outcome.reason,"
            ' due_at = COALESCE(outcome.due_at, message.due_at),'
            " decided_at = CASE WHEN outcome.outcome <> 'defer' THEN %(now)s END,"
            " counted_at = CASE WHEN outcome.outcome = 'send' AND outcome.waits"
            ' THEN %(now)s END, folded_into_id = outcome.host_id,'
            ' write_date = %(now)s'
            ' FROM outcome WHERE message.id = outcome.id RETURNING message.id, outcome.outcome',
            now=now,
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
