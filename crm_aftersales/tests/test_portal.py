import re
from unittest.mock import patch

from odoo import http
from odoo.exceptions import UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from ..controllers import portal
from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestPortal(AftersalesCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request_own = cls._create_request(name="My own pump")
        cls.request_stranger = cls._create_request(
            name="Secret of the stranger",
            partner_id=cls.stranger.id,
            unit_id=cls.unit_stranger.id,
        )
        cls.unit_stranger.name = "Secret pump"

    def _login(self):
        self.authenticate('aftersales_customer', 'aftersales_customer')

    def _raise(self, csrf=True, **values):
        data = {
            'name': "Noise at night",
            'description': "It wakes the guests.\nPlease come.",
            'type_id': self.type_fault.id,
            'unit_id': self.unit.id,
            **values,
        }
        if csrf:
            data['csrf_token'] = http.Request.csrf_token(self)
        files = data.pop('files', None)
        return self.url_open('/my/requests/new', data=data, files=files)

    def _raised(self):
        return self.env['aftersales.request'].search(
            [('channel', '=', 'portal'), ('name', '=', "Noise at night")]
        )

    # ------------------------------------------------------------
    # Pages
    # ------------------------------------------------------------

    def test_home(self):
        self._login()
        page = self.url_open('/my').text
        self.assertIn('/my/equipment', page)
        self.assertIn('/my/requests', page)

    def test_lists_show_only_what_is_own(self):
        self._login()
        for url in ('/my/requests?filterby=all', '/my/requests?search=pump', '/my/equipment'):
            page = self.url_open(url).text
            self.assertNotIn("Secret", page, url)
        self.assertIn("My own pump", self.url_open('/my/requests').text)
        self.assertIn('P 1', self.url_open('/my/equipment').text)

    def test_filters(self):
        self._login()
        self.request_own.action_close()
        self.assertNotIn("My own pump", self.url_open('/my/requests').text)
        self.assertIn("My own pump", self.url_open('/my/requests?filterby=ended').text)
        self.assertIn("My own pump", self.url_open('/my/requests?filterby=all').text)
        self.assertEqual(self.url_open('/my/requests?filterby=nonsense').status_code, 200)

    def test_pages_name_their_language_and_buttons(self):
        self._login()
        for url in (
            '/my/equipment',
            f'/my/equipment/{self.unit.id}',
            '/my/requests',
            f'/my/requests/{self.request_own.id}',
            '/my/requests/new',
        ):
            page = self.url_open(url).text
            self.assertRegex(page, r'<html[^>]* lang="en-US"', url)
            self.assertRegex(page, r'<h1[ >]', url)
        self.assertIn('aria-label="Search"', self.url_open('/my/requests').text)

    def test_own_pages(self):
        self._login()
        page = self.url_open(f'/my/requests/{self.request_own.id}').text
        self.assertIn("My own pump", page)
        self.assertIn('o_portal_chatter', page)
        page = self.url_open(f'/my/equipment/{self.unit.id}').text
        self.assertIn('P 1', page)
        self.assertIn(self.request_own.number, page)

    def test_previous_and_next(self):
        self._create_request(name="Second pump")
        self._login()
        url = f'/my/requests/{self.request_own.id}'
        self.assertNotIn('oi-chevron-right', self.url_open(url).text)
        self.url_open('/my/requests')
        self.assertIn('oi-chevron-right', self.url_open(url).text)
        self.unit.copy({'serial': 'P 3'})
        url = f'/my/equipment/{self.unit.id}'
        self.assertNotIn('oi-chevron-right', self.url_open(url).text)
        self.url_open('/my/equipment')
        self.assertIn('oi-chevron-right', self.url_open(url).text)

    def test_pages_of_others_lead_home(self):
        self._login()
        for url in (
            f'/my/requests/{self.request_stranger.id}',
            f'/my/requests/{self.request_stranger.id}?access_token=wrong',
            f'/my/requests/{self.request_stranger.id}'
            f'?access_token={self.request_own._portal_ensure_token()}',
            f'/my/equipment/{self.unit_stranger.id}',
            f'/my/equipment/{self.unit_stranger.id}?access_token=wrong',
            '/my/requests/999999999',
            '/my/equipment/999999999',
        ):
            response = self.url_open(url, allow_redirects=False)
            self.assertEqual(response.status_code, 303, url)
            self.assertTrue(response.headers['Location'].endswith('/my'), url)

    def test_visitor_without_login(self):
        self.authenticate(None, None)
        for url in ('/my/requests', '/my/equipment', '/my/requests/new'):
            response = self.url_open(url, allow_redirects=False)
            self.assertIn('/web/login', response.headers.get('Location', ''), url)
        response = self.url_open(f'/my/requests/{self.request_own.id}', allow_redirects=False)
        self.assertEqual(response.status_code, 303)
        page = self.url_open(self.request_own.get_portal_url()).text
        self.assertIn("My own pump", page)

    def test_link_to_a_product_shows_no_history(self):
        self.authenticate(None, None)
        page = self.url_open(self.unit.get_portal_url()).text
        self.assertIn('P 1', page)
        self.assertNotIn(self.request_own.number, page)
        self.assertNotIn(self.customer.name, page)

    def test_internal_notes_stay_inside(self):
        self.unit.note = "Dog bites"
        self.request_own.message_post(body="He is a difficult customer")
        self._login()
        for url in (f'/my/equipment/{self.unit.id}', f'/my/requests/{self.request_own.id}'):
            page = self.url_open(url).text
            self.assertNotIn("Dog bites", page)
            self.assertNotIn("difficult customer", page)

    # ------------------------------------------------------------
    # New request
    # ------------------------------------------------------------

    def test_form_offers_only_what_is_own(self):
        self._login()
        page = self.url_open(f'/my/requests/new?unit_id={self.unit.id}').text
        self.assertIn('P 1', page)
        self.assertNotIn("Secret pump", page)
        self.assertNotIn("Warranty Claim to Supplier", page)
        self.assertRegex(page, rf'value="{self.unit.id}"[^>]*selected')

    def test_not_without_end(self):
        self._login()
        self.patch(portal, 'MAX_REQUESTS', 2)
        self.assertEqual([self._raise().status_code for _try in range(3)], [200, 200, 422])
        self.assertEqual(len(self._raised()), 2)

    def test_raise_a_request(self):
        self._login()
        response = self._raise(files={'attachments': ('photo.txt', b'photo', 'text/plain')})
        request = self._raised()
        self.assertTrue(response.url.endswith(f'/my/requests/{request.id}'))
        self.assertRecordValues(
            request,
            [
                {
                    'partner_id': self.customer.id,
                    'unit_id': self.unit.id,
                    'type_id': self.type_fault.id,
                    'team_id': self.team.id,
                    'user_id': False,
                    'state': 'new',
                    'date_first_reply': False,
                }
            ],
        )
        self.assertIn("wakes the guests", request.description)
        self.assertIn(self.customer, request.message_partner_ids)
        files = request.message_ids.attachment_ids
        self.assertEqual(files.mapped('name'), ['photo.txt'])
        self.assertEqual(files.res_id, request.id)

    def test_the_same_form_twice(self):
        self._login()
        key = 'a-form-key-of-one-page'
        first = self._raise(form_key=key)
        second = self._raise(form_key=key)
        self.assertEqual(first.url, second.url, "both lead to the one request")
        self.assertEqual(len(self._raised()), 1)
        self._raise(form_key='a-form-key-of-another-page')
        self.assertEqual(len(self._raised()), 2)
        self._raise(form_key='short')
        self._raise()
        self.assertEqual(len(self._raised()), 4, "a form without a key makes a request each time")

    def test_the_same_form_at_the_same_moment(self):
        self._login()
        key = 'a-form-key-of-one-page'
        self._raise(form_key=key)
        with (
            patch.object(
                portal.AftersalesPortal,
                '_find_submitted',
                lambda self, key: portal.request.env['aftersales.request'].sudo(),
            ),
            mute_logger('odoo.sql_db'),
        ):
            response = self._raise(form_key=key)
        self.assertTrue(response.url.endswith('/my/requests'), response.url)
        self.assertEqual(len(self._raised()), 1)

    def test_each_form_has_a_key_and_keeps_it(self):
        self._login()
        pattern = r'name="form_key"[^>]*value="([\w-]+)"'
        keys = {
            re.search(pattern, self.url_open('/my/requests/new').text).group(1)
            for _time in range(2)
        }
        self.assertEqual(len(keys), 2)
        key = keys.pop()
        page = self._raise(form_key=key, name='').text
        self.assertEqual(re.search(pattern, page).group(1), key)

    def test_characters_the_database_refuses(self):
        self._login()
        self.assertEqual(self.url_open('/my/requests?search=%00').status_code, 200)
        self.assertIn("My own pump", self.url_open('/my/requests?search=pu%00mp').text)
        self._raise(name="Noise\0 at night", description="He\0llo")
        self.assertEqual(len(self._raised()), 1)

    def test_text_is_not_trusted(self):
        self._login()
        self._raise(description="<script>alert(1)</script> hello")
        self.assertNotIn('<script', self._raised().description)

    @mute_logger('odoo.http')
    def test_post_without_csrf_is_refused(self):
        self._login()
        response = self._raise(csrf=False)
        self.assertEqual(response.status_code, 400)
        self.assertFalse(self._raised())

    def test_product_of_others_is_refused(self):
        self._login()
        response = self._raise(unit_id=self.unit_stranger.id)
        self.assertEqual(response.status_code, 422)
        self.assertIn("one of your own products", response.text)
        self.assertIn("Noise at night", response.text, "what was typed is not lost")
        self.assertFalse(self._raised())

    def test_kind_of_another_company_is_refused(self):
        self.user_customer.company_ids += self.company_2
        unit = self.unit.copy({'company_id': self.company_2.id})
        self.type_fault.company_id = self.company
        self._login()
        # with both companies chosen he sees the product
        self.opener.cookies.set('cids', f'{self.company.id}-{self.company_2.id}')
        response = self._raise(unit_id=unit.id)
        self.assertEqual(response.status_code, 422)
        self.assertIn("not possible for that product", response.text)
        self.assertFalse(self._raised())

    def test_refusal_of_the_server_is_shown(self):
        message = "Not today"

        def refuse(Request, *args):
            Request.sudo().create({'name': "Noise at night", 'channel': 'portal'})
            raise UserError(message)

        self._login()
        with patch.object(self.registry['aftersales.request'], '_raise_from_portal', refuse):
            response = self._raise()
        self.assertEqual(response.status_code, 422)
        self.assertIn("Not today", response.text)
        self.assertFalse(self._raised(), "nothing half done is left")

    def test_nonsense_is_refused(self):
        self._login()
        hidden = self.env.ref('crm_aftersales.aftersales_request_type_claim')
        for values in (
            {'unit_id': 'abc'},
            {'type_id': ''},
            {'type_id': hidden.id},
            {'type_id': '9' * 40},
            {'name': ' '},
            {'description': ''},
        ):
            with self.subTest(values=values):
                self.assertEqual(self._raise(**values).status_code, 422)
        self.assertFalse(self._raised())

    def test_too_many_files_are_refused(self):
        self._login()
        files = [('attachments', (f'{n}.txt', b'x', 'text/plain')) for n in range(11)]
        self.assertEqual(self._raise(files=files).status_code, 422)
        self.assertFalse(self._raised())

    # ------------------------------------------------------------
    # Conversation
    # ------------------------------------------------------------

    def _post_message(self, request, **params):
        return self.make_jsonrpc_request(
            '/mail/message/post',
            {
                'thread_model': 'aftersales.request',
                'thread_id': request.id,
                'post_data': {
                    'body': "Still noisy",
                    'message_type': 'comment',
                    'subtype_xmlid': 'mail.mt_comment',
                },
                **params,
            },
        )

    def test_message_of_the_customer_reopens(self):
        self.request_own.action_close()
        self._login()
        self._post_message(self.request_own)
        self.assertEqual(self.request_own.state, 'open')
        self.assertEqual(self.request_own.message_ids[0].author_id, self.customer)

    @mute_logger('odoo.http')
    def test_message_to_others_is_refused(self):
        self._login()
        before = len(self.request_stranger.message_ids)
        for params in ({}, {'token': 'wrong'}, {'token': self.request_own._portal_ensure_token()}):
            with self.assertRaises(Exception):  # noqa: B017 (the client raises what the server said)
                self._post_message(self.request_stranger, **params)
        self.assertEqual(len(self.request_stranger.message_ids), before)

    # ------------------------------------------------------------
    # Rating
    # ------------------------------------------------------------

    def test_rating_page(self):
        self.request_own.user_id = self.user_service
        self.request_own.action_close()
        planned = self.env['crm.message'].search(
            [('origin_model', '=', 'aftersales.request'), ('origin_id', '=', self.request_own.id)]
        )
        planned._enqueue()
        mail = self.env['mail.mail'].browse(planned.mail_mail_id_int)
        token = re.search(r'/rate/([^/]+)/5', mail.body_html).group(1)
        self.authenticate(None, None)
        self.assertEqual(self.url_open(f'/rate/{token}/5').status_code, 200)
        self.url_open(
            f'/rate/{token}/submit_feedback',
            data={
                'rate': 5,
                'feedback': "Fine",
                'csrf_token': http.Request.csrf_token(self),
            },
        )
        self.assertEqual(self.request_own.rating_avg, 5)
        self.assertEqual(self.request_own.state, 'closed')
