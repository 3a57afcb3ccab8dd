import secrets
import time

import psycopg2

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import email_normalize
from odoo.tools.mimetypes import guess_mimetype
from odoo.tools.misc import hash_sign, verify_hash_signed

from odoo.addons.crm_customer.controllers.preferences import PreferencesPortal

from ..models.aftersales_request_public import MAX_TEXT
from .portal import AftersalesPortal

#: scope of the signature on each form
FORM_SCOPE = 'crm_aftersales.public_form'
#: a person needs longer to fill in the form; a page stands open for so long at most
MIN_SECONDS = 3
MAX_HOURS = 12
MAX_PHOTOS = 5
MAX_LENGTH = 200
#: digits of the shortest number that can be called
MIN_DIGITS = 5
PHOTO_TYPES = {'image/jpeg', 'image/png', 'image/gif', 'image/webp', 'application/pdf'}
#: bytes of one post: five photos, and the text
MAX_POST = 55 * 1024 * 1024
#: requests an hour: from one computer (offices share one), of one address, about one product
MAX_BY_IP = 20
MAX_BY_ADDRESS = 5
MAX_BY_UNIT = 10
#: scans of codes from one computer in ten minutes
MAX_SCANS = 120
#: what was just sent, in the session until the page says thank you
SENT = 'aftersales_form_sent'


class AftersalesPublic(AftersalesPortal, PreferencesPortal):
    """Pages for people who are not logged in: the request form, and the code on a product.

    Whatever was typed in, they say the same: never whether an address or a serial number is known.
    """

    # ------------------------------------------------------------
    # THE FORM
    # ------------------------------------------------------------

    @http.route(
        '/aftersales/request',
        type='http',
        auth='public',
        methods=['GET'],
        website=True,
        sitemap=False,
    )
    def public_form(self, company=None, **kwargs):
        """Show the form for a request."""
        form_company = self._find_form_company(company)
        if not form_company:
            return self._render_no_page()
        self._speak_language(request.env['crm.person'])
        return self._render_public_form(form_company, {})

    @http.route(
        '/aftersales/request',
        type='http',
        auth='public',
        methods=['POST'],
        website=True,
        captcha='aftersales_request',
        max_content_length=MAX_POST,
    )
    def public_send(self, company=None, **post):
        """Raise the request, or show the form again with what is wrong."""
        form_company = self._find_form_company(company)
        if not form_company:
            return self._render_no_page()
        self._speak_language(request.env['crm.person'])
        return self._take_public_form(form_company, post)

    @http.route(
        '/aftersales/request/sent',
        type='http',
        auth='public',
        methods=['GET'],
        website=True,
        sitemap=False,
    )
    def public_sent(self, **kwargs):
        """Say thank you."""
        self._speak_language(request.env['crm.person'])
        values = {'number': request.session.pop(SENT, '')}
        return self._render('crm_aftersales.public_sent', values)

    def _find_form_company(self, company_id: str | None):
        """Return the company whose form is asked for, when it has one; in elevated rights."""
        companies = request.env['res.company'].sudo()
        wanted = self._to_id({'company': company_id}, 'company')
        company = companies.browse(wanted).exists() if wanted else request.env.company.sudo()
        return company.filtered('aftersales_form')

    # ------------------------------------------------------------
    # THE CODE ON A PRODUCT
    # ------------------------------------------------------------

    @http.route(
        '/s/<string:token>',
        type='http',
        auth='public',
        methods=['GET'],
        website=True,
        multilang=False,
        sitemap=False,
    )
    def scanned(self, token, **kwargs):
        """Show what everybody may know who stands before a product; its owner finds his page."""
        unit_sudo, refusal = self._open_code(token)
        if refusal:
            return refusal
        values = {
            'unit': unit_sudo,
            'company': unit_sudo.company_id,
            'token': token,
            'documents': unit_sudo._get_portal_documents('everybody'),
            'is_owner': self._is_own(unit_sudo),
        }
        return self._render('crm_aftersales.public_unit', values)

    @http.route(
        '/s/<string:token>/documents/<int:attachment_id>',
        type='http',
        auth='public',
        methods=['GET'],
        website=True,
        multilang=False,
        sitemap=False,
    )
    def scanned_document(self, token, attachment_id, **kwargs):
        """Send a manual."""
        unit_sudo, refusal = self._open_code(token)
        if refusal:
            return refusal
        documents = unit_sudo._get_portal_documents('everybody')
        return self._send_document(documents, attachment_id) or self._render_no_page()

    @http.route(
        '/s/<string:token>/report',
        type='http',
        auth='public',
        methods=['GET'],
        website=True,
        multilang=False,
        sitemap=False,
    )
    def scanned_form(self, token, **kwargs):
        """Show the form for a request about the product."""
        unit_sudo, refusal = self._open_code(token)
        if refusal:
            return refusal
        company = unit_sudo.company_id.filtered('aftersales_form')
        if not company:
            return self._render_no_page()
        return self._render_public_form(company, {}, unit_sudo)

    @http.route(
        '/s/<string:token>/report',
        type='http',
        auth='public',
        methods=['POST'],
        website=True,
        multilang=False,
        captcha='aftersales_request',
        max_content_length=MAX_POST,
    )
    def scanned_send(self, token, **post):
        """Raise the request about the product, or show the form again with what is wrong."""
        unit_sudo, refusal = self._open_code(token)
        if refusal:
            return refusal
        company = unit_sudo.company_id.filtered('aftersales_form')
        if not company:
            return self._render_no_page()
        return self._take_public_form(company, post, unit_sudo)

    def _open_code(self, token: str) -> tuple:
        """Return the product of a code, or none and the page that is shown instead.

        Every scan counts against the visitor's address, so that trying codes comes to an end.
        """
        self._speak_language(request.env['crm.person'])
        units = request.env['aftersales.unit'].sudo()
        if not self._may_go_on('scan', request.httprequest.remote_addr, MAX_SCANS, 600):
            return units, self._render('crm_customer.portal_too_many', {}, 429)
        unit_sudo = units._find_by_qr_token(self._clean(token))
        return unit_sudo, None if unit_sudo else self._render_no_page()

    # ------------------------------------------------------------
    # WHAT WAS SENT
    # ------------------------------------------------------------

    def _take_public_form(self, company, post: dict, unit_sudo=None):
        """Raise a request and say thank you, or show the form again with what is wrong.

        :param unit_sudo: the product whose code was scanned
        """
        try:
            # A program that fills in every field is thanked, and has made nothing.
            request_sudo = request.env['aftersales.request'].sudo()
            if not post.get('website'):
                request_sudo = self._raise_public_request(company, post, unit_sudo)
        except UserError as error:
            status = getattr(error, 'http_status', 422)
            return self._render_public_form(company, post, unit_sudo, str(error), status)
        request.session[SENT] = request_sudo.number or ''
        return request.redirect('/aftersales/request/sent')

    def _raise_public_request(self, company, post: dict, unit_sudo):
        """Return the request a form makes: the same form makes one.

        :raise UserError: with a message for the visitor
        """
        key = f'public:{self._read_form_mark(company, post, unit_sudo)}'
        if found := self._find_submitted(key):
            return found
        form = self._read_public_form(company, post)
        attachments = self._read_photos()
        self._ensure_few_public_requests(form, unit_sudo)
        form.update(key=key, unit=unit_sudo or request.env['aftersales.unit'].sudo())
        Request = request.env['aftersales.request']
        try:
            with request.env.cr.savepoint():
                return Request._raise_from_public_form(company, form, attachments)
        except psycopg2.errors.UniqueViolation as error:
            if '_submission_unique' not in str(error):
                raise
            return Request.sudo()  # the same form, at the same moment

    def _make_form_mark(self, company, unit_sudo) -> str:
        """Return a signed mark of one form: when it was shown, and for what."""
        content = [secrets.token_hex(16), int(time.time()), company.id, (unit_sudo or company).id]
        env = request.env['aftersales.request'].sudo().env
        return hash_sign(env, FORM_SCOPE, content, expiration_hours=MAX_HOURS)

    def _read_form_mark(self, company, post: dict, unit_sudo) -> str:
        """Return what a form is known by.

        :raise UserError: it is none of ours, too old, or came faster than a person types
        """
        env = request.env
        try:
            sudo_env = env['aftersales.request'].sudo().env
            content = verify_hash_signed(sudo_env, FORM_SCOPE, str(post.get('mark') or ''))
        except Exception:  # noqa: BLE001  what a stranger sends is decoded here
            content = None
        if not content or content[2:] != [company.id, (unit_sudo or company).id]:
            post['mark'] = ''
            raise UserError(env._("This page was open for too long. Please send it once more."))
        nonce, shown, *_where = content
        if time.time() - shown < MIN_SECONDS:
            raise UserError(env._("That was very quick. Please check your text and send it again."))
        return nonce

    def _read_public_form(self, company, post: dict) -> dict:
        """Return what was typed in.

        :raise UserError: with a message for the visitor
        """
        env = request.env
        form = {
            name: self._clean(post.get(name))[:MAX_LENGTH]
            for name in ('name', 'email', 'phone', 'product')
        }
        form['description'] = self._clean(post.get('description'))[:MAX_TEXT]
        form['type'] = self._get_public_types(company).filtered_domain(
            [('id', '=', self._to_id(post, 'type_id'))]
        )
        if not form['name'] or not form['description']:
            raise UserError(env._("Please tell us your name and what it is about."))
        if not form['type']:
            raise UserError(env._("Please choose what your request is about."))
        if form['email'] and not email_normalize(form['email']):
            raise UserError(env._("Please check your e-mail address."))
        if not form['email'] and len(self._get_digits(form['phone'])) < MIN_DIGITS:
            raise UserError(env._("Please tell us an e-mail address or a phone number."))
        return form

    def _get_public_types(self, company):
        """Return the kinds of requests everybody may raise, in elevated rights."""
        return (
            request.env['aftersales.request.type']
            .sudo()
            .search([('portal_visible', '=', True), ('company_id', 'in', [False, company.id])])
        )

    def _read_photos(self) -> list[tuple[str, bytes]]:
        """Return name and content of the photos that were posted.

        :raise UserError: too many, too large, or something else than photos
        """
        files = self._read_request_files()
        if len(files) > MAX_PHOTOS:
            raise UserError(request.env._("Please send no more than %s files.", MAX_PHOTOS))
        # what it is, not what it is called
        if any(guess_mimetype(content) not in PHOTO_TYPES for _name, content in files):
            raise UserError(
                request.env._("Please send photos (JPEG, PNG, GIF, WebP) or PDF files.")
            )
        return files

    def _ensure_few_public_requests(self, form: dict, unit_sudo) -> None:
        """:raise UserError: there were many from here, of this address or about this product"""
        address = email_normalize(form['email']) or self._get_digits(form['phone'])
        limits = [
            ('ip', request.httprequest.remote_addr, MAX_BY_IP),
            ('address', address, MAX_BY_ADDRESS),
        ]
        if unit_sudo:
            limits.append(('unit', unit_sudo.id, MAX_BY_UNIT))
        if not all(self._may_go_on(*limit, 3600) for limit in limits):
            error = UserError(
                request.env._(
                    "We got many requests from you lately. Please try again in an hour, or call us."
                )
            )
            error.http_status = 429
            raise error

    @staticmethod
    def _get_digits(phone: str) -> str:
        return ''.join(filter(str.isdigit, phone))

    def _may_go_on(self, what: str, key, limit: int, seconds: int) -> bool:
        scope = f'aftersales.public.{what}'
        return request.env['crm.rate.limit']._hit(scope, str(key or ''), limit, seconds)

    # ------------------------------------------------------------
    # PAGES
    # ------------------------------------------------------------

    def _render_public_form(
        self, company, post: dict, unit_sudo=None, error: str = '', status: int = 200
    ):
        """Render the form.

        :param post: what the visitor entered so far
        :param error: what is wrong with it
        """
        return self._render(
            'crm_aftersales.public_form',
            {
                'company': company,
                'unit': unit_sudo,
                'types': self._get_public_types(company),
                'form': {**post, 'type_id': self._to_id(post, 'type_id')},
                'mark': post.get('mark') or self._make_form_mark(company, unit_sudo),
                'photo_types': ','.join(sorted(PHOTO_TYPES)),
                'error': error,
            },
            status,
        )

    def _render_no_page(self):
        """Say the same whatever is wrong with an address."""
        return self._render('crm_aftersales.public_no_page', {}, 404)
