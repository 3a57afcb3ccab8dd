from __future__ import annotations

from odoo import models
from odoo.tools import SQL

#: of several decisions the one that sends least wins
RESTRICTION = {'in': 1, 'pending': 2, 'out': 3}


class CrmPerson(models.Model):
    """Several persons turn out to be one: the strictest decision and every message stay."""

    _inherit = 'crm.person'

    def _merge_into(self, survivor: CrmPerson) -> None:
        """Let one person take over what hangs on these; other addons add theirs.

        :param survivor: the person that stays
        """
        (self | survivor)._bump_version()
        self._merge_consents(survivor)
        self._merge_addresses(survivor)
        self._merge_messages(survivor)
        self._merge_quiet_periods(survivor)
        self._merge_preferences(survivor)
        self._link_to_survivor(survivor)

    def _merge_consents(self, survivor: CrmPerson) -> None:
        """Bring the strictest decision to the survivor; the proof stays where it was made."""
        consents = self.env['crm.consent'].search([('person_id', 'in', (self | survivor).ids)])
        groups = consents.grouped(lambda c: (c.company_id, c.purpose, c.channel))
        for (company, purpose, channel), rows in groups.items():
            strictest = max(rows, key=lambda row: RESTRICTION[row.status])
            present = rows.filtered(lambda row: row.person_id == survivor)
            if strictest.status != present.status:
                taken_over = survivor._set_consent(
                    [purpose],
                    [channel],
                    strictest.status,
                    company=company,
                    source='merge',
                    evidence=strictest.person_id.person_key,
                )
                taken_over.address_hash = strictest.address_hash  # a merge proves no mailbox
        consents.filtered(lambda c: c.person_id != survivor).unlink()

    def _merge_addresses(self, survivor: CrmPerson) -> None:
        """Leave alone for the survivor what was left alone for the others."""
        self.env['crm.person.address'].flush_model()
        params = {'merged': tuple(self.ids), 'survivor': survivor.id}
        self.env.execute_query(
            SQL(
                'INSERT INTO crm_person_address AS known'
                ' (person_id, company_id, channel, address_hash, suppressed)'
                ' SELECT %(survivor)s, company_id, channel, address_hash, bool_or(suppressed)'
                ' FROM crm_person_address WHERE person_id IN %(merged)s'
                ' GROUP BY company_id, channel, address_hash'
                ' ON CONFLICT (person_id, channel, address_hash, (COALESCE(company_id, 0)))'
                ' DO UPDATE'
                ' SET suppressed = known.suppressed OR EXCLUDED.suppressed RETURNING id',
                **params,
            )
        )
        self.env.execute_query(
            SQL(
                'DELETE FROM crm_person_address WHERE person_id IN %(merged)s RETURNING id',
                **params,
            )
        )
        self.env['crm.person.address'].invalidate_model(flush=False)

    def _merge_messages(self, survivor: CrmPerson) -> None:
        """Count what was sent to each of them for the survivor."""
        Message = self.env['crm.message']
        Message.flush_model()
        for person in self:
            person._merge_message_keys(survivor)
        self.env.execute_query(
            SQL(
                'UPDATE crm_message SET person_id = %s WHERE person_id IN %s RETURNING id',
                survivor.id,
                tuple(self.ids),
            )
        )
        Message.invalidate_model(flush=False)
        Message._cancel_doubles(survivor)

    def _merge_message_keys(self, survivor: CrmPerson) -> None:
        """Let keys that name one person name the survivor, where he has no such message yet.

        What was sent to one of them, as the greeting of this year, is not sent again.
        """
        self.ensure_one()
        key = SQL('replace(message.key, %s, %s)', self.person_key, survivor.person_key)
        self.env.cr.execute(
            SQL(
                'UPDATE crm_message AS message SET key = %s'
                ' WHERE message.person_id = %s AND strpos(message.key, %s) > 0'
                " AND message.state NOT IN ('refused', 'cancelled')"
                ' AND NOT EXISTS (SELECT FROM crm_message AS other WHERE other.key = %s)',
                key,
                self.id,
                self.person_key,
                key,
            )
        )

    def _merge_quiet_periods(self, survivor: CrmPerson) -> None:
        """Keep the quiet before promotions that were meant for some persons only."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                'INSERT INTO crm_quiet_period_person_rel (period_id, person_id)'
                ' SELECT DISTINCT period_id, %s FROM crm_quiet_period_person_rel'
                ' WHERE person_id IN %s ON CONFLICT DO NOTHING',
                survivor.id,
                tuple(self.ids),
            )
        )
        self.env.cr.execute(
            SQL('DELETE FROM crm_quiet_period_person_rel WHERE person_id IN %s', tuple(self.ids))
        )
        self.env['crm.quiet.period'].invalidate_model(['person_ids'], flush=False)

    def _merge_preferences(self, survivor: CrmPerson) -> None:
        """Keep the survivor's choice, else that of another; do not disturb the longest."""
        resting = (self | survivor).filtered('do_not_disturb')
        if resting:
            days = resting.mapped('do_not_disturb_until')
            survivor.write(
                {
                    'do_not_disturb': True,
                    'do_not_disturb_until': False if not all(days) else max(days),
                }
            )
        if not survivor.preferred_channel:
            survivor.preferred_channel = self.filtered('preferred_channel')[:1].preferred_channel
        if not survivor.preferred_hour_to and (timed := self.filtered('preferred_hour_to')[:1]):
            survivor.preferred_hour_from = timed.preferred_hour_from
            survivor.preferred_hour_to = timed.preferred_hour_to

    def _link_to_survivor(self, survivor: CrmPerson) -> None:
        earlier = self.search([('survivor_id', 'in', self.ids)])
        (self | earlier).survivor_id = survivor
        self.partner_id = False
        self.env.flush_all()
