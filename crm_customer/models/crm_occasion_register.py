from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timezone

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import email_normalize

from .crm_import_mixin import EXISTING
from .crm_occasion import ANY_STATE

MAX_REGISTERED = 1000

#: how far an occasion is; what staff noted is not taken back by a file that lags behind
PROGRESS = {'expected': 0, 'present': 1, 'no_show': 1, 'cancelled': 1, 'left': 2}

#: what another system may say about an occasion, beside its customer
PLAIN_KEYS = ('place', 'companion_count', 'companions', 'amount', 'note')
KNOWN_KEYS = {
    'type', 'reference', 'company_id', 'partner_id', 'customer', 'date_from', 'date_to', 'state',
    'reopen', 'arrived_at', 'left_at', 'host', 'currency', *PLAIN_KEYS,
}  # fmt: skip


class CrmOccasion(models.Model):
    """Occasions from other systems and from files: found again by their reference."""

    _inherit = 'crm.occasion'

    # What a file says about a customer who may not exist yet; read when the occasion is created.
    customer_name = fields.Char(compute='_compute_customer', readonly=False)
    customer_phone = fields.Char(compute='_compute_customer', readonly=False)
    customer_email = fields.Char(compute='_compute_customer', readonly=False)

    @api.depends('partner_id')
    def _compute_customer(self):
        for occasion in self:
            occasion.customer_name = occasion.partner_id.name
            occasion.customer_phone = occasion.partner_id.phone
            occasion.customer_email = occasion.partner_id.email

    # ------------------------------------------------------------
    # API
    # ------------------------------------------------------------

    @api.model
    def register(self, vals_list: list[dict]) -> list[dict]:
        """Create or update occasions by their number in the other system.

        Sending the same again changes nothing; all are taken, or none.  Over JSON-2::

            POST /json/2/crm.occasion/register
            {"vals_list": [{
                "type": "stay", "reference": "RES-10021",
                "customer": {"name": "Li Na", "phone": "+86 138 0013 8000"},
                "date_from": "2026-04-10", "date_to": "2026-04-12",
                "place": "1208", "companion_count": 1, "amount": 1360.0, "currency": "CNY"
            }]}

        Keys of an entry: ``type`` (code of the type) and ``reference``, both required;
        ``company_id`` (default: the company one works in); ``partner_id``, or ``customer`` with
        ``name``, ``phone`` and ``email``: found by phone, then by e-mail, else created;
        ``date_from``, required for a new one, and ``date_to``: ISO 8601, UTC unless they say
        otherwise, or a day alone, which means the usual hours of the type in the company's zone;
        ``state`` (expected, present, left, no_show, cancelled) with ``arrived_at`` and
        ``left_at``: it takes nothing back that staff noted, unless ``reopen`` is true; ``place``,
        ``companion_count``, ``companions``, ``amount``, ``currency`` (ISO code), ``note``, ``host``
        (login of a user).

        :param vals_list: up to 1,000 entries
        :return: for each entry ``id``, ``reference``, ``partner_id``, ``state``, ``created`` and
            ``changed``
        :raise ValidationError: entries are wrong; each is named with its number and reason
        """
        self.check_access('create')
        if len(vals_list) > MAX_REGISTERED:
            raise ValidationError(
                self.env._("Send at most %(count)s occasions at once.", count=MAX_REGISTERED)
            )
        prepared = self._prepare_registered(vals_list)
        reopen = [bool(entry.get('reopen')) for entry in vals_list]
        return self._create_registered(prepared, self._update_registered(prepared, reopen))

    def _update_registered(self, prepared: list[dict], reopen: list[bool]) -> list[tuple]:
        """Bring those that exist up to date.

        :param reopen: whether the state of an entry may take back what staff noted
        :return: for each entry the occasion, if there is one, that it is not new, and whether it
            was changed
        """
        known = self._find_by_reference(prepared)
        results = []
        for vals, occasion, back in zip(prepared, known, reopen, strict=True):
            changed = occasion._get_changed_vals(vals, reopen=back) if occasion else {}
            if changed:
                occasion.with_context(**{ANY_STATE: True}).write(changed)
            results.append((occasion, False, bool(changed)))
        return results

    def _create_registered(self, prepared: list[dict], results: list[tuple]) -> list[dict]:
        """Create those that do not exist yet and describe all to the caller."""
        new_vals = [
            vals
            for vals, (known, _new, _changed) in zip(prepared, results, strict=True)
            if not known
        ]
        created = iter(self._create_once(new_vals))
        described = []
        for known, new, changed in results:
            occasion = known
            if not occasion:
                occasion, new, changed = next(created), True, True
            described.append(
                {
                    'id': occasion.id,
                    'reference': occasion.reference,
                    'partner_id': occasion.partner_id.id,
                    'state': occasion.state,
                    'created': new,
                    'changed': changed,
                }
            )
        return described

    def _create_once(self, vals_list: list[dict]) -> CrmOccasion:
        """Create occasions; who loses a race for a reference is run again by Odoo and finds it."""
        if not vals_list:
            return self.browse()
        try:
            with self.env.cr.savepoint():
                return self.create(vals_list)
        except psycopg2.errors.UniqueViolation as error:
            raise ConcurrencyError("the occasion was registered at the same moment") from error

    # ------------------------------------------------------------
    # READING ENTRIES
    # ------------------------------------------------------------

    @api.model
    def _prepare_registered(self, vals_list: list[dict]) -> list[dict]:
        """Return the values of all entries, or say of every wrong one what is wrong."""
        prepared, errors, seen = [], [], set()
        for number, entry in enumerate(vals_list, start=1):
            try:
                vals = self._prepare_entry(entry)
                identity = (vals['company_id'], vals['type_id'], vals['reference'])
                if identity in seen:
                    raise ValidationError(self.env._("The reference stands here twice."))
                seen.add(identity)
                prepared.append(vals)
            except (UserError, ValueError, TypeError) as error:
                reason = error.args[0] if error.args else str(error)
                errors.append(
                    self.env._("Entry %(number)s: %(reason)s", number=number, reason=reason)
                )
        if errors:
            raise ValidationError('\n'.join(errors))
        return prepared

    def _prepare_entry(self, entry: dict) -> dict:
        """Return the values of one entry."""
        unknown = sorted(set(entry) - KNOWN_KEYS)
        if unknown:
            raise ValidationError(self.env._("There is no such key: %(keys)s.", keys=unknown))
        reference = str(entry.get('reference') or '').strip()
        if not reference:
            raise ValidationError(self.env._("The reference is missing."))
        kind = self.env['crm.occasion.type']._get_by_code(entry.get('type'))
        company = self._get_entry_company(entry)
        return {
            'type_id': kind.id,
            'company_id': company.id,
            'reference': reference,
            **{key: entry[key] for key in PLAIN_KEYS if key in entry},
            **self._prepare_entry_moments(entry, kind, company),
            **self._prepare_entry_links(entry),
        }

    def _get_entry_company(self, entry: dict):
        company = self.env['res.company'].browse(entry.get('company_id') or self.env.company.id)
        if company not in self.env.companies:
            raise ValidationError(
                self.env._("The company %(id)s is not one of yours.", id=company.id)
            )
        return company

    def _prepare_entry_moments(self, entry: dict, kind, company) -> dict:
        """Return the moments and the state of an entry."""
        vals = {}
        for key in ('date_from', 'date_to', 'arrived_at', 'left_at'):
            if key not in entry:
                continue
            usual = 'hour_from' if key in ('date_from', 'arrived_at') else 'hour_to'
            vals[key] = self._read_moment(entry[key], kind, usual, company)
        if vals.get('date_to') and vals.get('date_from') and vals['date_to'] < vals['date_from']:
            raise ValidationError(
                self.env._("A customer cannot be expected to leave before he comes.")
            )
        if 'state' in entry:
            if entry['state'] not in dict(self._fields['state'].selection):
                raise ValidationError(
                    self.env._("There is no state %(state)s.", state=entry['state'])
                )
            vals['state'] = entry['state']
        return vals

    def _read_moment(self, text: str | None, kind, usual: str, company) -> datetime | bool:
        """Return the moment a text says (UTC).

        :param usual: field of the type with the hour of a day that comes alone
        """
        if not text:
            return False
        try:
            if len(text) == 10:
                return kind._to_moment(date.fromisoformat(text), usual, company)
            moment = datetime.fromisoformat(text.replace('Z', '+00:00'))
        except ValueError as error:
            raise ValidationError(
                self.env._(
                    "%(text)s is no moment. Write it as 2026-03-08 or 2026-03-08T14:30:00Z.",
                    text=text,
                )
            ) from error
        if moment.tzinfo:
            moment = moment.astimezone(timezone.utc).replace(tzinfo=None)
        return moment.replace(microsecond=0)

    def _prepare_entry_links(self, entry: dict) -> dict:
        """Return the customer, the host and the currency of an entry."""
        vals = {}
        if entry.get('partner_id'):
            partner = self.env['res.partner'].browse(entry['partner_id']).exists()
            if not partner:
                raise ValidationError(
                    self.env._("There is no customer %(id)s.", id=entry['partner_id'])
                )
            vals['partner_id'] = partner.id
        for key, value in (entry.get('customer') or {}).items():
            if key not in ('name', 'phone', 'email'):
                raise ValidationError(self.env._("There is no such key: %(keys)s.", keys=key))
            vals[f'customer_{key}'] = value
        if entry.get('host'):
            user = self.env['res.users'].search([('login', '=', entry['host'])], limit=1)
            if not user:
                raise ValidationError(
                    self.env._("There is no user %(login)s.", login=entry['host'])
                )
            vals['user_id'] = user.id
        if entry.get('currency'):
            currency = self.env['res.currency'].search([('name', '=', entry['currency'])], limit=1)
            if not currency:
                raise ValidationError(
                    self.env._("There is no currency %(code)s.", code=entry['currency'])
                )
            vals['currency_id'] = currency.id
        return vals

    # ------------------------------------------------------------
    # FINDING WHAT EXISTS
    # ------------------------------------------------------------

    @api.model
    def _find_by_reference(self, vals_list: list[dict]) -> list[CrmOccasion]:
        """Return for each of the values the occasion that has their reference, or none."""
        references = [vals['reference'] for vals in vals_list if vals.get('reference')]
        found = {
            (occasion.company_id.id, occasion.type_id.id, occasion.reference): occasion
            for occasion in self.search([('reference', 'in', references)])
        }
        default_type = self._default_type_id().id
        return [
            found.get(
                (
                    vals.get('company_id') or self.env.company.id,
                    vals.get('type_id') or default_type,
                    vals.get('reference'),
                ),
                self.browse(),
            )
            for vals in vals_list
        ]

    def _get_changed_vals(self, vals: dict, *, reopen: bool = False) -> dict:
        """Return those of the values that differ; who the customer is was settled before.

        :param reopen: whether a state may take back what staff noted
        """
        self.ensure_one()
        changed = {}
        if not reopen and PROGRESS.get(vals.get('state'), 3) < PROGRESS[self.state]:
            vals = {k: v for k, v in vals.items() if k not in ('state', 'arrived_at', 'left_at')}
        for name, value in vals.items():
            field = self._fields[name]
            if not field.store or (field.required and not value):
                continue
            now = field.convert_to_cache(self[name], self, validate=False)
            if field.convert_to_cache(value, self, validate=False) != now:
                changed[name] = value
        return changed

    # ------------------------------------------------------------
    # CUSTOMERS
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [dict(vals) for vals in vals_list]
        nameless = defaultdict(list)
        for vals in vals_list:
            if not vals.get('partner_id'):
                nameless[vals.get('company_id') or self.env.company.id].append(vals)
        for company_id, group in nameless.items():
            company = self.env['res.company'].browse(company_id)
            customers = self.with_company(company)._get_customers(group)
            for vals, partner in zip(group, customers, strict=True):
                if partner:
                    vals['partner_id'] = partner.id
        for vals in vals_list:
            for name in ('customer_name', 'customer_phone', 'customer_email'):
                vals.pop(name, None)
        return super().create(vals_list)

    @api.model
    def _get_customers(self, vals_list: list[dict]) -> list:
        """Return the customer of each of the values: by phone, by e-mail, or a new one.

        They are looked for in the company one works in.  Two entries with the same phone number are
        one customer.
        """
        known = self._find_customers(vals_list)
        customers = []
        for vals in vals_list:
            keys = self._get_customer_keys(vals)
            partner = next((known[key] for key in keys if key in known), None)
            if not partner and (keys or vals.get('customer_name')):
                partner = self._create_customer(vals)
            for key in keys if partner else ():
                known.setdefault(key, partner)
            customers.append(partner)
        return customers

    def _find_customers(self, vals_list: list[dict]) -> dict:
        """Return the existing customers by the key of their phone number and by e-mail address."""
        partners = self.env['res.partner']
        country = self.env.company.country_id
        found = partners._find_by_phone([vals.get('customer_phone') for vals in vals_list], country)
        emails = [email_normalize(vals.get('customer_email') or '') for vals in vals_list]
        domain = Domain('email_normalized', 'in', [email for email in emails if email])
        domain &= Domain('company_id', 'in', [False, self.env.company.id])
        for partner in partners.search(domain, order='is_company, id'):
            found.setdefault(partner.email_normalized, partner)
        return found

    def _get_customer_keys(self, vals: dict) -> list[str]:
        """Return by what the customer of an entry is recognised, the surest first."""
        country = self.env.company.country_id
        number = self.env['res.partner']._get_phone_key(vals.get('customer_phone'), country)
        keys = [number, email_normalize(vals.get('customer_email') or '')]
        return [key for key in keys if key]

    def _create_customer(self, vals: dict):
        """Create the customer of an entry."""
        return self.env['res.partner'].create(
            {
                'name': vals.get('customer_name')
                or vals.get('customer_phone')
                or vals.get('customer_email'),
                'phone': vals.get('customer_phone'),
                'email': vals.get('customer_email'),
            }
        )

    # ------------------------------------------------------------
    # IMPORT
    # ------------------------------------------------------------

    @api.model
    def get_import_templates(self) -> list[dict]:
        return [
            *super().get_import_templates(),
            {
                'label': self.env._("Import Template for Stays and Appointments"),
                'template': '/crm_customer/static/import/occasions.xlsx',
            },
        ]

    def _load_records(self, data_list, update=False):
        """Find the occasions of a file again by their references."""
        rows = [data for data in data_list if not data.get('xml_id')]
        if not update:
            found = self._find_by_reference([row['values'] for row in rows])
            for data, known in zip(rows, found, strict=True):
                if known and not data['values'].get('id'):
                    data['values']['id'] = known.id
        return super()._load_records(data_list, update)

    def _load_records_write(self, values):
        """Leave what is the same already: a second run of a file changes nothing."""
        values = self._get_changed_vals({k: v for k, v in values.items() if k != 'id'})
        if values or EXISTING in self.env.context:
            occasion = self.with_context(**{ANY_STATE: True})
            return super(CrmOccasion, occasion)._load_records_write(values)
        return None
