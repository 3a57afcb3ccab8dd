import base64
import json
import xmlrpc.client
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import AccessError, ConcurrencyError, UserError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestApi(AftersalesCommon, HttpCase):
    """Requests raised by other systems."""

    def setUp(self):
        super().setUp()
        self.Request = self.env['aftersales.request'].with_user(self.user_service)
        self.values = {
            'text': "The pump makes a noise",
            'type': 'fault',
            'serial': 'p-1',
            'customer': {'name': "Wang", 'email': 'WANG@sunrise.example.com'},
        }

    def _call(self, key='K-1', **values):
        return self.Request.create_from_api({**self.values, **values}, key)

    def test_raise(self):
        answer = self._call()
        request = self.env['aftersales.request'].browse(answer['id'])
        self.assertEqual(
            answer,
            {
                'key': 'K-1',
                'id': request.id,
                'number': request.number,
                'state': 'new',
                'partner_id': self.customer.id,
                'unit_id': self.unit.id,
                'created': True,
            },
        )
        self.assertRecordValues(
            request,
            [
                {
                    'name': "The pump makes a noise",
                    'channel': 'api',
                    'type_id': self.type_fault.id,
                    'team_id': self.team.id,
                    'user_id': False,
                }
            ],
        )
        self.assertIn(self.customer, request.message_partner_ids)

    def test_same_key_same_answer(self):
        first = self._call()
        self.assertEqual(self._call(), {**first, 'created': False})
        self.env['aftersales.request'].browse(first['id']).action_close()
        self.assertEqual(self._call(), {**first, 'created': False})
        self.assertNotEqual(self._call(key='K-2')['id'], first['id'])

    def test_same_key_other_content(self):
        self._call()
        with self.assertRaisesRegex(UserError, "K-1 was used for something else"):
            self._call(text="Something else")
        for key in ('', '  ', None, 7):
            with self.assertRaisesRegex(UserError, "key is needed"):
                self._call(key=key)

    def test_same_key_at_the_same_moment(self):
        self._call()
        calls = self.registry['aftersales.api.call']
        nothing = self.env['aftersales.api.call']
        with (
            patch.object(calls, '_find', lambda self, key: nothing),
            self.assertRaises(ConcurrencyError),
        ):
            self._call()

    def test_each_company_has_keys_of_its_own(self):
        self.env['aftersales.team'].create({'name': "Two", 'company_id': self.company_2.id})
        self.user_service.company_ids += self.company_2
        first = self._call()
        second = self._call(company_id=self.company_2.id, serial=None)
        self.assertNotEqual(first['id'], second['id'])
        request = self.env['aftersales.request'].browse(second['id'])
        self.assertEqual(request.company_id, self.company_2)
        self.user_service.company_ids -= self.company_2
        with self.assertRaisesRegex(ValidationError, "no company of yours"):
            self._call(company_id=self.company_2.id)

    def test_all_that_is_wrong_is_named(self):
        with self.assertRaises(ValidationError) as caught:
            self._call(
                text=' ',
                type='nonsense',
                serial='NO-1',
                received_on='tomorrow',
                customer={'email': 'x', 'age': 7},
                colour='red',
                subject=7,
                files=[{'name': 'x', 'content': '***'}, 5],
            )
        message = str(caught.exception)
        for name in (
            'text:',
            'type: there is no type nonsense',
            'serial: NO-1',
            'received_on: tomorrow',
            'customer: there is no age',
            'x is no e-mail',
            'colour: there is no such',
            'subject: 7',
            'number 1',
            'number 2',
        ):
            self.assertIn(name, message)
        for values in (None, [], 'x'):
            with self.assertRaises(ValidationError):
                self.Request.create_from_api(values, 'K-9')
        self.assertFalse(self.env['aftersales.request'].search([('channel', '=', 'api')]))

    def test_unknown_sender_stays_an_address(self):
        customer = {'name': "Zhao", 'email': 'zhao@example.org', 'phone': '138 001'}
        answer = self._call(customer=customer, serial=None)
        request = self.env['aftersales.request'].browse(answer['id'])
        self.assertIn('138 001', request.description)
        self.assertFalse(request.partner_id)
        self.assertEqual(request.email_from, '"Zhao" <zhao@example.org>')

    def test_serial_number_of_several_products(self):
        other = self.env['product.product'].create({'name': "Lift", 'default_code': 'LIFT'})
        unit = self.unit.copy({'serial': 'P 1', 'product_id': other.id})
        with self.assertRaisesRegex(ValidationError, "several have it"):
            self._call()
        self.assertEqual(self._call(product='LIFT')['unit_id'], unit.id)

    def test_product_of_somebody_else(self):
        answer = self._call(serial=self.unit_stranger.serial)
        request = self.env['aftersales.request'].browse(answer['id'])
        self.assertTrue(request.not_owner_confirmed)

    def test_text_the_database_refuses(self):
        values = {
            'subject': "Lo\0ud",
            'text': "No\0ise",
            'customer': {'name': "M\0ei", 'email': 'mei\0@example.com'},
            'files': [{'name': 'a\0.txt', 'content': 'YQ=='}],
        }
        answer = self.Request.create_from_api(values, 'K\0-0')
        self.assertEqual(answer['key'], 'K-0')
        request = self.Request.browse(answer['id'])
        self.assertEqual(request.name, "Loud")
        self.assertIn("Noise", request.description)
        self.assertEqual(request.message_ids.attachment_ids.name, 'a.txt')

    def test_moment_and_files(self):
        content = base64.b64encode(b'photo').decode()
        yesterday = fields.Datetime.now() - timedelta(days=1)
        answer = self._call(
            received_on=yesterday.isoformat() + 'Z',
            files=[{'name': 'leak.png', 'content': content}],
        )
        request = self.env['aftersales.request'].browse(answer['id'])
        self.assertEqual(request.date_received, yesterday)
        self.assertEqual(request.message_ids.attachment_ids.raw, b'photo')
        with self.assertRaisesRegex(ValidationError, "received_on"):
            self._call(key='K-2', received_on='2099-01-01 00:00:00')

    @mute_logger('odoo.addons.base.models.ir_model', 'odoo.addons.base.models.ir_rule')
    def test_who_may_call(self):
        for user in (self.user_customer, self.env.ref('base.public_user')):
            with self.assertRaises(AccessError):
                self.Request.with_user(user).create_from_api(self.values, 'K-1')
        unit = self.unit.copy({'company_id': self.company_2.id, 'serial': 'P 5'})
        with self.assertRaises(ValidationError):
            self._call(unit_id=unit.id, serial=None)

    def test_long_texts(self):
        with self.assertRaises(ValidationError) as caught:
            self._call(text="x" * 10_001, subject="x" * 201)
        self.assertIn('text: at most 10000', str(caught.exception))
        self.assertIn('subject: at most 200', str(caught.exception))
        self._call(text="x" * 10_000, subject="x" * 200)

    def test_answer_for_xml_rpc(self):
        values = {'text': "Hello"}
        for created in (True, False):
            answer = self.Request.create_from_api(values, 'K-1')
            self.assertEqual(answer['created'], created)
            self.assertIn('<boolean>0</boolean>', xmlrpc.client.dumps((answer,)))

    def test_old_calls_are_forgotten(self):
        self._call()
        calls = self.env['aftersales.api.call'].search([])
        calls._gc_calls()
        self.assertTrue(calls.exists())
        self.env.cr.execute("UPDATE aftersales_api_call SET create_date = '2020-01-01'")
        calls._gc_calls()
        self.assertFalse(calls.exists())

    def test_json_2(self):
        key = (
            self.env['res.users.apikeys']
            .with_user(self.user_service)
            ._generate(None, "Shop", fields.Datetime.now() + timedelta(days=1))
        )

        def post(**content):
            response = self.url_open(
                '/json/2/aftersales.request/create_from_api',
                data=json.dumps(content),
                headers={'Authorization': f'bearer {key}', 'Content-Type': 'application/json'},
            )
            return response.status_code, response.json()

        status, first = post(values=self.values, key='K-7')
        self.assertEqual((status, first['created']), (200, True))
        self.assertEqual(post(values=self.values, key='K-7'), (200, {**first, 'created': False}))
        with mute_logger('odoo.http'):
            status, error = post(values={**self.values, 'text': "Else"}, key='K-7')
        self.assertEqual(status, 422)
        self.assertIn("used for something else", error['message'])
