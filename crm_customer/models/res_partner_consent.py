from __future__ import annotations

from collections.abc import Collection

from odoo import api, models
from odoo.exceptions import UserError

from ..messaging import ADDRESS_KINDS, CHANNELS, PURPOSES, PURPOSES_OF_CHOICE


class ResPartner(models.Model):
    """What a contact agreed to, for staff and for other systems."""

    _inherit = 'res.partner'

    @api.readonly
    def get_consent_overview(self) -> dict:
        """Return what holds for a contact in the active company, by purpose and channel.

        :return: ``purposes`` with their ``cells`` (status, whether it is allowed, whether the
            address is left alone whatever was agreed, since when and how it is known), and what
            the person prefers
        """
        self.ensure_one()
        self.check_access('read')
        person = self.env['crm.person'].sudo().search([('partner_id', '=', self.id)])
        return {
            'company': self.env.company.name,
            'purposes': self._get_consent_rows(person),
            'preferences': person._describe_preferences() if person else [],
            'can_change': self.has_access('write'),
        }

    def _get_consent_rows(self, person) -> list[dict]:
        Consent = self.env['crm.consent']
        purposes = dict(Consent._fields['purpose']._description_selection(self.env))
        channels = dict(Consent._fields['channel']._description_selection(self.env))
        consents = person and {
            (row.purpose, row.channel): row
            for row in Consent.sudo().search(
                [('person_id', '=', person.id), ('company_id', '=', self.env.company.id)]
            )
        }
        sources = person and person._get_consent_sources(self.env.company)
        # somebody erased who was imported again has no person yet, and is left alone all the same
        known = person or self.env['crm.person'].sudo().new({'partner_id': self.id})
        closed = known._get_closed_channels(self.env.company)
        return [
            {
                'key': purpose,
                'label': purposes[purpose],
                'cells': [
                    self._describe_consent(
                        purpose,
                        channel,
                        channels[channel],
                        (consents or {}).get((purpose, channel)),
                        (sources or {}).get((purpose, channel), ''),
                        closed=channel in closed and purpose in PURPOSES_OF_CHOICE,
                    )
                    for channel, _label in CHANNELS
                ],
            }
            for purpose, _label in PURPOSES
        ]

    def _describe_consent(self, purpose, channel, label, consent, source, closed) -> dict:
        status = consent._get_present_status() if consent else None
        return {
            'channel': channel,
            'label': label,
            'status': status or 'none',
            'allowed': not closed and self.env.company._is_consent_given(purpose, status),
            'left_alone': closed,
            'since': consent.since.isoformat(sep=' ', timespec='seconds') if consent else False,
            'source': source,
        }

    def set_messaging_consent(
        self, purposes: Collection[str], channels: Collection[str], status: str, evidence: str
    ) -> bool:
        """Record from another system what a customer decided, in the active company.

        :param purposes: of 'promotion', 'care', 'survey', 'transactional'
        :param channels: of 'email', 'sms', 'phone', 'post', 'in_person'
        :param status: 'in' or 'out'
        :param evidence: how the other system knows it; needed for 'in'
        :raise UserError: another status, or no evidence for 'in'
        """
        self.check_access('write')
        if status not in ('in', 'out'):
            raise UserError(
                self.env._("Unknown word in a decision on consent: %(words)s.", words=status)
            )
        persons = self.env['crm.person'].sudo()._for_partners(self)
        persons._record_statement(
            purposes, channels, status, company=self.env.company, source='api', evidence=evidence
        )
        return True

    def action_change_consent(self) -> dict:
        """Open the dialog in which staff record what the customer said."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Record a Decision"),
            'res_model': 'crm.consent.change',
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_partner_id': self.id},
        }

    def action_change_preferences(self) -> dict:
        """Open the dialog for preferred channel, time and do not disturb."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Contact Preferences"),
            'res_model': 'crm.preference.change',
            'view_mode': 'form',
            'views': [(False, 'form')],
            'target': 'new',
            'context': {'default_partner_id': self.id},
        }

    def action_view_consent_events(self) -> dict:
        """Open the proof of what the customer decided, before merges too."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_customer.crm_consent_event_action'
        )
        action['domain'] = [('person_id', 'in', self._get_personal_persons().ids)]
        return action

    def unlink(self):
        """A deleted contact stays left alone where it refused anything."""
        self._suppress_refused()
        return super().unlink()

    def _suppress_refused(self) -> None:
        """Remember the addresses of contacts that refused, for when they are imported again.

        Of a memory without a name no purpose is known: who refused one is spared all of them.
        """
        persons = self.env['crm.person'].sudo().search([('partner_id', 'in', self.ids)])
        refused = (
            self.env['crm.consent']
            .sudo()
            .search(
                [
                    ('person_id', 'in', persons.ids),
                    ('purpose', 'in', PURPOSES_OF_CHOICE),
                    ('status', '=', 'out'),
                ]
            )
        )
        rows = {(row.person_id, row.company_id.id, row.channel) for row in refused}
        resting = persons.filtered(lambda p: p.do_not_disturb and not p.do_not_disturb_until)
        rows |= {(person, None, channel) for person in resting for channel in ADDRESS_KINDS}
        self.env['crm.person.address']._suppress_all(
            (person.id, company_id, channel, address)
            for person, company_id, channel in rows
            if (address := person._get_address(channel))
        )
