from __future__ import annotations

import base64
import binascii

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, ValidationError
from odoo.fields import Domain
from odoo.tools import email_normalize, formataddr, plaintext2html

from ..texts import cut_to_line, without_nul
from .aftersales_request_public import MAX_TEXT, MAX_TYPED_SUBJECT, SUBJECT_LENGTH

#: what another system may say about a request: name -> type of its value
API_VALUES = {
    'subject': str,
    'text': str,
    'type': str,
    'partner_id': int,
    'customer': dict,
    'unit_id': int,
    'serial': str,
    'product': str,
    'received_on': str,
    'company_id': int,
    'files': list,
}
API_CUSTOMER = ('name', 'email', 'phone')
MAX_API_FILES = 10
MAX_API_FILE_SIZE = 10 * 1024 * 1024


class AftersalesRequest(models.Model):
    """Requests raised by other systems, by ``POST /json/2/aftersales.request/create_from_api``."""

    _inherit = 'aftersales.request'

    @api.model
    def create_from_api(self, values: dict, key: str) -> dict:
        """Raise a request for another system, once for each key.

        The same key with the same values is answered as the first time and makes nothing; with
        other values it is refused. So a caller who got no answer just asks again. Over JSON-2::

            POST /json/2/aftersales.request/create_from_api
            {"key": "SHOP-10021", "values": {
                "text": "The pump makes a noise", "type": "fault", "serial": "HP-2201 0042",
                "customer": {"name": "Li Na", "email": "li.na@example.com"}
            }}

        Values: ``text``, required, up to 10,000 characters; ``subject``, up to 200 (default: how
        the text begins); ``type`` (code); ``partner_id``, or ``customer`` with ``name``, ``email``
        and ``phone``: the only contact with the address, else an address on the request until
        somebody answers; ``unit_id``, or ``serial`` with ``product`` (internal reference) where
        several products share it; ``received_on`` (ISO 8601, UTC, not to come; default now);
        ``company_id`` (default: the one the user works in); ``files``: up to 10 with ``name`` and
        ``content`` (base64, 10 MB).

        :param values: as above
        :param key: what the caller knows the request by
        :return: ``key``, ``id``, ``number``, ``state`` (when it was made), ``partner_id``,
            ``unit_id`` (false when there is none) and ``created``
        :raise AccessError: the user may not create requests, or not see what is named
        :raise ValidationError: values are wrong; each is named with the reason
        :raise UserError: no key, or it was used for something else
        """
        self.check_access('create')
        values, key = without_nul(values), without_nul(key)
        company = self._get_api_company(values)
        Request = self.with_company(company)
        calls = Request.env['aftersales.api.call']
        fingerprint = calls._get_fingerprint(values)
        if known := calls._find(key):
            return known._repeat_answer(fingerprint)
        request = Request._create_for_api(values)
        answer = request._prepare_api_answer(key)
        inserted = calls.sudo()._insert_keyed(
            [
                {
                    'key': calls._get_full_key(key),
                    'fingerprint': fingerprint,
                    'answer': answer,
                    'request_id': request.id,
                    'company_id': company.id,
                }
            ]
        )
        if not inserted:
            raise ConcurrencyError("The same was asked for at the same time")
        return answer

    def _prepare_api_answer(self, key: str) -> dict:
        return {
            'key': key,
            'id': self.id,
            'number': self.number,
            'state': self.state,
            # XML-RPC knows no null
            'partner_id': self.partner_id.id,
            'unit_id': self.unit_id.id,
            'created': True,
        }

    @api.model
    def _create_for_api(self, values: dict):
        """Create the request another system describes.

        :raise ValidationError: values are wrong; each is named with the reason
        """
        errors: list[str] = []
        values = self._check_api_values(values, errors)
        vals = self._prepare_api_vals(values, errors)
        files = self._read_api_files(values.get('files') or [], errors)
        if errors:
            raise ValidationError("\n".join(errors))
        request = self.create(vals)
        if request.partner_id:
            request.message_subscribe(request.partner_id.ids)
        if files:
            request.sudo().message_post(
                author_id=request.partner_id.id or None,
                email_from=request.email_from,
                body=Markup("<p>%s</p>") % self.env._("Files of the customer"),
                attachments=files,
                message_type='comment',
                subtype_xmlid='mail.mt_comment',
            )
        return request

    # ------------------------------------------------------------
    # WHAT WAS SENT
    # ------------------------------------------------------------

    @api.model
    def _get_api_company(self, values: dict):
        """Return the company a call is about, one of the user's.

        :raise ValidationError: it is none of his
        """
        company_id = values.get('company_id') if isinstance(values, dict) else None
        if not company_id:
            return self.env.company
        if company_id not in self.env.user.company_ids.ids:
            raise ValidationError(
                self.env._("company_id: %(value)s is no company of yours.", value=company_id)
            )
        return self.env['res.company'].browse(company_id)

    @api.model
    def _prepare_api_vals(self, values: dict, errors: list[str]) -> dict:
        """Return the values of the new request.

        :param errors: what is wrong is added here
        """
        text = values.get('text', '').strip()
        if not text:
            errors.append(self.env._("text: say what the customer wants."))
        for name, most in (('subject', MAX_TYPED_SUBJECT), ('text', MAX_TEXT)):
            if len(values.get(name, '')) > most:
                errors.append(
                    self.env._("%(name)s: at most %(most)s characters.", name=name, most=most)
                )
        partner, email_from = self._get_api_customer(values, errors)
        unit = self._get_api_unit(values, errors)
        return {
            'name': values.get('subject', '').strip() or cut_to_line(text, SUBJECT_LENGTH),
            'description': self._get_api_description(text, values, partner),
            'type_id': self._get_api_type(values, errors).id,
            'partner_id': partner.id,
            'email_from': email_from,
            'unit_id': unit.id,
            'company_id': self.env.company.id,
            'channel': 'api',
            'user_id': False,
            'date_received': self._get_api_moment(values, errors),
            **self._prepare_owner_vals(partner, unit),
        }

    @api.model
    def _get_api_description(self, text: str, values: dict, partner) -> Markup:
        """Return the text, with what is known of a sender who is no contact."""
        if partner:
            return plaintext2html(text)
        customer = values.get('customer') or {}
        form = {name: str(customer.get(name) or '') for name in API_CUSTOMER}
        return self._get_public_description({**form, 'product': '', 'description': text})

    @api.model
    def _check_api_values(self, values: dict, errors: list[str]) -> dict:
        """Return the values that are of the right type; the others are errors."""
        if not isinstance(values, dict):
            errors.append(self.env._("values: an object with names and values is needed."))
            return {}
        right = {}
        for name, value in values.items():
            kind = API_VALUES.get(name)
            if not kind:
                errors.append(self.env._("%(name)s: there is no such value.", name=name))
            elif value is None:
                continue
            elif not isinstance(value, kind) or isinstance(value, bool):
                errors.append(
                    self.env._(
                        "%(name)s: %(value)s is of the wrong type.", name=name, value=repr(value)
                    )
                )
            else:
                right[name] = value
        return right

    @api.model
    def _get_api_customer(self, values: dict, errors: list[str]) -> tuple:
        """Return the contact, if he is known, and the address of who is not."""
        Partner = self.env['res.partner']
        if values.get('partner_id'):
            partner = Partner.search([('id', '=', values['partner_id'])])
            if not partner:
                errors.append(
                    self.env._("partner_id: there is no contact %s.", values['partner_id'])
                )
            return partner, False
        customer = values.get('customer') or {}
        unknown = sorted(set(customer) - set(API_CUSTOMER))
        if unknown:
            errors.append(self.env._("customer: there is no %s.", unknown))
        email = email_normalize(str(customer.get('email') or ''))
        if customer.get('email') and not email:
            errors.append(self.env._("customer: %s is no e-mail address.", customer['email']))
        if not email:
            return Partner, False
        known = Partner.search(
            Domain('email_normalized', '=', email)
            & Domain('company_id', 'in', [False, self.env.company.id]),
            limit=2,
        )
        partner = known if len(known) == 1 else Partner
        return partner, formataddr((str(customer.get('name') or ''), email))

    @api.model
    def _get_api_unit(self, values: dict, errors: list[str]):
        """Return the customer product that is meant, none when none is named."""
        Unit = self.env['aftersales.unit']
        domain = Domain('company_id', '=', self.env.company.id) & Domain('state', '!=', 'retired')
        if values.get('unit_id'):
            domain &= Domain('id', '=', values['unit_id'])
            named = f"unit_id: {values['unit_id']}"
        elif serial := Unit._normalise_serial(values.get('serial')):
            domain &= Domain('serial_norm', '=', serial)
            named = f"serial: {values['serial']}"
            if values.get('product'):
                domain &= Domain('product_id.default_code', '=', values['product'])
        else:
            return Unit
        units = Unit.search(domain, limit=2)
        if not units:
            errors.append(self.env._("%s: there is no such customer product.", named))
        elif len(units) > 1:
            errors.append(self.env._("%s: several have it, say which product.", named))
        return units[:1]

    @api.model
    def _get_api_type(self, values: dict, errors: list[str]):
        Type = self.env['aftersales.request.type']
        if not values.get('type'):
            return Type
        domain = Domain('code', '=', values['type'])
        domain &= Domain('company_id', 'in', [False, self.env.company.id])
        found = Type.search(domain, order='company_id', limit=1)
        if not found:
            errors.append(self.env._("type: there is no type %s.", values['type']))
        return found

    @api.model
    def _get_api_moment(self, values: dict, errors: list[str]):
        """Return when the customer turned to the other system."""
        now = fields.Datetime.now()
        if not values.get('received_on'):
            return now
        try:
            moment = fields.Datetime.to_datetime(
                values['received_on'].replace('T', ' ').rstrip('Z')
            )
        except ValueError:
            moment = None
        if not moment or moment > now:
            errors.append(
                self.env._(
                    "received_on: %s is no moment until now, such as 2026-05-09 14:30:00 (UTC).",
                    values['received_on'],
                )
            )
            return now
        return moment

    @api.model
    def _read_api_files(self, files: list, errors: list[str]) -> list[tuple[str, bytes]]:
        """Return name and content of the files that were sent."""
        if not isinstance(files, list) or len(files) > MAX_API_FILES:
            errors.append(self.env._("files: at most %s of them.", MAX_API_FILES))
            return []
        read = []
        for number, file in enumerate(files, 1):
            try:
                name, content = str(file['name']), base64.b64decode(file['content'], validate=True)
            except (TypeError, KeyError, ValueError, binascii.Error):
                errors.append(
                    self.env._("files: number %s needs a name and a content in base64.", number)
                )
                continue
            if len(content) > MAX_API_FILE_SIZE:
                errors.append(self.env._("files: number %s has more than 10 MB.", number))
            read.append((name, content))
        return read
