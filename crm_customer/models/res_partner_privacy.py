from __future__ import annotations

from datetime import date, datetime
from typing import Any

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import html2plaintext

from ..privacy import PersonalData
from ..rights import ensure_manager
from .crm_occasion_department import GROUP_OF_VISIBILITY


class ResPartner(models.Model):
    """What is known of a customer, as the customer may ask for it."""

    _inherit = 'res.partner'

    def action_export_personal_data(self) -> dict:
        """Download all personal data of the customer."""
        self.ensure_one()
        ensure_manager(self.env)
        return {
            'type': 'ir.actions.act_url',
            'url': f'/crm_customer/personal_data/{self.id}',
            'target': 'download',
        }

    def action_erase_personal_data(self) -> dict:
        """Open the page that says what erasing will do."""
        self.ensure_one()
        ensure_manager(self.env)
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Erase Personal Data"),
            'res_model': 'crm.erasure',
            'view_mode': 'form',
            'target': 'new',
            'context': {'default_partner_id': self.id},
        }

    def _get_personal_contacts(self) -> ResPartner:
        """Return the contact with his further addresses, archived ones too."""
        addresses = self.sudo().with_context(active_test=False).child_ids
        return self.sudo() | addresses.filtered(lambda p: p.type != 'contact' and not p.is_company)

    def _get_personal_persons(self):
        """Return the ``crm.person`` behind the contacts, with those merged into them."""
        Person = self.env['crm.person'].sudo()
        persons = Person.search([('partner_id', 'in', self.ids)])
        return persons | Person.search([('survivor_id', 'in', persons.ids)])

    # ------------------------------------------------------------
    # SOURCES
    # ------------------------------------------------------------

    def _get_personal_data_sources(self) -> list[PersonalData]:
        """Return what is held of these contacts; extend by ``super() + [...]``.

        They are erased in this order, the contact itself after all others.
        """
        return [
            *self._get_personal_sources_sales(),
            *self._get_personal_sources_accounting(),
            *self._get_personal_sources_consent(),
            *self._get_personal_sources_mail(),
            *self._get_personal_sources_meetings(),
            *self._get_personal_sources_addresses(),
            *self._get_personal_sources_contact(),
        ]

    @api.model
    def _get_kept_by_law_text(self) -> str:
        return self.env._("The law wants business documents kept; names in texts are taken out.")

    def _get_personal_sources_sales(self) -> list[PersonalData]:
        """Orders the law wants kept; texts in them are cleaned."""
        by_law = self._get_kept_by_law_text()
        domain = Domain('partner_id', 'in', self.ids)
        return [
            PersonalData(
                key='sale.order',
                label=self.env._("Sales Orders"),
                model='sale.order',
                domain=domain,
                fields=('name', 'date_order', 'amount_total', 'client_order_ref', 'signed_by'),
                on_erase='keep',
                reason=by_law,
                values={'signed_by': False, 'signature': False, 'note': False},
            ),
            PersonalData(
                key='sale.order.line',
                label=self.env._("Lines of Sales Orders"),
                model='sale.order.line',
                domain=Domain('order_id.partner_id', 'in', self.ids),
                fields=('order_id', 'name', 'product_uom_qty', 'price_total'),
                on_erase='keep',
                reason=by_law,
            ),
        ]

    def _get_personal_sources_accounting(self) -> list[PersonalData]:
        """What is in the books, and stays there; texts are cleaned."""
        by_law = self._get_kept_by_law_text()
        domain = Domain('partner_id', 'in', self.ids)
        return [
            PersonalData(
                key='account.move',
                label=self.env._("Invoices"),
                model='account.move',
                domain=domain,
                fields=('name', 'invoice_date', 'amount_total', 'ref', 'narration'),
                on_erase='keep',
                reason=self.env._(
                    "The law wants them kept; names stay in journal items sealed by a hash."
                ),
                erase=lambda moves, redactor: moves._erase_personal_texts(redactor),
            ),
            PersonalData(
                key='account.payment',
                label=self.env._("Payments"),
                model='account.payment',
                domain=domain,
                fields=('name', 'date', 'amount', 'memo'),
                on_erase='keep',
                reason=by_law,
            ),
            PersonalData(
                key='account.bank.statement.line',
                label=self.env._("Bank Transactions"),
                model='account.bank.statement.line',
                domain=domain,
                fields=('date', 'amount', 'payment_ref', 'partner_name'),
                on_erase='keep',
                reason=by_law,
                values={'partner_name': False, 'account_number': False},
            ),
        ]

    def _get_personal_sources_consent(self) -> list[PersonalData]:
        persons = Domain('person_id', 'in', self._get_personal_persons().ids)
        return [
            PersonalData(
                key='crm.message',
                label=self.env._("Messages Planned and Sent"),
                model='crm.message',
                domain=persons,
                fields=('subject', 'message_class', 'channel', 'state', 'planned_at', 'sent_at'),
                on_erase='anonymise',
                reason=self.env._("That something was sent, and when, stays countable."),
                erase=lambda messages, _redactor: messages._erase_personal_texts(),
            ),
            PersonalData(
                key='crm.consent',
                label=self.env._("Consent"),
                model='crm.consent',
                domain=persons,
                fields=('company_id', 'purpose', 'channel', 'status', 'since'),
                on_erase='keep',
                reason=self.env._("It belongs to a number now, no longer to a name."),
            ),
            PersonalData(
                key='crm.consent.event',
                label=self.env._("Proof of Consent"),
                model='crm.consent.event',
                domain=persons,
                fields=('date', 'company_id', 'purpose', 'channel', 'status', 'source', 'evidence'),
                on_erase='anonymise',
                reason=self.env._(
                    "You must be able to prove what was agreed; notes on it are taken out."
                ),
                erase=lambda events, _redactor: events._blank_personal_text(
                    self.env._("Erased on request")
                ),
            ),
        ]

    def _get_personal_sources_mail(self) -> list[PersonalData]:
        partners = Domain('partner_id', 'in', self.ids)
        return [
            PersonalData(
                key='sms.sms',
                label=self.env._("Text Messages"),
                model='sms.sms',
                domain=partners,
                fields=('create_date', 'number', 'body'),
                on_erase='delete',
                in_companies=self._get_short_messages_domain,
            ),
            PersonalData(
                key='mail.mail',
                label=self.env._("Outgoing Mails"),
                model='mail.mail',
                domain=Domain('recipient_ids', 'in', self.ids),
                fields=('create_date', 'subject', 'state'),
                on_erase='delete',
                company='record_company_id',
            ),
            PersonalData(
                key='mail.message',
                label=self.env._("Messages and Notes"),
                model='mail.message',
                domain=self._get_personal_messages_domain(),
                fields=('date', 'subject', 'body', 'email_from'),
                on_erase='anonymise',
                in_companies=self._get_messages_domain,
                reason=self.env._("Texts go; that there was a message stays on other documents."),
                erase=self._erase_messages,
            ),
        ]

    def _get_short_messages_domain(self, company_ids: list[int]) -> Domain:
        """Return the short messages of companies or of none; a planned one has no other message."""
        path, planned = 'mail_message_id.record_company_id', 'crm_message_id.company_id'
        return Domain(planned, 'in', company_ids) | (
            Domain('crm_message_id', '=', False)
            & (Domain('mail_message_id', '=', False) | Domain(path, 'in', [False, *company_ids]))
        )

    def _get_messages_domain(self, company_ids: list[int]) -> Domain:
        """Return the messages of companies or of none; logged notes are of their document's."""
        domain = Domain('record_company_id', '=', False) & Domain('model', '!=', False)
        domain &= self._get_personal_messages_domain()
        notes = self.env['mail.message'].sudo().search(domain)
        foreign = notes.browse()
        for model, of_model in notes.grouped('model').items():
            field = self.env[model]._fields.get('company_id') if model in self.env else None
            if field and field._description_searchable:
                documents = Domain('id', 'in', set(of_model.mapped('res_id')))
                documents &= Domain('company_id', 'not in', [False, *company_ids])
                records = self.env[model].sudo().with_context(active_test=False)
                ids = set(records.search(documents).ids)
                foreign |= of_model.filtered(lambda message, ids=ids: message.res_id in ids)
        own = Domain('record_company_id', 'in', [False, *company_ids])
        return own & Domain('id', 'not in', foreign.ids)

    def _get_personal_sources_meetings(self) -> list[PersonalData]:
        partners = Domain('partner_id', 'in', self.ids)
        attending = Domain('partner_ids', 'in', self.ids)
        return [
            PersonalData(
                key='mail.activity',
                label=self.env._("Activities"),
                model='mail.activity',
                domain=Domain('res_model', '=', 'res.partner') & Domain('res_id', 'in', self.ids),
                fields=('summary', 'note', 'date_deadline'),
                on_erase='delete',
                company='user_id.company_ids',
            ),
            PersonalData(
                key='calendar.attendee',
                label=self.env._("Invitations"),
                model='calendar.attendee',
                domain=partners,
                fields=('event_id', 'common_name', 'email', 'state'),
                on_erase='keep',
                company='event_id.user_id.company_ids',
                reason=self.env._("Others took part in the meeting."),
            ),
            PersonalData(
                key='calendar.event',
                label=self.env._("Meetings"),
                model='calendar.event',
                domain=attending,
                fields=('name', 'start', 'stop', 'description'),
                on_erase='keep',
                company='user_id.company_ids',
                values={'description': False},
                reason=self.env._("Others took part in the meeting."),
            ),
        ]

    def _get_personal_messages_domain(self) -> Domain:
        """Return the messages on, from and to the contacts."""
        on_contact = Domain('model', '=', 'res.partner') & Domain('res_id', 'in', self.ids)
        return (
            on_contact
            | Domain('author_id', 'in', self.ids)
            | Domain('partner_ids', 'in', self.ids)
            | Domain('notification_ids.res_partner_id', 'in', self.ids)
        )

    def _get_personal_sources_addresses(self) -> list[PersonalData]:
        partners = Domain('partner_id', 'in', self.ids)
        emails = [email for email in self.mapped('email_normalized') if email]
        phones = [phone for phone in self.mapped('phone_sanitized') if phone]
        shared = self.env._("It stays while somebody else has it.")
        return [
            PersonalData(
                key='res.partner.bank',
                label=self.env._("Bank Accounts"),
                model='res.partner.bank',
                domain=partners,
                fields=('acc_number', 'acc_holder_name', 'bank_id'),
                on_erase='anonymise',
                reason=self.env._("Payments point to the account; its number goes."),
                erase=self._erase_bank_accounts,
            ),
            PersonalData(
                key='mail.blacklist',
                label=self.env._("Blacklisted Addresses"),
                model='mail.blacklist',
                domain=Domain('email', 'in', emails),
                fields=('email', 'create_date'),
                on_erase='delete',
                company='',
                reason=shared,
                erase=lambda rows, _redactor: self._erase_blacklisted(rows, 'email'),
            ),
            PersonalData(
                key='phone.blacklist',
                label=self.env._("Blacklisted Numbers"),
                model='phone.blacklist',
                domain=Domain('number', 'in', phones),
                fields=('number', 'create_date'),
                on_erase='delete',
                company='',
                reason=shared,
                erase=lambda rows, _redactor: self._erase_blacklisted(rows, 'number'),
            ),
        ]

    def _get_personal_sources_contact(self) -> list[PersonalData]:
        partners = Domain('partner_id', 'in', self.ids)
        return [
            PersonalData(
                key='res.users',
                label=self.env._("Portal Access"),
                model='res.users',
                domain=partners,
                fields=('login', 'create_date'),
                on_erase='anonymise',
                reason=self.env._("Past changes point to the user; he can no longer log in."),
                erase=self._erase_users,
            ),
            PersonalData(
                key='crm.person',
                label=self.env._("Contact Preferences"),
                model='crm.person',
                domain=Domain('id', 'in', self._get_personal_persons().ids),
                fields=('preferred_channel', 'do_not_disturb', 'do_not_disturb_until'),
                on_erase='anonymise',
                company='partner_id.company_id',
                reason=self.env._(
                    "Hashes of his addresses stay, so that he is left alone when imported again."
                ),
                erase=lambda persons, _redactor: persons._erase(),
            ),
            PersonalData(
                key='res.partner',
                label=self.env._("Contact and Addresses"),
                model='res.partner',
                domain=Domain('id', 'in', self.ids),
                fields=self._get_personal_fields(),
                on_erase='anonymise',
                reason=self.env._("Documents point to it; nothing personal is left in it."),
                erase=lambda partners_, _redactor: partners_._erase_contacts(),
            ),
        ]

    def _get_personal_fields(self) -> tuple[str, ...]:
        """Return the fields of a contact that are given out: every stored text, date and choice."""
        types = ('char', 'text', 'html', 'date', 'selection')
        return tuple(
            name
            for name, field in self._fields.items()
            if field.type in types and field.store and not name.startswith(('message_', 'signup_'))
        )

    # ------------------------------------------------------------
    # EXPORT
    # ------------------------------------------------------------

    def _get_personal_data(self) -> dict[str, Any]:
        """Return all that is held of a customer in the companies of who asks.

        :return: name, date, and by source its label, records as label of the field and value, and
            the number of those held back: notes of a visibility that who asks does not have
        """
        self.ensure_one()
        contacts = self._get_personal_contacts()
        return {
            'customer': self.display_name,
            'exported_on': datetime.now().isoformat(timespec='seconds'),
            'data': [
                contacts._describe_personal_source(source)
                for source in contacts._get_personal_data_sources()
            ],
        }

    def _describe_personal_source(self, source: PersonalData) -> dict[str, Any]:
        """Return what a source has, and how much of it who asks may not read."""
        records = self._get_personal_records(source, exported=True)
        shown = self._filter_visible(records)
        return {
            'key': source.key,
            'label': source.label,
            'records': [self._describe_personal_record(record, source) for record in shown],
            'held_back': len(records) - len(shown),
        }

    def _filter_visible(self, records: models.BaseModel) -> models.BaseModel:
        """Return the records whose visibility lets who asks read them."""
        who = self.sudo(False).env
        if who.su or not isinstance(records, who.registry['crm.visibility.mixin']):
            return records
        has_group = who.user.has_group
        closed = {key for key, group in GROUP_OF_VISIBILITY.items() if not has_group(group)}
        return records.filtered(lambda record: record.visibility not in closed)

    def _get_personal_files(self) -> list[tuple[str, bytes]]:
        """Return name and content of the files kept on a customer's contact."""
        attachments = (
            self.env['ir.attachment']
            .sudo()
            .search(
                [
                    ('res_model', '=', 'res.partner'),
                    ('res_id', 'in', self._get_personal_contacts().ids),
                    ('type', '=', 'binary'),
                    ('company_id', 'in', [False, *self.env.companies.ids]),
                ]
            )
        )
        # the number keeps files of one name apart, and the name in its folder
        return [
            (f'{file.id}_{file.name.replace("/", "_")}', file.raw or b'') for file in attachments
        ]

    def _get_personal_records(self, source: PersonalData, exported: bool = False):
        """Return the records of a source, in elevated rights.

        :param exported: only those of the companies of who asks, and of none
        """
        domain = source.domain
        if exported:
            domain &= source.get_companies_domain(self.env.companies.ids)
        return self._get_personal_model(source).search(domain)

    def _count_personal_records(self, source: PersonalData) -> int:
        return self._get_personal_model(source).search_count(source.domain)

    def _get_personal_model(self, source: PersonalData) -> models.BaseModel:
        return self.env[source.model].sudo().with_context(active_test=False)

    def _describe_personal_record(self, record, source: PersonalData) -> dict[str, Any]:
        return {
            record._fields[name]._description_string(self.env): value
            for name in source.fields
            if (value := self._describe_personal_value(record, name))
        }

    def _describe_personal_value(self, record, name: str):
        """Return the value of a field as somebody reads it, and as JSON can hold it."""
        field, value = record._fields[name], record[name]
        if not value:
            return None
        if isinstance(value, models.BaseModel):
            return ', '.join(value.mapped('display_name'))
        if isinstance(value, (date, datetime)):
            return f'{value:%Y-%m-%d %H:%M:%S} UTC' if isinstance(value, datetime) else str(value)
        if field.type == 'html':
            return html2plaintext(value)
        if field.type == 'selection':
            return dict(field._description_selection(self.env)).get(value, value)
        return value if isinstance(value, (int, float, bool)) else str(value)
