from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from odoo import fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL

from ..messaging import (
    ADDRESS_KINDS,
    CHANNELS,
    CONSENT_SOURCES,
    CONSENT_STATUSES,
    PURPOSES,
    PURPOSES_OF_CHOICE,
)

#: sources that never turn a refusal into an agreement: nobody said so himself
SOURCES_WITHOUT_CONSENT = ('import', 'merge')
#: the source in which the owner of the address is known to have spoken himself: anybody can type
#: an address into his account, and a link proves the mailbox of the day on which it was sent
SOURCE_OF_OWNER = 'double_opt_in'


class CrmPerson(models.Model):
    _inherit = 'crm.person'

    consent_ids = fields.One2many('crm.consent', 'person_id', string="Consents", readonly=True)
    consent_event_ids = fields.One2many(
        'crm.consent.event', 'person_id', string="Proof of Consent", readonly=True
    )

    def _set_consent(
        self,
        purposes: Collection[str],
        channels: Collection[str],
        status: str,
        *,
        company,
        source: str,
        evidence: str = '',
        wording: str = '',
        date: datetime | None = None,
    ):
        """Record what these persons decided, with its proof.

        Of two that decide at the same time the second is run again on what the first left. A
        refusal stays one whatever is imported or merged.

        :param purposes: as ``messaging.PURPOSES``; 'transactional' only to refuse explicitly
        :param channels: as ``messaging.CHANNELS``
        :param status: 'in', 'pending' or 'out'
        :param company: ``res.company`` the decision is about
        :param source: as ``messaging.CONSENT_SOURCES``
        :param evidence: how it is known; may be personal, goes when the person is erased
        :param wording: what the customer read
        :param date: moment in UTC, when it was earlier than now
        :raise ValidationError: an unknown word
        :raise UserError: the person was erased
        :return: the ``crm.consent`` rows
        """
        self._ensure_consent_words(purposes, channels, status, source)
        persons = self.sudo()._get_survivors()
        persons._ensure_not_erased()
        persons._bump_version()
        moment = fields.Datetime.to_datetime(date) or fields.Datetime.now()
        persons._write_consents(purposes, channels, status, company, source, moment)
        persons._log_consents(
            purposes,
            channels,
            status,
            company,
            source=source,
            evidence=evidence,
            wording=wording,
            date=moment,
        )
        if status == 'in' and source == SOURCE_OF_OWNER:
            persons._lift_suppression(channels, company)
        persons._consent_after_hook(purposes, channels, status, company)
        return self.env['crm.consent'].search(
            [
                ('person_id', 'in', persons.ids),
                ('company_id', '=', company.id),
                ('purpose', 'in', list(purposes)),
                ('channel', 'in', list(channels)),
            ]
        )

    def _consent_after_hook(self, purposes, channels, status: str, company) -> None:
        """Do what follows from a decision; for other addons to extend.

        :param company: ``res.company`` the decision is about
        """

    def _ensure_consent_words(self, purposes, channels, status: str, source: str) -> None:
        """Refuse words nobody knows: they would be rows no rule reads."""
        known = (
            (purposes, PURPOSES),
            (channels, CHANNELS),
            ([status], CONSENT_STATUSES),
            ([source], CONSENT_SOURCES),
        )
        for words, selection in known:
            if unknown := set(words) - {key for key, _label in selection}:
                raise ValidationError(
                    self.env._(
                        "Unknown word in a decision on consent: %(words)s.",
                        words=[str(word) for word in unknown],
                    )
                )

    def _ensure_not_erased(self) -> None:
        if self.filtered('erased_on'):
            raise UserError(self.env._("The personal data of this customer was erased."))

    def _get_survivors(self) -> CrmPerson:
        """Return the persons these became when contacts were merged."""
        return self.browse(person.survivor_id.id or person.id for person in self).exists()

    def _write_consents(self, purposes, channels, status, company, source, moment) -> None:
        """Bring the present state up to date; what is so already keeps its date."""
        rows = [
            SQL(
                '(%s, %s, %s, %s, %s, %s, %s)',
                *(company.id, person.id, purpose, channel, status, moment),
                person._get_agreed_mailbox(channel, status),
            )
            for person in self
            for purpose in purposes
            for channel in channels
        ]
        if not rows:
            return
        self.env['crm.consent'].flush_model()
        self.env.execute_query(
            SQL(
                'INSERT INTO crm_consent AS consent'
                ' (company_id, person_id, purpose, channel, status, since, address_hash,'
                ' create_uid, create_date, write_uid, write_date)'
                ' SELECT given.*, %(uid)s, %(now)s, %(uid)s, %(now)s'
                ' FROM (VALUES %(rows)s) AS given'
                ' ON CONFLICT (person_id, company_id, purpose, channel) DO UPDATE'
                ' SET status = EXCLUDED.status, address_hash = EXCLUDED.address_hash,'
                ' since = CASE WHEN consent.status = EXCLUDED.status THEN consent.since'
                ' ELSE EXCLUDED.since END,'
                ' write_uid = EXCLUDED.write_uid, write_date = EXCLUDED.write_date'
                ' WHERE (consent.status <> EXCLUDED.status'
                ' OR consent.address_hash IS DISTINCT FROM EXCLUDED.address_hash)'
                " AND NOT (consent.status IN ('out', EXCLUDED.status) AND %(cannot_agree)s)"
                ' RETURNING id',
                rows=SQL(', ').join(rows),
                uid=self.env.uid,
                now=self.env.cr.now(),
                cannot_agree=source in SOURCES_WITHOUT_CONSENT,
            )
        )
        self.env['crm.consent'].invalidate_model(flush=False)
        self.invalidate_recordset(['consent_ids'], flush=False)

    def _get_agreed_mailbox(self, channel: str, status: str) -> str | None:
        """Return the hash of the mailbox an agreement is about, None for all other decisions."""
        if channel != 'email' or status != 'in':
            return None
        return self._get_address_hash(channel) or None

    def _log_consents(self, purposes, channels, status, company, **proof) -> None:
        self.env['crm.consent.event'].sudo().create(
            [
                {
                    'company_id': company.id,
                    'person_id': person.id,
                    'purpose': purpose,
                    'channel': channel,
                    'status': status,
                    'user_id': self.env.uid,
                    'address_hash': person._get_address_hash(channel),
                    **proof,
                }
                for person in self
                for purpose in purposes
                for channel in channels
            ]
        )

    # ------------------------------------------------------------
    # ADDRESSES
    # ------------------------------------------------------------

    def _get_address(self, channel: str) -> str:
        """Return the address of a channel as it is compared, or ''.

        :param channel: as ``messaging.CHANNELS``; letters and visits have no such address
        """
        self.ensure_one()
        partner = self.sudo().partner_id
        kind = ADDRESS_KINDS.get(channel)
        if kind == 'email':
            return partner.email_normalized or ''
        return (partner.phone_sanitized or '') if kind == 'phone' else ''

    def _get_address_hash(self, channel: str) -> str:
        address = self._get_address(channel)
        return self.env['crm.person.address']._hash(channel, address) if address else ''

    def _get_addresses(self) -> dict[str, str]:
        """Return the addresses of a person that there are, by channel."""
        addresses = {channel: self._get_address(channel) for channel in ADDRESS_KINDS}
        return {channel: address for channel, address in addresses.items() if address}

    def _suppress_addresses(self) -> None:
        """Remember the present addresses as ones to be left alone."""
        for person in self:
            self.env['crm.person.address']._suppress(person, person._get_addresses())

    def _filter_suppressed(self, channel: str, company) -> CrmPerson:
        """Return those of the persons whose present address a company leaves alone.

        :param channel: as ``messaging.CHANNELS``
        """
        if channel not in ADDRESS_KINDS:
            return self.browse()
        hashes = {person.id: person._get_address_hash(channel) for person in self}
        rows = self.env['crm.person.address']._search_suppressed(channel, hashes.values(), company)
        suppressed = set(rows.mapped('address_hash'))
        return self.filtered(lambda person: hashes[person.id] in suppressed)

    def _get_closed_channels(self, company) -> set[str]:
        """Return the channels by which a company leaves the present address of one person alone.

        :param company: ``res.company`` that would write
        """
        self.ensure_one()
        return {channel for channel in ADDRESS_KINDS if self._filter_suppressed(channel, company)}

    def _lift_suppression(
        self, channels: Collection[str], company, source: str = SOURCE_OF_OWNER
    ) -> None:
        """Write to the present addresses again: their owner has just proven that he wants it.

        What he was not asked about he refuses: it was held back until now.

        :param channels: as ``messaging.CHANNELS``
        :param company: ``res.company`` he agreed with
        :param source: how it is known, as ``messaging.CONSENT_SOURCES``
        """
        for channel in channels:
            for person in self._filter_suppressed(channel, company):
                statuses = person._get_consent_statuses(company)
                if rest := [p for p in PURPOSES_OF_CHOICE if (p, channel) not in statuses]:
                    person._set_consent(rest, [channel], 'out', company=company, source=source)
                address_hash = person._get_address_hash(channel)
                self.env['crm.person.address']._lift(channel, address_hash, company)

    # ------------------------------------------------------------
    # WHAT HOLDS NOW
    # ------------------------------------------------------------

    def _get_consent_statuses(self, company) -> dict[tuple[str, str], str]:
        """Return what one person decided, by purpose and channel; undecided pairs are missing.

        :param company: ``res.company`` it is about
        """
        self.ensure_one()
        consents = (
            self.env['crm.consent']
            .sudo()
            .search([('person_id', '=', self.id), ('company_id', '=', company.id)])
        )
        return {(row.purpose, row.channel): row._get_present_status() for row in consents}

    def _get_consent_sources(self, company) -> dict[tuple[str, str], str]:
        """Return how the last word on each purpose and channel is known.

        :param company: ``res.company`` it is about
        """
        self.ensure_one()
        Event = self.env['crm.consent.event'].sudo()
        labels = dict(Event._fields['source']._description_selection(self.env))
        events = Event.search(
            [('person_id', '=', self.id), ('company_id', '=', company.id)], order='id'
        )
        return {(event.purpose, event.channel): labels[event.source] for event in events}
