from __future__ import annotations

from odoo import models
from odoo.tools import SQL


class CrmMessage(models.Model):
    """The gate: what becomes of a message when all is known, and writing it down."""

    _inherit = 'crm.message'

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
