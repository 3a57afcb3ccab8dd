from __future__ import annotations

from odoo import Command, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL

from ..privacy import BLANK, PersonalData, Redactor
from ..rights import ensure_manager

#: texts and dates of a contact that say nothing of the person
KEPT_FIELDS = {
    'name',
    'complete_name',
    'commercial_company_name',
    'email_normalized',
    'phone_sanitized',
    'create_date',
    'write_date',
    'calendar_last_notif_ack',
    'invoice_edi_format_store',
}
ERASED_TYPES = ('char', 'text', 'html', 'date', 'binary', 'properties', 'json')


class ResPartner(models.Model):
    """Erasing a customer: what is personal goes, what the business must keep stays valid."""

    _inherit = 'res.partner'

    def _erase_personal_data(self, note: str = '') -> None:
        """Erase the personal data of a customer in all sources, for good.

        :param note: who asked and how; stands in the privacy log
        :raise AccessError: the user is no administrator of the customer file
        :raise UserError: something is open, or it is not a customer
        """
        self.ensure_one()
        ensure_manager(self.env)
        contacts = self._get_personal_contacts().with_context(
            tracking_disable=True, mail_notrack=True, mail_create_nolog=True
        )
        contacts._ensure_can_erase()
        log_vals = self._prepare_privacy_log(note)
        persons = self.env['crm.person'].sudo()._for_partners(contacts)
        persons._bump_version()
        persons._suppress_addresses()
        redactor = Redactor(self.env, contacts._get_personal_terms())
        contacts._erase_loose_texts(redactor)  # while they still say who it is
        for source in contacts._get_personal_data_sources():
            contacts._erase_source(source, redactor)
        contacts._erase_after_hook()
        self.env.flush_all()
        self.env.invalidate_all()
        self.env['privacy.log'].sudo().create(log_vals)

    def _erase_after_hook(self) -> None:
        """Do what remains after all sources; for other addons to extend."""

    def _get_personal_terms(self) -> list[str]:
        """Return the texts by which the contacts would be recognised in other texts."""
        names = ('name', 'email', 'email_normalized', 'phone', 'phone_sanitized', 'street', 'vat')
        return [partner[name] for partner in self for name in names if partner[name]]

    def _erase_loose_texts(self, redactor: Redactor) -> None:
        """Clean texts that name the contacts without a link to them; other addons add theirs."""
        redactor.redact_where(
            self.env['crm.job.line'].sudo(), SQL('TRUE'), ('reference', 'message')
        )
        # what is found in files by searching; the files of kept documents stay
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                'UPDATE ir_attachment SET index_content = NULL WHERE %s',
                redactor.get_match_sql(SQL('index_content')),
            )
        )
        self.env['ir.attachment'].invalidate_model(flush=False)

    # ------------------------------------------------------------
    # MAY IT BE
    # ------------------------------------------------------------

    def _ensure_can_erase(self) -> None:
        users = self.with_context(active_test=False).user_ids
        if users.filtered('active').filtered(lambda user: user._is_internal()):
            raise UserError(self.env._("Colleagues are not erased here. Archive the user instead."))
        names = users.sudo().get_external_id().values()
        if any(name.startswith('base.') for name in names):
            # the robot, the public visitor, the template of portal users
            raise UserError(self.env._("Odoo itself needs this contact: nobody could log in."))
        if self.env['res.company'].sudo().search_count([('partner_id', 'in', self.ids)], limit=1):
            raise UserError(self.env._("The contact of one of your companies cannot be erased."))
        if obstacles := self._get_erasure_obstacles():
            raise UserError('\n'.join(obstacles))
        self._ensure_own_companies()

    def _get_erasure_obstacles(self) -> list[str]:
        """Return what must be settled before, in words for who erases; other addons add theirs."""
        unpaid = (
            self.env['account.move']
            .sudo()
            .search_count(
                Domain('partner_id', 'in', self.ids)
                & Domain('state', '=', 'posted')
                & Domain('move_type', 'in', self.env['account.move'].get_invoice_types())
                & Domain('payment_state', 'in', ('not_paid', 'partial', 'in_payment'))
                & Domain('amount_residual', '!=', 0)
            )
        )
        if not unpaid:
            return []
        return [self.env._("There are %(count)s invoices that are not paid yet.", count=unpaid)]

    def _ensure_own_companies(self) -> None:
        """Nobody erases what belongs to a company he does not work for."""
        mine = self.env.user.company_ids
        for source in self._get_personal_data_sources():
            if 'company_id' not in self.env[source.model]._fields:
                continue
            companies = self._get_personal_records(source).company_id
            if foreign := companies - mine:
                raise UserError(
                    self.env._(
                        "The customer also belongs to %(companies)s."
                        " Somebody with access to it has to erase him.",
                        companies=foreign.mapped('name'),
                    )
                )

    # ------------------------------------------------------------
    # ERASE
    # ------------------------------------------------------------

    def _erase_source(self, source: PersonalData, redactor: Redactor) -> None:
        # only the search sees archived records: an archived user must not keep his contact open
        records = self._get_personal_records(source).with_env(self.sudo().env)
        if not records:
            return
        if isinstance(records, self.env.registry['mail.thread']):
            self._erase_discussion(records, source, redactor)
        if source.erase:
            source.erase(records, redactor)
        elif source.on_erase == 'delete':
            records.unlink()
        else:
            if source.values:
                records.write(source.values)
            redactor.redact(records)

    def _erase_discussion(self, records, source: PersonalData, redactor: Redactor) -> None:
        """Erase what was said and filed on records of the customer."""
        Message = self.env['mail.message'].sudo()
        messages = Message.search([('model', '=', records._name), ('res_id', 'in', records.ids)])
        self._blank_messages(messages, redactor)
        attachments = (
            self.env['ir.attachment']
            .sudo()
            .search([('res_model', '=', records._name), ('res_id', 'in', records.ids)])
        )
        if source.on_erase == 'keep':
            # invitations name who is invited; the next one is made anew
            invitations = attachments.filtered(lambda file: file.mimetype == 'text/calendar')
            invitations.unlink()
            (attachments - invitations).index_content = False
        else:
            attachments.unlink()
        activities = self.env['mail.activity'].sudo().with_context(active_test=False)
        redactor.redact(
            activities.search([('res_model', '=', records._name), ('res_id', 'in', records.ids)])
        )

    def _blank_messages(self, messages, redactor: Redactor) -> None:
        """Take the text out of messages, and the names out of what the system noted."""
        if not messages:
            return
        self.env.flush_all()
        written = SQL(
            "id IN %s AND (message_type <> 'notification' OR EXISTS ("
            "SELECT FROM mail_notification AS sent"
            " WHERE sent.mail_message_id = mail_message.id AND sent.res_partner_id IN %s))",
            tuple(messages.ids),
            tuple(self.ids),
        )
        self.env.cr.execute(
            SQL(
                "UPDATE mail_message SET body = '', subject = NULL, email_from = NULL,"
                " reply_to = NULL, incoming_email_to = NULL, incoming_email_cc = NULL,"
                " outgoing_email_to = NULL WHERE %s",
                written,
            )
        )
        mails = self.env['mail.mail'].sudo().search([('mail_message_id', 'in', messages.ids)])
        self.env.cr.execute(SQL('DELETE FROM mail_mail WHERE id IN %s', tuple(mails.ids) or (0,)))
        self.env.invalidate_all(flush=False)
        redactor.redact(messages)
        redactor.redact(messages.tracking_value_ids)
        notifications = self.env['mail.notification'].sudo()
        redactor.redact(notifications.search([('mail_message_id', 'in', messages.ids)]))

    def _erase_messages(self, messages, redactor: Redactor) -> None:
        """Delete the messages on the contacts; take texts and names out of the others."""
        on_contact = messages.filtered(lambda m: m.model == 'res.partner' and m.res_id in self.ids)
        on_contact.unlink()
        rest = messages - on_contact
        own = rest.filtered(lambda message: message.author_id in self)
        own.attachment_ids.unlink()
        self._blank_messages(own, redactor)
        redactor.redact(rest - own)
        redactor.redact(rest.tracking_value_ids)
        self.env.cr.execute(
            SQL(
                'UPDATE mail_notification SET mail_email_address = NULL, sms_number = NULL,'
                ' failure_reason = NULL WHERE res_partner_id IN %s',
                tuple(self.ids),
            )
        )
        self._erase_names_in_tracking()

    def _erase_names_in_tracking(self) -> None:
        """Blank the name where another document noted that it changed from or to the contact."""
        for side in ('old', 'new'):
            self.env.cr.execute(
                SQL(
                    """
                    UPDATE mail_tracking_value SET %(text)s = %(blank)s
                      FROM ir_model_fields AS field
                     WHERE field.id = mail_tracking_value.field_id
                       AND field.relation = 'res.partner' AND field.ttype = 'many2one'
                       AND %(value)s IN %(ids)s
                    """,
                    text=SQL.identifier(f'{side}_value_char'),
                    blank=BLANK,
                    value=SQL.identifier('mail_tracking_value', f'{side}_value_integer'),
                    ids=tuple(self.ids),
                )
            )
        self.env['mail.tracking.value'].invalidate_model(flush=False)

    def _erase_blacklisted(self, rows, address_field: str) -> None:
        """Take addresses off core's blacklist, but none by which others could now be reached.

        Core's own mailings know nothing of our hashes.

        :param rows: ``mail.blacklist`` or ``phone.blacklist``
        :param address_field: 'email' or 'number'
        """
        column = {'email': 'email_normalized', 'number': 'phone_sanitized'}[address_field]
        shared = set()
        for model in self.env.registry.values():
            field = model._fields.get(column)
            if not model._auto or model._abstract or not (field and field.store):
                continue
            domain = Domain(column, 'in', rows.mapped(address_field))
            if model._name == 'res.partner':
                domain &= Domain('id', 'not in', self.ids)
            others = self.env[model._name].sudo().with_context(active_test=False).search(domain)
            shared.update(others.mapped(column))
        rows.filtered(lambda row: row[address_field] not in shared).unlink()

    def _erase_bank_accounts(self, accounts, _redactor: Redactor) -> None:
        """Blank the numbers; by SQL, because core lets nobody change those of trusted accounts."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE res_partner_bank SET active = FALSE, acc_number = 'erased-' || id,"
                " sanitized_acc_number = 'ERASED' || id, acc_holder_name = NULL,"
                " clearing_number = NULL, note = NULL WHERE id IN %s",
                tuple(accounts.ids),
            )
        )
        accounts.invalidate_recordset(flush=False)

    def _erase_users(self, users, _redactor: Redactor) -> None:
        """Close the portal access; by SQL, for core would write to the old address about it."""
        users.write({'active': False, 'signature': False})
        ids = tuple(users.ids)
        self.env.flush_all()
        self.env.cr.execute(
            SQL("UPDATE res_users SET login = 'erased-' || id, password = NULL WHERE id IN %s", ids)
        )
        for table in ('res_device_log', 'res_users_apikeys'):
            self.env.cr.execute(
                SQL('DELETE FROM %s WHERE user_id IN %s', SQL.identifier(table), ids)
            )
        self.env.invalidate_all()
        self.env.registry.clear_cache()

    def _erase_contacts(self) -> None:
        """Leave an empty, archived contact that documents can point to."""
        self.env['mail.followers'].sudo().search([('partner_id', 'in', self.ids)]).unlink()
        self.env['ir.attachment'].sudo().search(
            [('res_model', '=', 'res.partner'), ('res_id', 'in', self.ids)]
        ).unlink()
        # an import with the customer's old number must make a new contact, not fill this one
        self.env['ir.model.data'].sudo().search(
            [('model', '=', 'res.partner'), ('res_id', 'in', self.ids)]
        ).unlink()
        values = self._get_erased_values()
        # first and alone: core flushes here, and leads would be filled again from half a contact
        pictures = [name for name in values if self._fields[name].type == 'binary']
        self.write({name: values.pop(name) for name in pictures})
        for partner in self:
            partner.write({**values, 'name': self.env._("Erased contact %s", partner.id)})

    def _get_erased_values(self) -> dict:
        """Return what a contact's fields become; every text, date and picture goes."""
        values = {
            name: False
            for name, field in self._fields.items()
            if field.type in ERASED_TYPES
            and field.store
            and not field.related
            and name not in KEPT_FIELDS
            and (not field.compute or field.inverse or not field.readonly)
        }
        return {
            **values,
            'active': False,
            'category_id': [Command.clear()],
            'state_id': False,
            'partner_latitude': 0,
            'partner_longitude': 0,
            'customer_tz_choice': False,
        }

    def _prepare_privacy_log(self, note: str) -> dict:
        """Return the entry of the privacy log; core masks name and address in it."""
        return {
            'anonymized_name': self.name or BLANK,
            'anonymized_email': self.email_normalized or 'nobody@invalid',
            'execution_details': self.env._("Personal data of contact #%(id)s erased", id=self.id),
            'records_description': f'res.partner (1): #{self.id}',
            'additional_note': note,
            'user_id': self.env.uid,
        }
