from __future__ import annotations

from odoo import api, fields, models
from odoo.tools import SQL

from ..gate import GateSource

#: channels that are not used to write to somebody who stands before us
HELD_CHANNELS = ('email', 'sms')


class CrmMessage(models.Model):
    """Messages and customers who are here: what waits meanwhile, and greetings in person."""

    _inherit = 'crm.message'

    @api.model
    def _get_gate_sources(self) -> list[GateSource]:
        return [
            *super()._get_gate_sources(),
            GateSource(reason='in_house', query=self._get_in_house_sql(), channels=HELD_CHANNELS),
        ]

    @api.model
    def _get_in_house_sql(self) -> SQL:
        """Return the SELECT of the customers who are here, where that holds messages."""
        return SQL(
            'SELECT occasion.partner_id, occasion.company_id,'
            ' CASE WHEN occasion.date_to > %s THEN occasion.date_to END AS until'
            ' FROM crm_occasion AS occasion'
            ' JOIN crm_occasion_type AS kind ON kind.id = occasion.type_id'
            " WHERE occasion.state = 'present' AND kind.holds_messages",
            fields.Datetime.now(),
        )

    # ------------------------------------------------------------
    # GREETINGS
    # ------------------------------------------------------------

    @api.model
    def _get_greeting_key(self, company, person, occurrence_key: str) -> str:
        """Return the key of the one greeting a person gets from a company on an anniversary.

        Whoever plans greetings uses it, so that nobody is greeted twice.

        :param company: ``res.company`` that greets
        :param person: ``crm.person`` who is greeted
        :param occurrence_key: key of the :class:`Occurrence`, as S2026 or L2026
        """
        return f'greeting:{company.id}:{person.sudo().person_key}:{occurrence_key}'

    @api.model
    def _note_greeting_in_person(
        self, company, partner, occurrence_key: str, subject: str
    ) -> CrmMessage:
        """Note that somebody was greeted face to face; a greeting that waits becomes this one.

        :param company: ``res.company`` that greeted
        :param partner: contact who was greeted
        :param occurrence_key: key of the :class:`Occurrence`
        :param subject: what was done
        :return: the greeting in the ledger
        """
        person = self._get_greeted_person(partner)
        person._bump_version()  # the gate may be about to send the one that waits
        vals = self._prepare_greeting_in_person(company, person, occurrence_key, subject)
        messages = self.sudo()
        messages._plan([vals])
        greeting = messages.search([('key', '=', vals['key'])])
        if greeting.state in ('planned', 'cancelled', 'refused', 'failed'):
            greeting.write(
                {
                    'channel': 'in_person',
                    'subject': subject,
                    'state': 'sent',
                    'reason': False,
                    'decided_at': fields.Datetime.now(),
                    'sent_at': fields.Datetime.now(),
                }
            )
        return greeting

    @api.model
    def _get_greeted_person(self, partner):
        """Return the person behind a contact, after a merge the one who is left."""
        person = self.env['crm.person'].sudo()._for_partners(partner)
        return person.survivor_id or person

    @api.model
    def _prepare_greeting_in_person(
        self, company, person, occurrence_key: str, subject: str
    ) -> dict:
        """Return the values of a greeting somebody says himself."""
        return {
            'key': self._get_greeting_key(company, person, occurrence_key),
            'person_id': person.id,
            'company_id': company.id,
            'message_class': 'greeting',
            'channel': 'in_person',
            'subject': subject,
        }

    @api.model
    def _forget_greeting_in_person(self, company, partner, occurrence_key: str) -> None:
        """Take back a greeting that was noted by mistake; another way of greeting is not chosen."""
        person = self._get_greeted_person(partner)
        key = self._get_greeting_key(company, person, occurrence_key)
        greeting = self.sudo().search([('key', '=', key), ('channel', '=', 'in_person')])
        if greeting.state == 'sent':
            greeting.write({'state': 'cancelled', 'reason': 'staff', 'sent_at': False})
