from __future__ import annotations

from odoo import models
from odoo.tools import SQL

from ..gate import LATE_DAYS
from ..messaging import PURPOSES_OF_CHOICE


class CrmMessage(models.Model):
    """The gate: what refuses a message for good."""

    _inherit = 'crm.message'

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
