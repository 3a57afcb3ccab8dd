from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import HttpCase, tagged

from ..client_call import JSON_2, WEB_CLIENT, ClientCall, get_client_call
from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestClientCall(CrmCustomerCommon, HttpCase):
    def setUp(self):
        super().setUp()
        self.calls = []

        def count(partners, *args, **kwargs):
            self.calls.append(get_client_call())
            return 0

        Partner = self.registry['res.partner']
        self.startPatcher(patch.object(Partner, 'search_count', count))

    def test_without_a_request(self):
        self.env['res.partner'].search_count([])
        self.assertEqual(self.calls, [None])

    def test_web_client(self):
        """What is called stands in the parameters; the address may say anything."""
        self.user_own.password = 'cc_own'
        self.authenticate('cc_own', 'cc_own')
        self.make_jsonrpc_request(
            '/web/dataset/call_kw/sale.order/action_confirm',
            {'model': 'res.partner', 'method': 'search_count', 'args': [[]], 'kwargs': {}},
        )
        self.assertEqual(self.calls, [ClientCall(WEB_CLIENT, 'res.partner', 'search_count')])

    def test_json_2(self):
        key = (
            self.env['res.users.apikeys']
            .with_user(self.user_own)
            ._generate('rpc', "Test", fields.Datetime.now() + timedelta(days=1))
        )
        response = self.url_open(
            '/json/2/res.partner/search_count',
            json={'domain': []},
            headers={'Authorization': f'Bearer {key}'},
        )
        self.assertEqual(response.status_code, 200, response.text)
        self.assertEqual(self.calls, [ClientCall(JSON_2, 'res.partner', 'search_count')])
