from __future__ import annotations

from collections import defaultdict

from odoo import api, models
from odoo.tools import email_normalize

from ..messaging import CHANNELS, PURPOSES, PURPOSES_OF_CHOICE

#: words of other systems and languages for our own, in small letters
PURPOSE_WORDS = {
    'marketing': 'promotion',
    'advertising': 'promotion',
    'newsletter': 'promotion',
    '促销': 'promotion',
    '促銷': 'promotion',
    '营销': 'promotion',
    '行銷': 'promotion',
    '关怀': 'care',
    '關懷': 'care',
    '调查': 'survey',
    '調查': 'survey',
}
CHANNEL_WORDS = {
    'mail': 'email',
    'e-mail': 'email',
    '邮件': 'email',
    '電子郵件': 'email',
    'text message': 'sms',
    '短信': 'sms',
    '簡訊': 'sms',
    'call': 'phone',
    '电话': 'phone',
    '電話': 'phone',
    '信函': 'post',
    '邮寄': 'post',
}


class CrmPerson(models.Model):
    """Refusals that were made elsewhere, brought in as a list."""

    _inherit = 'crm.person'

    @api.model
    def _import_opt_outs(self, rows: list[dict[str, str]], company) -> tuple[dict, dict]:
        """Record refusals of a list.  An address nobody has yet is remembered as well.

        :param rows: ``partner`` (``res.partner``, may be empty), ``email``, ``phone``, ``purpose``,
            ``channel`` (both may be empty: all of them), ``date`` (UTC) and ``evidence``
        :param company: ``res.company`` that was refused
        :return: the proof (``crm.consent.event``) and what is wrong, both by position of the row
        """
        done, errors = {}, {}
        people = self._find_opt_out_partners(rows)
        for position, row in enumerate(rows):
            purposes = self._read_opt_out_words(row.get('purpose'), 'purpose')
            channels = self._read_opt_out_words(row.get('channel'), 'channel')
            partners = people[position]
            if purposes is None or channels is None:
                errors[position] = self.env._("The purpose or the channel is not known.")
            elif not partners and not (row.get('email') or row.get('phone')):
                errors[position] = self.env._("There is no such customer, and no address.")
            else:
                channels = channels or self._get_opt_out_channels(row, partners)
                done[position] = self._record_opt_out(row, partners, purposes, channels, company)
        return done, errors

    def _find_opt_out_partners(self, rows: list[dict]) -> list:
        """Return the contacts of each row: the one named, else all with the address."""
        Partner = self.env['res.partner'].sudo().with_context(active_test=False)
        emails = {email_normalize(row.get('email') or '') for row in rows} - {False}
        numbers = {self._to_number(row) for row in rows} - {''}
        by_address = defaultdict(Partner.browse)
        for partner in Partner.search(
            [
                '|',
                ('email_normalized', 'in', list(emails)),
                ('phone_sanitized', 'in', list(numbers)),
            ]
        ):
            by_address[partner.email_normalized] |= partner
            by_address[partner.phone_sanitized] |= partner
        return [
            row.get('partner')
            or by_address.get(email_normalize(row.get('email') or ''), Partner)
            | by_address.get(self._to_number(row), Partner)
            for row in rows
        ]

    def _to_number(self, row: dict) -> str:
        number = row.get('phone') or ''
        return number and (self.env['res.partner']._phone_format(number=number) or number)

    def _read_opt_out_words(self, text: str | None, field_name: str) -> list[str] | None:
        """Return the keys a cell stands for: [] for an empty cell, None for an unknown word."""
        selection, words = {
            'purpose': (PURPOSES, PURPOSE_WORDS),
            'channel': (CHANNELS, CHANNEL_WORDS),
        }[field_name]
        word = (text or '').strip().lower()
        if not word:
            return list(PURPOSES_OF_CHOICE) if field_name == 'purpose' else []
        field = self.env['crm.consent']._fields[field_name]
        known = {
            **words,
            **{label.lower(): key for key, label in field._description_selection(self.env)},
            **{label.lower(): key for key, label in selection},
            **{key: key for key, _label in selection},
        }
        return [known[word]] if word in known else None

    def _get_opt_out_channels(self, row: dict, partners) -> list[str]:
        """Return the channels meant where none is given: those of the address, else all."""
        channels = ['email'] if row.get('email') else []
        channels += ['sms', 'phone'] if row.get('phone') else []
        return channels or [key for key, _label in CHANNELS]

    def _record_opt_out(self, row: dict, partners, purposes, channels, company):
        """Record one refusal; what was refused already is left as it is."""
        if not partners:
            return self._record_opt_out_of_nobody(row, purposes, channels, company)
        persons = self.sudo()._for_partners(partners)
        for person in persons:
            person._set_missing_opt_outs(row, purposes, channels, company)
        return self._get_last_event(persons, purposes, channels, company)

    def _record_opt_out_of_nobody(self, row: dict, purposes, channels, company):
        """Remember an address that no contact has: for the day it is imported."""
        Address = self.env['crm.person.address'].sudo()
        addresses = {'email': row.get('email'), 'sms': self._to_number(row)}
        addresses['phone'] = addresses['sms']
        addresses = {c: a for c, a in addresses.items() if a and c in channels}
        hashes = [Address._hash(channel, address) for channel, address in addresses.items()]
        known = Address.search(
            [('address_hash', 'in', hashes), ('suppressed', '=', True)]
        ).person_id
        nobody = known.filtered(
            lambda p: not p.partner_id and not p.survivor_id and not p.erased_on
        )
        person = nobody[:1] or self.sudo().create({})
        Address._suppress(person, addresses, company)
        person._set_missing_opt_outs(row, purposes, channels, company)
        return self._get_last_event(person, purposes, channels, company)

    def _set_missing_opt_outs(self, row: dict, purposes, channels, company) -> None:
        """Record what this person has not refused already."""
        statuses = self._get_consent_statuses(company)
        for purpose in purposes:
            missing = [c for c in channels if statuses.get((purpose, c)) != 'out']
            if missing:
                self._set_opt_out(row, [purpose], missing, company)

    def _set_opt_out(self, row: dict, purposes, channels, company) -> None:
        self._set_consent(
            purposes,
            channels,
            'out',
            company=company,
            source='import',
            evidence=row.get('evidence') or '',
            date=row.get('date') or None,
        )

    def _get_last_event(self, persons, purposes, channels, company):
        return (
            self.env['crm.consent.event']
            .sudo()
            .search(
                [
                    ('person_id', 'in', persons.ids),
                    ('company_id', '=', company.id),
                    ('purpose', 'in', purposes),
                    ('channel', 'in', channels),
                ],
                order='id desc',
                limit=1,
            )
        )
