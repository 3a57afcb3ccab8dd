import re
import secrets
from urllib.parse import urlencode

import psycopg2

from odoo import http
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.fields import Domain
from odoo.http import request
from odoo.tools import consteq, plaintext2html

from odoo.addons.portal.controllers.portal import CustomerPortal
from odoo.addons.portal.controllers.portal import pager as portal_pager

from ..models.aftersales_request_public import MAX_TYPED_SUBJECT
from ..models.aftersales_request_stage import OPEN_STATES
from ..texts import without_nul

MAX_FILES = 10
MAX_FILE_SIZE = 10 * 1024 * 1024
#: requests one visitor may raise in an hour
MAX_REQUESTS = 20
#: requests shown on the page of a product; the others are a click away
SHOWN_REQUESTS = 20
#: what the visitor has just done, in the session until it is shown
DONE = 'aftersales_request_done'
#: what a form is known by when it arrives a second time
FORM_KEY = re.compile(r'[\w-]{16,64}')


class AftersalesPortal(CustomerPortal):
    """The customer's own pages: what he owns, what he asked for, and a form to ask for more.

    Lists and choices are read in the rights of the visitor, and of his commercial entity only.
    Elevated rights come after the check of the single record, never before it.
    """

    # ------------------------------------------------------------
    # Portal home
    # ------------------------------------------------------------

    def _prepare_home_portal_values(self, counters):
        values = super()._prepare_home_portal_values(counters)
        for counter, model in (
            ('aftersales_unit_count', 'aftersales.unit'),
            ('aftersales_request_count', 'aftersales.request'),
        ):
            if counter in counters:
                Model = request.env[model]
                readable = Model.has_access('read')
                values[counter] = (
                    Model.search_count(self._get_aftersales_own_domain(), limit=1)
                    if readable
                    else 0
                )
        return values

    def _prepare_portal_layout_values(self):
        """Say the language of the page: without a website nobody else does."""
        return {**self._get_page_language(), **super()._prepare_portal_layout_values()}

    def _get_page_language(self) -> dict:
        return {'html_data': {'lang': (request.env.lang or 'en_US').replace('_', '-')}}

    def _get_aftersales_own_domain(self) -> Domain:
        """Return the domain of what the visitor sees as his or his company's."""
        return request.env.user.partner_id._get_aftersales_portal_domain()

    # ------------------------------------------------------------
    # My equipment
    # ------------------------------------------------------------

    @http.route(
        ['/my/equipment', '/my/equipment/page/<int:page>'],
        type='http',
        auth='user',
        website=True,
        readonly=True,
    )
    def portal_my_equipment(self, page=1, sortby='delivered', search='', **kwargs):
        """Show the list of the visitor's products."""
        Unit = request.env['aftersales.unit']
        domain = self._get_aftersales_own_domain() & Domain('state', '!=', 'retired')
        sortings = self._get_equipment_sortings()
        sortby = sortby if sortby in sortings else 'delivered'
        search = self._clean(search)
        if search:
            domain &= self._get_equipment_search_domain(search)
        pager = portal_pager(
            url='/my/equipment',
            url_args={'sortby': sortby, 'search': search},
            total=Unit.search_count(domain),
            page=page,
            step=self._items_per_page,
        )
        units = Unit.search(
            domain,
            order=sortings[sortby]['order'],
            limit=self._items_per_page,
            offset=pager['offset'],
        )
        request.session['my_equipment_history'] = units.ids
        values = self._prepare_portal_layout_values()
        values.update(
            units=units.sudo(),
            page_name='aftersales_equipment',
            pager=pager,
            default_url='/my/equipment',
            searchbar_sortings=sortings,
            sortby=sortby,
            **self._get_searchbar_values(search),
        )
        return request.render('crm_aftersales.portal_my_equipment', values)

    def _get_equipment_search_domain(self, search: str) -> Domain:
        """Return the domain of the products that what was typed may mean."""
        return Domain.OR(Domain(name, 'ilike', search) for name in ('name', 'ref', 'identifier'))

    def _get_searchbar_values(self, search: str) -> dict:
        """Return what core's search bar needs to search in one way."""
        return {
            'searchbar_inputs': {'all': {'input': 'all', 'label': request.env._("Search")}},
            'search_in': 'all',
            'search': search,
        }

    def _get_equipment_sortings(self) -> dict:
        """Return the orders a visitor can choose for his products."""
        env = request.env
        return {
            'delivered': {
                'label': env._("Newest"),
                'order': 'date_delivered desc nulls last, id desc',
            },
            'name': {'label': env._("Name"), 'order': 'name, id'},
            'warranty': {'label': env._("Warranty End"), 'order': 'warranty_end, id'},
        }

    @http.route('/my/equipment/<int:unit_id>', type='http', auth='public', website=True)
    def portal_my_equipment_page(self, unit_id, access_token=None, **kwargs):
        """Show one product: to its owner, or to whom the owner gave the link."""
        unit_sudo = self._get_document('aftersales.unit', unit_id, access_token)
        if not unit_sudo:
            return request.redirect('/my')
        values = self._get_page_view_values(
            unit_sudo,
            access_token,
            self._prepare_equipment_page_values(unit_sudo, access_token),
            'my_equipment_history',
            False,
            **kwargs,
        )
        return request.render('crm_aftersales.portal_equipment_page', values)

    def _prepare_equipment_page_values(self, unit_sudo, access_token: str | None) -> dict:
        """Return what the page of a product shows.

        By link one sees the product; the history is for the owner who is logged in.
        """
        is_owner = self._is_own(unit_sudo)
        partner = request.env.user.partner_id
        requests = self._get_equipment_requests(unit_sudo)
        all_requests = urlencode({'filterby': 'all', 'search': unit_sudo.ref})
        return {
            **self._get_page_language(),
            'unit': unit_sudo,
            'page_name': 'aftersales_equipment',
            'requests': requests[:SHOWN_REQUESTS],
            'all_requests_url': len(requests) > SHOWN_REQUESTS and f'/my/requests?{all_requests}',
            'is_owner': is_owner,
            'documents': unit_sudo._get_portal_documents('owner' if is_owner else 'link'),
            'events': unit_sudo._get_portal_events(partner) if is_owner else [],
            'link_token': '' if is_owner else access_token,
            'done': request.session.pop(DONE, None),
        }

    @http.route(
        '/my/equipment/<int:unit_id>/documents/<int:attachment_id>',
        type='http',
        auth='public',
        methods=['GET'],
        website=True,
        readonly=True,
    )
    def portal_equipment_document(self, unit_id, attachment_id, access_token=None, **kwargs):
        """Send a document of a product: to its owner, or to whom the owner gave the link."""
        unit_sudo = self._get_document('aftersales.unit', unit_id, access_token)
        if not unit_sudo:
            return request.redirect('/my')
        audience = 'owner' if self._is_own(unit_sudo) else 'link'
        documents = unit_sudo._get_portal_documents(audience)
        return self._send_document(documents, attachment_id) or request.redirect('/my')

    def _send_document(self, documents, attachment_id: int):
        """Return the answer with one of some documents, or None when it is not among them.

        As a file to save: a page among them would run in the name of the visitor.
        """
        document = documents.filtered(lambda document: document.id == attachment_id)
        if not document:
            return None
        if document.type == 'url':
            return request.redirect(document.url, local=False)
        stream = request.env['ir.binary']._get_stream_from(document)
        return stream.get_response(as_attachment=True)

    def _get_equipment_requests(self, unit_sudo):
        """Return the visitor's requests about a product, in elevated rights.

        The newest; one more than are shown tells that there are others.
        """
        if not self._is_own(unit_sudo):
            return request.env['aftersales.request'].sudo()
        Request = request.env['aftersales.request']
        domain = self._get_aftersales_own_domain() & Domain('unit_id', '=', unit_sudo.id)
        domain &= Request._get_counted_domain()
        return Request.search(
            domain, order='date_received desc, id desc', limit=SHOWN_REQUESTS + 1
        ).sudo()

    def _is_own(self, record_sudo) -> bool:
        """Whether a visitor who is logged in sees a record as his or his company's."""
        return not request.env.user._is_public() and bool(
            record_sudo.filtered_domain(self._get_aftersales_own_domain())
        )

    def _get_document(self, model: str, document_id: int, access_token: str | None):
        """Return a record the visitor may see, in elevated rights; empty where there is none.

        Whatever is wrong (no such record, of somebody else, a false link) looks the same.
        """
        token = str(access_token or '')
        try:
            return self._document_check_access(model, document_id, token.isascii() and token)
        except (AccessError, MissingError):
            return request.env[model].sudo()

    # ------------------------------------------------------------
    # My requests
    # ------------------------------------------------------------

    @http.route(
        ['/my/requests', '/my/requests/page/<int:page>'],
        type='http',
        auth='user',
        website=True,
        readonly=True,
    )
    def portal_my_requests(self, page=1, filterby='open', sortby='newest', search='', **kwargs):
        """Show the list of the visitor's requests."""
        Request = request.env['aftersales.request']
        filters, sortings = self._get_request_filters(), self._get_request_sortings()
        filterby = filterby if filterby in filters else 'open'
        sortby = sortby if sortby in sortings else 'newest'
        domain = self._get_aftersales_own_domain() & filters[filterby]['domain']
        domain &= Request._get_counted_domain()
        search = self._clean(search)
        if search:
            domain &= self._get_request_search_domain(search)
        pager = portal_pager(
            url='/my/requests',
            url_args={'filterby': filterby, 'sortby': sortby, 'search': search},
            total=Request.search_count(domain),
            page=page,
            step=self._items_per_page,
        )
        requests = Request.search(
            domain,
            order=sortings[sortby]['order'],
            limit=self._items_per_page,
            offset=pager['offset'],
        )
        request.session['my_requests_history'] = requests.ids
        values = self._prepare_portal_layout_values()
        values.update(
            requests=requests.sudo(),
            page_name='aftersales_requests',
            pager=pager,
            default_url='/my/requests',
            searchbar_filters=filters,
            filterby=filterby,
            searchbar_sortings=sortings,
            sortby=sortby,
            **self._get_searchbar_values(search),
        )
        return request.render('crm_aftersales.portal_my_requests', values)

    def _get_request_search_domain(self, search: str) -> Domain:
        """Return the domain of the requests that what was typed may mean."""
        return Domain.OR(
            [
                Domain('number', 'ilike', search),
                Domain('name', 'ilike', search),
                Domain('unit_id', 'any', self._get_equipment_search_domain(search)),
            ]
        )

    def _get_request_filters(self) -> dict:
        """Return the filters a visitor can choose for his requests."""
        env = request.env
        still_open = Domain('state', 'in', OPEN_STATES)
        return {
            'open': {'label': env._("Open"), 'domain': still_open},
            'ended': {'label': env._("Resolved and Closed"), 'domain': ~still_open},
            'all': {'label': env._("All"), 'domain': Domain.TRUE},
        }

    def _get_request_sortings(self) -> dict:
        """Return the orders a visitor can choose for his requests."""
        env = request.env
        return {
            'newest': {'label': env._("Newest"), 'order': 'date_received desc, id desc'},
            'oldest': {'label': env._("Oldest"), 'order': 'date_received, id'},
            'number': {'label': env._("Number"), 'order': 'number, id'},
            'subject': {'label': env._("Subject"), 'order': 'name, id'},
        }

    @http.route('/my/requests/<int:request_id>', type='http', auth='public', website=True)
    def portal_my_request_page(self, request_id, access_token=None, **kwargs):
        """Show one request with its conversation."""
        request_sudo = self._get_document('aftersales.request', request_id, access_token)
        if not request_sudo:
            return request.redirect('/my')
        if request_sudo.merged_into_id:
            return self._redirect_to_survivor(request_sudo, access_token)
        # The conversation answers through the token: it has to be there before the page is.
        request_sudo._portal_ensure_token()
        values = self._get_page_view_values(
            request_sudo,
            access_token,
            self._prepare_request_page_values(request_sudo, access_token),
            'my_requests_history',
            False,
            **kwargs,
        )
        return request.render('crm_aftersales.portal_request_page', values)

    def _redirect_to_survivor(self, request_sudo, access_token):
        """Lead who opens a merged request to the one in which it goes on.

        Who came by a link of his own gets there by one, everybody else by his rights: contacts of
        one customer need not see each other's requests, and a false token opens nothing.
        """
        survivor_sudo = request_sudo.merged_into_id
        by_link = self._is_link_of(request_sudo, access_token)
        if by_link and request_sudo._is_of_same_person(survivor_sudo):
            return request.redirect(survivor_sudo.get_portal_url())
        return request.redirect(survivor_sudo.access_url)

    def _is_link_of(self, document_sudo, access_token: str | None) -> bool:
        """Whether a token is the one of a document; rights may have opened it without."""
        token = str(access_token or '')
        return bool(
            token.isascii()
            and document_sudo.access_token
            and consteq(document_sudo.access_token, token)
        )

    def _prepare_request_page_values(self, request_sudo, access_token: str | None) -> dict:
        """Return what the page of a request shows, and what its visitor may do there."""
        acts = self._may_act(request_sudo, access_token)
        return {
            **self._get_page_language(),
            'service_request': request_sudo,
            'page_name': 'aftersales_requests',
            'steps': request_sudo._get_portal_steps(),
            'quotations': request_sudo._get_portal_quotations() if acts else [],
            'orders': request_sudo._get_portal_orders() if acts else [],
            'invoices': request_sudo._get_portal_invoices() if acts else [],
            'can_cancel': acts and request_sudo._can_be_cancelled_by_customer(),
            'can_reopen': acts and request_sudo._is_reopenable_by_customer(),
            'can_rate': acts and request_sudo._can_be_rated_by_customer(),
            'link_token': '' if self._is_own(request_sudo) else access_token,
            'done': request.session.pop(DONE, None),
        }

    def _may_act(self, request_sudo, access_token: str | None) -> bool:
        """Whether the visitor acts as the customer: logged in as him, or by the link he was sent.

        Staff looks at the page with rights of its own and decides in the application.
        """
        if request.env.user._is_internal():
            return self._is_own(request_sudo)
        return self._is_own(request_sudo) or bool(access_token)

    # ------------------------------------------------------------
    # New request
    # ------------------------------------------------------------

    @http.route(
        '/my/requests/new', type='http', auth='user', methods=['GET'], website=True, readonly=True
    )
    def portal_new_request(self, unit_id=None, type_id=None, **kwargs):
        """Show the form for a new request."""
        return self._render_request_form({'unit_id': unit_id, 'type_id': type_id})

    @http.route('/my/requests/new', type='http', auth='user', methods=['POST'], website=True)
    def portal_create_request(self, **post):
        """Raise the request, or show the form again with what is wrong.

        A form that arrives twice (a double click, a page sent again) leads to the one request.
        """
        key = self._get_submission_key(post)
        request_sudo = self._find_submitted(key)
        try:
            if not request_sudo:
                values = self._read_request_form(post)
                self._ensure_not_too_many()
                attachments = self._read_request_files()
                with request.env.cr.savepoint():
                    request_sudo = request.env['aftersales.request']._raise_from_portal(
                        request.env.user.partner_id,
                        {**values, 'submission_key': key},
                        attachments,
                    )
        except UserError as error:
            return self._render_request_form(post, error=str(error))
        except psycopg2.errors.UniqueViolation as error:
            if '_submission_unique' not in str(error):
                raise
            # the same form, at the same moment: this transaction cannot see the other's request
            return request.redirect('/my/requests')
        return request.redirect(f'/my/requests/{request_sudo.id}')

    def _get_submission_key(self, post: dict) -> str | bool:
        """Return who sent which form, or False when the form says nothing of itself."""
        form_key = str(post.get('form_key') or '')
        if not FORM_KEY.fullmatch(form_key):
            return False
        return f'{request.env.user.partner_id.id}:{form_key}'

    def _find_submitted(self, key: str | bool):
        """Return the request that came of a form, in elevated rights."""
        Request = request.env['aftersales.request'].sudo()
        return Request.search([('submission_key', '=', key)], limit=1) if key else Request

    def _ensure_not_too_many(self) -> None:
        env = request.env
        key = str(env.user.partner_id.commercial_partner_id.id)
        if not env['crm.rate.limit']._hit('aftersales.request', key, MAX_REQUESTS, 3600):
            raise UserError(
                env._(
                    "You have sent many requests lately. Please try again in an hour, or call us."
                )
            )

    def _render_request_form(self, form: dict, error: str = ''):
        """Render the form for a new request.

        :param form: what the visitor entered so far
        :param error: what is wrong with it
        """
        values = {
            **self._prepare_portal_layout_values(),
            **self._prepare_request_form_values(form),
            'error': error,
        }
        response = request.render('crm_aftersales.portal_request_form', values)
        if error:
            response.status_code = 422
        return response

    def _prepare_request_form_values(self, form: dict) -> dict:
        """Return what the form for a new request offers and what was entered so far."""
        return {
            'page_name': 'aftersales_requests',
            'is_new_request': True,
            'units': self._get_request_units().sudo(),
            'types': self._get_request_types(),
            'form': {
                **form,
                'form_key': form.get('form_key') or secrets.token_urlsafe(24),
                'unit_id': self._to_id(form, 'unit_id'),
                'type_id': self._to_id(form, 'type_id'),
            },
        }

    def _get_request_units(self):
        """Return the products a visitor can choose: his own, read in his rights."""
        domain = self._get_aftersales_own_domain() & Domain('state', 'not in', ('draft', 'retired'))
        return request.env['aftersales.unit'].search(domain, limit=200)

    def _get_request_types(self):
        """Return the types a visitor can choose, in elevated rights: portal users read no setup."""
        return (
            request.env['aftersales.request.type']
            .sudo()
            .search(
                Domain('portal_visible', '=', True)
                & Domain('company_id', 'in', [False, request.env.company.id])
            )
        )

    def _read_request_form(self, post: dict) -> dict:
        """Return the values of a request from what was posted.

        :raise UserError: with a message for the visitor
        """
        env = request.env
        name = self._clean(post.get('name'))[:MAX_TYPED_SUBJECT]
        text = self._clean(post.get('description'))
        if not name or not text:
            raise UserError(env._("Please tell us in a subject and a few words what it is about."))
        unit = self._get_request_units().filtered_domain(
            [('id', '=', self._to_id(post, 'unit_id'))]
        )
        if post.get('unit_id') and not unit:
            raise UserError(env._("Please choose one of your own products."))
        request_type = self._get_request_types().filtered_domain(
            [('id', '=', self._to_id(post, 'type_id'))]
        )
        if not request_type:
            raise UserError(env._("Please choose what your request is about."))
        companies = unit.sudo().company_id | request_type.company_id
        if len(companies) > 1:
            raise UserError(
                env._(
                    "Requests of this kind are not possible for that product."
                    " Please choose another."
                )
            )
        return {
            'name': name,
            'description': plaintext2html(text),
            'unit_id': unit.id,
            'type_id': request_type.id,
            **({'company_id': unit.sudo().company_id.id} if unit else {}),
        }

    def _read_request_files(self) -> list[tuple[str, bytes]]:
        """Return name and content of the files that were posted.

        :raise UserError: with a message for the visitor
        """
        env = request.env
        files = [file for file in request.httprequest.files.getlist('attachments') if file.filename]
        if len(files) > MAX_FILES:
            raise UserError(env._("Please send no more than %s files.", MAX_FILES))
        contents = [(file.filename, file.read(MAX_FILE_SIZE + 1)) for file in files]
        if any(len(content) > MAX_FILE_SIZE for _name, content in contents):
            raise UserError(env._("A file can have %s MB at most.", MAX_FILE_SIZE // (1024 * 1024)))
        return contents

    @staticmethod
    def _clean(text: str | None) -> str:
        """Return a text as the database takes it: without the one character it refuses."""
        return without_nul(text or '').strip()

    def _to_id(self, form: dict, name: str) -> int:
        """Return a record id from a form; nonsense is no record."""
        value = str(form.get(name) or '')
        return int(value) if value.isdecimal() and len(value) < 10 else 0
