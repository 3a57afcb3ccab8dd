from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import email_normalize

from ..importing import ImportTemplate
from .crm_import_load import NATURAL, ImportRecord, LoadTarget

#: what a customer is found by, the surest first
KINDS = ('vat', 'email', 'phone')


@dataclass
class Guest:
    """A customer named in the file, with the records that name him."""

    #: external id, tax number, e-mail and phone number, as far as given
    keys: dict[str, str]
    values: dict[str, str]
    records: list[ImportRecord] = field(default_factory=list)


class CrmImport(models.Model):
    """Finding the customers of a file among the contacts."""

    _inherit = 'crm.import'

    def _get_match_reader(self, template: ImportTemplate, paths: list) -> Callable:
        """Return the function that gives what a contact would be found by, of a row of the file.

        Two rows with the same are one customer; of other templates a customer has many rows.
        """
        if template.customer != '':
            return lambda _cells: None
        positions = self._get_customer_positions(template, paths)

        def read(cells):
            keys = self._get_customer_keys(positions, cells)
            return next((f'{kind}:{keys[kind]}' for kind in KINDS if kind in keys), None)

        return read

    def _find_customers(self, template: ImportTemplate, records: list[ImportRecord]) -> None:
        """Find the contacts of records, or make them where the record is not the contact."""
        for record in records:
            if not record.key.startswith(NATURAL):
                record.extra['id'] = record.key
        if template.customer == '':
            self._find_same_contacts(template, [r for r in records if not r.existing_id])
        elif template.customer:
            self._find_guests(template, records)

    def _blame_customers(self, template: ImportTemplate, records: list[ImportRecord]) -> None:
        """Say of records left out already what is wrong with their customers; make none."""
        if template.customer is None or not records:
            return
        if template.customer == '':
            records = [record for record in records if not record.existing_id]
        positions = self._get_customer_positions(template, self._get_paths())
        guests = [self._prepare_guest(positions, record) for record in records]
        found = self._search_contacts(guests)
        for record, guest in zip(records, guests, strict=True):
            contact = self._choose_contact(guest, found)
            unread = record.unread.intersection(positions.values())
            if isinstance(contact, str):
                record.refuse(contact)
            elif template.customer and not (guest.keys or record.existing_id or unread):
                record.refuse(self._get_nobody_text())

    # ------------------------------------------------------------
    # THE RECORD IS THE CONTACT
    # ------------------------------------------------------------

    def _find_same_contacts(self, template: ImportTemplate, records: list[ImportRecord]) -> None:
        """Let records become the contact that is there already."""
        positions = self._get_customer_positions(template, self._get_paths())
        guests = [self._prepare_guest(positions, record) for record in records]
        found = self._search_contacts(guests)
        for record, guest in zip(records, guests, strict=True):
            contact = self._choose_contact(guest, found)
            if isinstance(contact, str):
                record.refuse(contact)
            elif contact:
                record.existing_id = contact.id
                if 'id' in guest.keys:
                    self._give_external_id(contact, guest.keys['id'])
                else:
                    record.extra['.id'] = str(record.extra.pop('id') and contact.id)

    # ------------------------------------------------------------
    # THE RECORD BELONGS TO A CONTACT
    # ------------------------------------------------------------

    def _find_guests(self, template: ImportTemplate, records: list[ImportRecord]) -> None:
        """Link records to the contact they name; unknown ones are made, known ones completed."""
        positions = self._get_customer_positions(template, self._get_paths())
        guests = self._group_guests(positions, records)
        found = self._search_contacts(guests)
        waiting = []
        for guest in guests:
            contact = self._choose_contact(guest, found)
            if isinstance(contact, str):
                for record in guest.records:
                    record.refuse(contact)
            else:
                waiting.append((guest, self._prepare_contact(guest, contact)))
        self._load_contacts([contact for _guest, contact in waiting])
        for guest, contact in waiting:
            for record in guest.records:
                if contact.state == 'bad':
                    record.refuse(contact.reason)
                else:
                    record.extra[f'{template.customer}/.id'] = str(contact.res_id)

    def _group_guests(self, positions: dict, records: list[ImportRecord]) -> list[Guest]:
        """Return the customers records name; a customer may be named by several."""
        guests, known = [], {}
        for record in records:
            named = self._prepare_guest(positions, record)
            if not named.keys:
                if not record.existing_id:
                    record.refuse(self._get_nobody_text())
                continue
            guest = next((known[key] for key in named.keys.items() if key in known), None)
            if guest is None:
                guest = named
                guests.append(guest)
            else:
                guest.keys = {**named.keys, **guest.keys}
                guest.values = {**named.values, **guest.values}
            guest.records.append(record)
            known.update(dict.fromkeys(named.keys.items(), guest))
        return guests

    def _get_nobody_text(self) -> str:
        return self.env._("There is nothing to find the customer by: no e-mail, no phone number.")

    def _prepare_contact(self, guest: Guest, contact: models.BaseModel) -> ImportRecord:
        """Return a contact as a record to load.

        :param contact: the one that is there already, or none
        """
        key = guest.keys.get('id', '')
        record = ImportRecord(0, key, [[]], existing_id=contact.id)
        record.extra = {path: value for path, value in guest.values.items() if value}
        if contact and key:
            self._give_external_id(contact, key)
        if key:
            record.extra['id'] = key
        elif contact:
            record.extra['.id'] = str(contact.id)
        if not contact and not record.extra.get('name'):
            record.refuse(
                self.env._("The customer is not known, and there is no name to make one.")
            )
        return record

    def _load_contacts(self, contacts: list[ImportRecord]) -> None:
        target = LoadTarget(model='res.partner', paths=[], existing='fill')
        waiting = [contact for contact in contacts if not contact.state]
        # an empty cell of the one is not an empty cell of the other
        for known in (True, False):
            chosen = [contact for contact in waiting if bool(contact.existing_id) is known]
            self._load_apart(target, chosen)

    # ------------------------------------------------------------
    # FIND
    # ------------------------------------------------------------

    def _get_paths(self) -> list[str]:
        return [column['path'] or '' for column in self.columns]

    def _get_customer_positions(self, template: ImportTemplate, paths: list) -> dict[str, int]:
        """Return the positions of the customer's columns, by field of the contact."""
        prefix = f'{template.customer}/' if template.customer else ''
        return {
            path.removeprefix(prefix): index
            for index, path in enumerate(paths)
            if path and path.startswith(prefix)
        }

    def _prepare_guest(self, positions: dict[str, int], record: ImportRecord) -> Guest:
        cells = record.cells
        keys = self._get_customer_keys(positions, cells)
        if 'id' in positions and cells[positions['id']]:
            keys = {'id': self._to_external_id(cells[positions['id']]), **keys}
        values = {path: cells[index] for path, index in positions.items() if path != 'id'}
        return Guest(keys, values)

    def _get_customer_keys(self, positions: dict[str, int], cells: list[str]) -> dict[str, str]:
        """Return what the customer of a row may be found by."""
        keys = {}
        for kind in KINDS:
            text = cells[positions[kind]] if kind in positions and self[f'match_{kind}'] else ''
            value = text and self._normalize_key(kind, text)
            if value:
                keys[kind] = value
        if any(cells[positions[path]] for path in positions if path.startswith('parent_id')):
            keys.pop('phone', None)  # people of one company share its switchboard
        return keys

    def _normalize_key(self, kind: str, text: str) -> str:
        """Return a tax number, e-mail or phone number as contacts are searched by."""
        if kind == 'email':
            return email_normalize(text) or ''
        if kind == 'vat':
            return re.sub(r'[^0-9A-Z]', '', text.upper())
        return self.env['res.partner']._get_phone_key(text, self.company_id.country_id)

    def _search_contacts(self, guests: list[Guest]) -> dict[tuple[str, str], models.BaseModel]:
        """Return the contacts there are, by kind and normalised value; one query for each kind."""
        found = {}
        for kind in ('id', *KINDS):
            values = {guest.keys[kind] for guest in guests if kind in guest.keys}
            if values:
                self._add_contacts(found, kind, values)
        return found

    def _add_contacts(self, found: dict, kind: str, values: set[str]) -> None:
        Partner = self.env['res.partner']
        if kind == 'id':
            for _i, module, name, model, res_id, _n, alive in (
                self.env['ir.model.data'].sudo()._lookup_xmlids(list(values), Partner)
            ):
                if alive and model == 'res.partner':
                    found[kind, f'{module}.{name}'] = Partner.browse(res_id)
            return
        if kind == 'phone':
            contacts = Partner._group_by_phone(
                [f'+{value}' for value in values], self.company_id.country_id
            )
            found.update(((kind, value), same) for value, same in contacts.items())
            return
        for contact in Partner.search(self._get_contacts_domain(kind, values)):
            key = kind, self._normalize_key(kind, contact[self._get_contact_field(kind)])
            found[key] = found.get(key, Partner) | contact

    @api.model
    def _get_contact_field(self, kind: str) -> str:
        return {'email': 'email_normalized', 'vat': 'vat'}[kind]

    def _get_contacts_domain(self, kind: str, values: set[str]) -> Domain:
        """Return the domain of the contacts a customer may be: those of his company or of all."""
        same = Domain(self._get_contact_field(kind), 'in', list(values))
        if kind == 'vat':
            code = self.company_id.country_id.code or ''
            same |= Domain('vat', 'in', [value.removeprefix(code) for value in values])
        return same & Domain('company_id', 'in', [False, self.company_id.id])

    def _choose_contact(self, guest: Guest, found: dict) -> models.BaseModel | str:
        """Return the contact of a customer, or none, or why it cannot be said which."""
        for key in guest.keys.items():
            contacts = found.get(key, self.env['res.partner'])
            if len(contacts) > 1:
                contacts = self._prefer_name(contacts, guest.values.get('name')) or contacts
            if len(contacts) > 1:
                return self.env._(
                    "%(number)s contacts have %(value)s: %(names)s. Merge them, or give the"
                    " External ID of one.",
                    number=len(contacts),
                    value=key[1],
                    names=contacts[:3].mapped('display_name'),
                )
            if contacts:
                return contacts
        return self.env['res.partner']

    @api.model
    def _prefer_name(self, contacts: models.BaseModel, name: str | None) -> models.BaseModel:
        """Return those of the contacts that have this name."""
        wanted = (name or '').casefold()
        return contacts.filtered(lambda contact: (contact.name or '').casefold() == wanted)

    def _give_external_id(self, contact: models.BaseModel, external_id: str) -> None:
        """Let a contact be known by the customer's number of the file from now on.

        A name that is taken stays with its record, whoever's it is: core would move it.
        """
        data_sudo = self.env['ir.model.data'].sudo()
        module, name = external_id.split('.', 1)
        if not data_sudo.search_count([('module', '=', module), ('name', '=', name)], limit=1):
            data_sudo._update_xmlids([{'xml_id': external_id, 'record': contact}])
