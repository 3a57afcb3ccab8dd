from __future__ import annotations

from odoo import models
from odoo.fields import Domain
from odoo.tools import SQL

from ..privacy import PersonalData, Redactor


class ResPartner(models.Model):
    """What the customer file itself knows of a person: notes, days, household, occasions."""

    _inherit = 'res.partner'

    def _get_personal_data_sources(self):
        return [
            *self._get_personal_sources_notes(),
            *self._get_personal_sources_life(),
            *self._get_personal_sources_imports(),
            *super()._get_personal_data_sources(),
        ]

    def _get_personal_sources_notes(self) -> list[PersonalData]:
        """What staff noted, and the days they know."""
        partners = Domain('partner_id', 'in', self.ids)
        return [
            PersonalData(
                key='crm.customer.note',
                label=self.env._("Notes on the Customer"),
                model='crm.customer.note',
                domain=partners,
                fields=('date', 'category_id', 'text', 'department', 'source'),
                on_erase='delete',
                company='partner_id.company_id',
            ),
            PersonalData(
                key='crm.anniversary',
                label=self.env._("Anniversaries"),
                model='crm.anniversary',
                domain=partners,
                fields=('kind', 'name', 'month', 'day', 'year'),
                on_erase='delete',
                company='partner_id.company_id',
            ),
        ]

    def _get_personal_sources_life(self) -> list[PersonalData]:
        """With whom he lives, and when he was here."""
        return [
            PersonalData(
                key='crm.household',
                label=self.env._("Household"),
                model='crm.household',
                domain=Domain('member_ids', 'in', self.ids),
                fields=('name',),
                on_erase='keep',
                reason=self.env._("It stays while others belong to it."),
                erase=self._erase_households,
            ),
            PersonalData(
                key='crm.occasion',
                label=self.env._("Occasions"),
                model='crm.occasion',
                domain=Domain('partner_id', 'in', self.ids),
                fields=('type_id', 'date_from', 'date_to', 'state', 'place', 'companions', 'note'),
                on_erase='anonymise',
                reason=self.env._("That somebody was there, and when, stays countable."),
                values={'companions': False, 'note': False},
            ),
        ]

    def _get_personal_sources_imports(self) -> list[PersonalData]:
        """What is kept of files that named him: lines left out, and lines that wait."""
        rows = SQL('(SELECT id FROM crm_import_row WHERE %s)', self._get_own_rows_sql())
        return [
            PersonalData(
                key='crm.import.row',
                label=self.env._("Imported Rows"),
                model='crm.import.row',
                domain=Domain('id', 'in', rows),
                fields=('text', 'reason'),
                on_erase='delete',
                # done before, while the contact still says who it is
                erase=lambda _rows, _redactor: None,
                company='import_id.company_id',
            )
        ]

    def _erase_households(self, households, redactor: Redactor) -> None:
        self.household_id = False
        empty = households.filtered(lambda household: not household.member_ids)
        empty.unlink()
        redactor.redact(households - empty)

    def _get_erased_values(self):
        return {
            **super()._get_erased_values(),
            'birth_month': 0,
            'birth_day': 0,
            'birth_year': 0,
            'birth_leap_month': False,
            'group_heads': 0,
        }

    def _erase_loose_texts(self, redactor: Redactor) -> None:
        """Empty the imported rows of the customer, and take him out of those of others.

        A row of somebody else that still waits is left as it is: it would come in with holes.
        """
        rows = self.env['crm.import.row'].sudo()
        rows.flush_model()
        self.env.cr.execute(
            SQL(
                "UPDATE crm_import_row SET cells = '[]', key = NULL, match_key = NULL,"
                " reason = CASE WHEN state IN ('waiting', 'later') THEN %s END,"
                " state = CASE WHEN state IN ('waiting', 'later') THEN 'bad' ELSE state END"
                ' WHERE %s',
                self.env._("Erased on request"),
                self._get_own_rows_sql(),
            )
        )
        rows.invalidate_model(flush=False)
        ended = SQL("state IN ('created', 'updated', 'unchanged', 'bad')")
        redactor.redact_where(rows, ended, ('cells', 'key', 'match_key', 'reason'))
        return super()._erase_loose_texts(redactor)

    def _get_own_rows_sql(self) -> SQL:
        """Return the condition that an imported row is about one of these contacts.

        He is known there by his words only: his e-mail address, or his name and one more.
        """
        if not self:
            return SQL('FALSE')
        text = SQL("concat_ws(' ', cells::text, key, match_key, reason)")

        def names(partner, *columns: str) -> SQL:
            return Redactor(self.env, [partner[name] for name in columns]).get_match_sql(text)

        return SQL(' OR ').join(
            SQL(
                '%s OR %s AND %s',
                names(partner, 'email', 'email_normalized'),
                names(partner, 'name'),
                names(partner, 'phone', 'phone_sanitized', 'street', 'vat'),
            )
            for partner in self
        )

    def _merge_customer_data(self, src_partners):
        """Two occasions for one meeting: the one of the merged contact loses its meeting."""
        self.env['crm.occasion'].flush_model()
        self.env.cr.execute(
            SQL(
                """
                UPDATE crm_occasion AS twin SET calendar_event_id = NULL
                 WHERE twin.partner_id IN %(sources)s
                   AND EXISTS (SELECT FROM crm_occasion AS other
                                WHERE other.calendar_event_id = twin.calendar_event_id
                                  AND (other.partner_id = %(target)s
                                       OR other.partner_id IN %(sources)s AND other.id < twin.id))
                """,
                sources=tuple(src_partners.ids),
                target=self.id,
            )
        )
        self.env['crm.occasion'].invalidate_model(flush=False)
        return super()._merge_customer_data(src_partners)
