from __future__ import annotations

from markupsafe import Markup

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import email_normalize, formataddr, plaintext2html

from ..texts import cut_to_line

#: of the subject that is made of a text
SUBJECT_LENGTH = 80
#: of what customers and other systems may write
MAX_TYPED_SUBJECT = 200
MAX_TEXT = 10_000


class AftersalesRequest(models.Model):
    """Requests of people who are not logged in: by the public form, or the code on a product.

    Who they are is not proven. What they typed decides nothing: a product is linked when its code
    was scanned or its owner is who writes, and staff is told the rest.
    """

    _inherit = 'aftersales.request'

    channel = fields.Selection(
        selection_add=[('web', "Web Form"), ('qr', "QR Code"), ('api', "Interface")],
        ondelete={'web': 'set default', 'qr': 'set default', 'api': 'set default'},
    )

    @api.model
    def _raise_from_public_form(self, company, form: dict, attachments: list[tuple[str, bytes]]):
        """Create the request of somebody who is not logged in.

        :param company: ``res.company`` the form belongs to
        :param form: ``name``, ``email``, ``phone``, ``product``, ``description``, ``type`` and
            ``unit`` (records; the product whose code was scanned), ``key``
        :param attachments: name and content of each file
        :return: the request, in elevated rights
        """
        Request = self.sudo().with_company(company)
        partner = Request._get_public_sender(company, form)
        request = Request.create(Request._prepare_public_vals(company, form, partner))
        if partner:
            request.message_subscribe(partner.ids)
        request._note_named_product(form)
        if attachments:
            request.message_post(
                author_id=partner.id or None,
                email_from=request.email_from,
                body=Markup("<p>%s</p>") % self.env._("Files of the customer"),
                attachments=attachments,
                message_type='comment',
                subtype_xmlid='mail.mt_comment',
            )
        return request

    @api.model
    def _get_public_sender(self, company, form: dict):
        """Return the contact who writes: the only one with the address, or a new one.

        Whether new contacts are made of addresses nobody has proven is a setting; without it they
        become contacts when staff answers, as with mails.
        """
        Partner = self.env['res.partner'].sudo()
        email = email_normalize(form['email'])
        known = Partner.browse()
        if email:
            domain = Domain('email_normalized', '=', email)
            domain &= Domain('company_id', 'in', [False, company.id])
            known = Partner.search(domain, limit=2)
        if len(known) == 1:
            return known
        if known or not company.aftersales_form_contacts:
            return Partner.browse()
        return Partner.create(
            {
                'name': form['name'],
                'email': email,
                'phone': form['phone'],
                'lang': self.env.lang,
            }
        )

    @api.model
    def _prepare_public_vals(self, company, form: dict, partner) -> dict:
        """Return the values of the request; what has no field stands in its text."""
        unit = form['unit'] or self._get_unit_of_sender(company, form, partner)
        email = email_normalize(form['email'])
        return {
            'name': cut_to_line(form['description'], SUBJECT_LENGTH),
            'description': self._get_public_description(form),
            'type_id': form['type'].id,
            'unit_id': unit.id,
            'partner_id': partner.id,
            'email_from': formataddr((form['name'], email)) if email else False,
            'company_id': company.id,
            'channel': 'qr' if form['unit'] else 'web',
            'user_id': False,
            'submission_key': form['key'],
            **self._prepare_owner_vals(partner, unit),
        }

    @api.model
    def _get_public_description(self, form: dict) -> Markup:
        env = self.env
        lines = (
            (env._("Contact"), form['name']),
            (env._("Phone"), form['phone']),
            (env._("Product or serial number"), form['product']),
        )
        return plaintext2html(form['description']) + Markup("<ul>%s</ul>") % Markup().join(
            Markup("<li>%s: %s</li>") % (label, text) for label, text in lines if text
        )

    @api.model
    def _find_named_units(self, company, form: dict):
        """Return the products in use whose serial number was typed in."""
        Unit = self.env['aftersales.unit']
        serial = Unit._normalise_serial(form['product'])
        if not serial:
            return Unit
        domain = Domain('serial_norm', '=', serial) & Domain('company_id', '=', company.id)
        return Unit.search(domain & Domain('state', 'not in', ('draft', 'retired')), limit=2)

    @api.model
    def _get_unit_of_sender(self, company, form: dict, partner):
        """Return the product that was named, when it is the sender's."""
        customer = partner.commercial_partner_id
        units = self._find_named_units(company, form) if customer else self.env['aftersales.unit']
        return units.filtered(lambda unit: unit.commercial_partner_id == customer)[:1]

    def _note_named_product(self, form: dict) -> None:
        """Tell staff, and nobody else, that a product has the serial number."""
        for unit in self._find_named_units(self.company_id, form) - self.unit_id:
            self._message_log(
                body=self.env._(
                    "%(unit)s has this serial number. It is somebody else's as far as we know:"
                    " ask before you link it.",
                    unit=unit._get_html_link(),
                )
            )
