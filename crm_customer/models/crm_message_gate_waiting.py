from __future__ import annotations

from odoo import models
from odoo.tools import SQL

from .crm_contact_policy import WEEKDAYS


class CrmMessage(models.Model):
    """The gate: what makes a message wait."""

    _inherit = 'crm.message'

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
            ' AND (period.res_model IS NULL OR (period.res_model, period.res_id)'
            ' IS DISTINCT FROM (due.origin_model, due.origin_id))'
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
