"""Each page: wrong id, wrong token, another customer's token, GET instead of POST, no CSRF."""

import re

from odoo import http
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import AftersalesCommon

#: what each page is: ``list`` and ``form`` of the visitor himself, ``unit`` and ``request`` by id
#: and token, ``qr`` by the code of a product, ``public`` for everybody, ``signed`` by a link,
#: ``article`` what staff gave to all customers
ROUTES = {
    'GET /my/equipment': 'list',
    'GET /my/equipment/page/<int:page>': 'list',
    'GET /my/equipment/<int:unit_id>': 'unit',
    'GET /my/equipment/<int:unit_id>/documents/<int:attachment_id>': 'unit',
    'GET /my/equipment/<int:unit_id>/warranty': 'unit',
    'POST /my/equipment/<int:unit_id>/meter': 'unit',
    'GET /my/requests': 'list',
    'GET /my/requests/page/<int:page>': 'list',
    'GET /my/requests/<int:request_id>': 'request',
    'GET /my/requests/new': 'list',
    'POST /my/requests/new': 'form',
    'POST /my/requests/<int:request_id>/cancel': 'request',
    'POST /my/requests/<int:request_id>/reopen': 'request',
    'POST /my/requests/<int:request_id>/rate': 'request',
    'GET /aftersales/request': 'public',
    'POST /aftersales/request': 'public',
    'GET /aftersales/request/sent': 'public',
    'GET /s/<string:token>': 'qr',
    'GET /s/<string:token>/documents/<int:attachment_id>': 'qr',
    'GET /s/<string:token>/report': 'qr',
    'POST /s/<string:token>/report': 'qr',
    'GET /my/help': 'list',
    'POST /my/help/<int:article_id>/vote': 'article',
    'GET /aftersales/feedback/<string:token>': 'signed',
    'POST /aftersales/feedback/<string:token>': 'signed',
}
SECRETS = ("Secret pump", "Secret of the stranger", "Secret file", "Secret article")


@tagged('post_install', '-at_install')
class TestRoutes(AftersalesCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request_own = cls._create_request(name="My own")
        cls.request_stranger = cls._create_request(
            name="Secret of the stranger", partner_id=cls.stranger.id, unit_id=cls.unit_stranger.id
        )
        cls.unit_stranger.name = "Secret pump"
        cls.document = cls.env['ir.attachment'].create(
            {'name': "Secret file", 'raw': b'Secret file'}
        )
        cls.unit_stranger.customer_document_ids = cls.document
        cls.article = cls.env['aftersales.article'].create({'name': "Secret article"})
        cls.env['crm.rate.limit'].search([]).unlink()

    def _get_routes(self):
        """Return the routes of the addon's controllers, each with the methods it takes."""
        found = {}
        for rule in self.env['ir.http']._generate_routing_rules(
            ['crm_aftersales', 'portal', 'crm_customer'], converters={}
        ):
            url, endpoint = rule
            if endpoint.func.__module__.startswith('odoo.addons.crm_aftersales.'):
                for method in endpoint.routing.get('methods') or ('GET',):
                    found[f'{method} {url}'] = endpoint
        return found

    def _get_urls(self, kind):
        return [route.split(' ') for route, of_kind in ROUTES.items() if of_kind == kind]

    def _fill(self, url, record_id=0, token='x'):
        url = re.sub(r'<int:(unit|request)_id>', str(record_id), url)
        url = url.replace('<int:attachment_id>', str(self.document.id))
        url = url.replace('<int:article_id>', str(self.article.id))
        return url.replace('<string:token>', token).replace('<int:page>', '1')

    def _open(self, method, url, csrf=True, **values):
        if method == 'GET':
            return self.url_open(url, params=values)
        token = http.Request.csrf_token(self) if csrf else ''
        return self.url_open(url, data={'csrf_token': token, **values})

    def _assert_nothing(self, response, *context):
        for secret in SECRETS:
            self.assertNotIn(secret, response.text, context)
        path = response.url.split('?')[0]
        is_away = path.endswith(('/my', '/web/login')) or response.status_code in (404, 429)
        self.assertTrue(is_away, (response.url, response.status_code, *context))

    def _get_state(self):
        self.env.invalidate_all()
        stranger = self.request_stranger
        return (
            stranger.state,
            stranger.rating_ids.ids,
            len(stranger.message_ids),
            self.unit_stranger.meter_reading_ids.ids,
            self.env['aftersales.request'].search_count([]),
        )

    # ------------------------------------------------------------

    def test_every_route_is_listed(self):
        """A page nobody has listed here was tried by nobody."""
        self.assertEqual(set(self._get_routes()), set(ROUTES))

    def test_what_changes_something_is_posted_with_a_token(self):
        for route, endpoint in self._get_routes().items():
            routing = endpoint.routing
            self.assertIsNot(routing.get('csrf'), False, route)
            self.assertIn(routing['auth'], ('user', 'public'), route)
            self.assertLessEqual(len(routing.get('methods') or ['GET']), 1, route)

    @mute_logger('odoo.http')
    def test_records_of_others(self):
        """Wrong id, no token, a wrong one, and that of another customer, by login and without."""
        before = self._get_state()
        for login in ('aftersales_customer', None):
            self.authenticate(login, login)
            for kind, own, stranger in (
                ('unit', self.unit, self.unit_stranger),
                ('request', self.request_own, self.request_stranger),
            ):
                token = own._portal_ensure_token()
                for method, route in self._get_urls(kind):
                    for record_id in (stranger.id, 999999999):
                        url = self._fill(route, record_id)
                        for given in (None, '', 'wrong', token, '§', 'x' * 5000):
                            values = {} if given is None else {'access_token': given}
                            response = self._open(method, url, rate=5, value=5, **values)
                            self._assert_nothing(response, login, url, given)
        self.assertEqual(self._get_state(), before)

    @mute_logger('odoo.http')
    def test_merged_request_of_others(self):
        """What was merged opens nothing more than before, by whichever token of whoever."""
        source = self._create_request(
            name="Secret of the stranger", partner_id=self.stranger.id, unit_id=False
        )
        source._merge_into(self.request_stranger)
        token = self.request_own._portal_ensure_token()
        before = self._get_state()
        for login in ('aftersales_customer', None):
            self.authenticate(login, login)
            for method, route in self._get_urls('request'):
                for given in ('', 'x', token):
                    url = self._fill(route, source.id)
                    response = self._open(method, url, rate=5, access_token=given)
                    self._assert_nothing(response, login, route, given)
        self.assertEqual(self._get_state(), before)

    @mute_logger('odoo.http')
    def test_post_only_with_csrf_and_never_by_get(self):
        self.authenticate('aftersales_customer', 'aftersales_customer')
        own = {'unit': self.unit.id, 'request': self.request_own.id}
        token = self.unit._get_qr_url().rpartition('/')[2]
        before = self._get_state()
        both = {route.split(' ')[1] for route in ROUTES if route.startswith('GET')}
        for route, kind in ROUTES.items():
            method, url = route.split(' ')
            if method == 'POST':
                path = self._fill(url, own.get(kind), token)
                self.assertEqual(self._open('POST', path, csrf=False).status_code, 400, route)
                if url not in both:
                    self.assertEqual(self.url_open(path).status_code, 405, route)
        self.assertEqual(self._get_state(), before)
        self.assertEqual(self.request_own.state, 'new')

    def test_pages_of_one_self_need_a_login(self):
        self.authenticate(None, None)
        for method, url in self._get_urls('list') + self._get_urls('form'):
            response = self._open(method, self._fill(url))
            self.assertIn('/web/login', response.url, url)

    def test_codes_of_nobody(self):
        self.authenticate(None, None)
        token = self.unit_stranger._portal_ensure_token()
        before = self._get_state()
        for method, route in self._get_urls('qr') + self._get_urls('signed'):
            for given in ('x', token, str(self.unit_stranger.id), '%C2%A7'):
                response = self._open(method, self._fill(route, token=given))
                self.assertEqual(response.status_code, 404, (route, given))
                self._assert_nothing(response, route)
        self.assertEqual(self._get_state(), before)

    def test_articles_that_are_not_out(self):
        self.authenticate('aftersales_customer', 'aftersales_customer')
        self.assertNotIn("Secret article", self.url_open('/my/help?words=Secret').text)
        for method, route in self._get_urls('article'):
            response = self._open(method, self._fill(route), helpful='1')
            self.assertNotIn("Secret article", response.text)
        votes = self.env['aftersales.article.vote'].search([('article_id', '=', self.article.id)])
        self.assertFalse(votes)

    def test_documents_of_others(self):
        """A file is found by its number alone nowhere."""
        self.authenticate(None, None)
        code = self.unit._get_qr_url().rpartition('/')[2]
        self._assert_nothing(self._open('GET', f'/s/{code}/documents/{self.document.id}'))
        self.authenticate('aftersales_customer', 'aftersales_customer')
        self._assert_nothing(
            self._open('GET', f'/my/equipment/{self.unit.id}/documents/{self.document.id}')
        )
