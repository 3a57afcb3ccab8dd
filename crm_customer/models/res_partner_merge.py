from __future__ import annotations

from odoo import models
from odoo.tools import SQL

from ..messaging import ADDRESS_KINDS


class ResPartner(models.Model):
    _inherit = 'res.partner'

    def _merge_customer_data(self, src_partners: ResPartner) -> None:
        """Take over what hangs on contacts that are about to be merged into this one.

        Called before core rewrites the links to contacts.  Core sees no unique index: it would
        fail on ours, and where it sees a constraint it deletes all rows of the merged contacts.
        An addon with such an index brings its rows in order here::

            def _merge_customer_data(self, src_partners):
                super()._merge_customer_data(src_partners)
                ...

        :param src_partners: contacts that will be deleted
        """
        self.ensure_one()
        self._merge_persons(src_partners)
        self._merge_blacklisted_addresses(src_partners)
        self._merge_suppressed_addresses(src_partners)
        self._merge_references(src_partners)

    def _merge_persons(self, src_partners: ResPartner) -> None:
        """Make one person of those behind the contacts."""
        Person = self.env['crm.person'].sudo()
        persons = Person.search([('partner_id', 'in', (self | src_partners).ids)], order='id')
        survivor = persons.filtered(lambda p: p.partner_id == self) or persons[:1]
        merged = persons - survivor
        if merged:
            merged._merge_into(survivor)
        if survivor.partner_id != self:
            survivor.partner_id = self
        self.env.flush_all()

    def _merge_blacklisted_addresses(self, src_partners: ResPartner) -> None:
        """Who is on core's blacklist by an address that goes is on it by the one that stays."""
        emails = [email for email in src_partners.mapped('email_normalized') if email]
        blacklist = self.env['mail.blacklist']
        if self.email_normalized and blacklist.search_count([('email', 'in', emails)], limit=1):
            blacklist._add(self.email_normalized)
        numbers = [number for number in src_partners.mapped('phone_sanitized') if number]
        blacklist = self.env['phone.blacklist']
        if self.phone_sanitized and blacklist.search_count([('number', 'in', numbers)], limit=1):
            blacklist.add(self.phone_sanitized)

    def _merge_suppressed_addresses(self, src_partners: ResPartner) -> None:
        """Leave the address that stays alone as the one that goes was: it is the same person's."""
        Address = self.env['crm.person.address']
        columns = {'email': 'email_normalized', 'phone': 'phone_sanitized'}
        rows = []
        for channel, kind in ADDRESS_KINDS.items():
            column = columns[kind]
            hashes = [Address._hash(channel, address) for address in src_partners.mapped(column)]
            found = Address._search_suppressed(channel, hashes) if self[column] else Address
            rows += [(row.company_id.id or None, channel, self[column]) for row in found]
        if rows:
            person = self.env['crm.person']._for_partners(self)
            Address._suppress_all((person.id, *row) for row in rows)

    def _merge_references(self, src_partners: ResPartner) -> None:
        """Re-point what names a contact by model and id; no foreign key tells core of it."""
        self.env.flush_all()
        for model_name, model_field, id_field in self._get_merge_references():
            self.env.cr.execute(
                SQL(
                    "UPDATE %s SET %s = %s WHERE %s = 'res.partner' AND %s IN %s",
                    SQL.identifier(self.env[model_name]._table),
                    SQL.identifier(id_field),
                    self.id,
                    SQL.identifier(model_field),
                    SQL.identifier(id_field),
                    tuple(src_partners.ids),
                )
            )
            self.env[model_name].invalidate_model([id_field], flush=False)

    def _get_merge_references(self) -> list[tuple[str, str, str]]:
        """Return model, field of the model's name and field of the id of such references.

        Those of the suite are found; an addon adds those of other models.
        """
        modules = set(self.env['ir.module.module']._get_crm_suite_names())
        return [
            (model._name, field.model_field, name)
            for model in self.env.registry.values()
            if model._auto and not model._abstract and model._original_module in modules
            for name, field in model._fields.items()
            if field.type == 'many2one_reference' and field.store
        ]
