import json
import xmlrpc.client
from datetime import timedelta
from unittest.mock import patch

from odoo import Command, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.http import Request, request
from odoo.tests import HttpCase, Like, new_test_user, tagged
from odoo.tools import mute_logger

from .common import CrmCustomerCommon

SECRET = "takes insulin at eight"


class CustomerNoteCommon(CrmCustomerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user_service = new_test_user(
            cls.env, 'cc_service', 'base.group_user,crm_customer.group_note_service'
        )
        cls.user_confidential = new_test_user(
            cls.env,
            'cc_confidential',
            'base.group_user,crm_customer.group_note_confidential,base.group_allow_export',
        )
        cls.housekeeper = new_test_user(cls.env, 'cc_housekeeper', 'base.group_user')
        cls.health = cls.env.ref('crm_customer.crm_note_category_health')
        cls.habits = cls.env.ref('crm_customer.crm_note_category_habits')
        cls.notes = cls.env['crm.customer.note'].create(
            [
                {'partner_id': cls.stranger.id, 'text': "likes two ashtrays"},
                {
                    'partner_id': cls.stranger.id,
                    'text': "argues about minibar",
                    'visibility': 'service',
                },
                {'partner_id': cls.stranger.id, 'text': SECRET, 'category_id': cls.health.id},
            ]
        )
        cls.open_note, cls.service_note, cls.secret = cls.notes

    def as_user(self, user):
        return self.env['crm.customer.note'].with_user(user)

    def seen(self, user, *domain):
        return self.as_user(user).search([('id', 'in', self.notes.ids), *domain])


@tagged('post_install', '-at_install')
class TestCustomerNote(CustomerNoteCommon):
    def setUp(self):
        super().setUp()
        self.web_client = self.as_web_client()
        self.web_client.start()
        self.addCleanup(self.web_client.stop)

    def test_proposed_visibility(self):
        self.assertRecordValues(
            self.notes,
            [{'visibility': visibility} for visibility in ('all', 'service', 'confidential')],
        )
        self.secret.write({'category_id': self.habits.id})
        self.assertEqual(self.secret.visibility, 'confidential', "opened only on purpose")

    def test_readers(self):
        self.assertEqual(self.seen(self.user_employee), self.open_note)
        self.assertEqual(self.seen(self.user_manager), self.open_note)
        self.assertEqual(self.seen(self.user_service), self.open_note | self.service_note)
        self.assertEqual(self.seen(self.user_confidential), self.notes)
        with self.assertRaises(AccessError), mute_logger('odoo.addons.base.models.ir_rule'):
            self.secret.with_user(self.user_service).read(['text'])

    def test_no_way_around_for_others(self):
        """Searching, grouping and naming tell nothing to who may not read."""
        for user in (self.user_employee, self.user_service, self.user_manager):
            notes = self.as_user(user)
            self.assertFalse(notes.search_count([('text', 'ilike', 'insulin')]))
            self.assertFalse(notes.name_search('insulin'))
            self.assertFalse(notes.search([('category_id', '=', self.health.id)]) & self.secret)
            groups = notes._read_group([('id', 'in', self.notes.ids)], ['text'], ['__count'])
            self.assertNotIn(SECRET, [text for text, _count in groups])
            groups = notes.formatted_read_group(
                [('id', 'in', self.notes.ids)], ['visibility'], ['__count']
            )
            self.assertNotIn('confidential', [group['visibility'] for group in groups])

    def test_without_end(self):
        """A note that fills the screens of all who look at the customer."""
        with self.assertRaisesRegex(ValidationError, "no more than"), self.env.cr.savepoint():
            self.open_note.text = "x" * 10_001
        self.open_note.text = "Two ashtrays. " * 500
        line = self.open_note._get_briefing_line()
        self.assertLess(len(line.text), 410)
        self.assertTrue(line.text.endswith(" …"))
        self.open_note.text = "Two ashtrays"
        self.assertEqual(self.open_note._get_briefing_line().text, "Two ashtrays")

    def test_without_words(self):
        with self.assertRaisesRegex(ValidationError, "needs words"), self.env.cr.savepoint():
            self.env['crm.customer.note'].create({'partner_id': self.stranger.id, 'text': "  "})

    def test_name_without_text(self):
        """Names are shown to whoever reads a record that points to the note."""
        self.assertEqual(self.secret.display_name, "Health: Stranger")

    def test_author_reads_until_others_add(self):
        note = self.as_user(self.housekeeper).create(
            {'partner_id': self.stranger.id, 'text': "pills", 'category_id': self.health.id}
        )
        self.assertEqual((note.author_id, note.visibility), (self.housekeeper, 'confidential'))
        self.assertEqual(note.text, "pills")
        note.text = "pills at the bed"
        note.with_user(self.env.ref('base.user_admin')).sudo().text = "pills against what"
        self.assertFalse(self.as_user(self.housekeeper).search([('id', '=', note.id)]))

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_who_corrects(self):
        mine = self.as_user(self.housekeeper).create(
            {'partner_id': self.stranger.id, 'text': "one pillow"}
        )
        mine.text = "two pillows"
        with self.assertRaises(AccessError):
            mine.with_user(self.user_employee).text = "three"
        mine.with_user(self.user_all).text = "four"
        with self.assertRaises(AccessError):
            self.secret.with_user(self.user_all).text = "not even he, without reading it"
        with self.assertRaises(AccessError):
            mine.with_user(self.user_employee).unlink()
        with self.assertRaisesRegex(AccessError, "keeps its author"):
            mine.author_id = self.user_employee
        mine.unlink()

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_notes_in_the_name_of_others(self):
        values = {
            'partner_id': self.stranger.id,
            'text': "said so",
            'author_id': self.user_employee.id,
        }
        with self.assertRaises(AccessError):
            self.as_user(self.housekeeper).create(values)
        note = self.as_user(self.user_manager).create(values)
        self.assertEqual(note.author_id, self.user_employee)

    def test_companies(self):
        self.stranger.company_id = self.other_company
        self.assertFalse(self.seen(self.user_confidential))
        self.user_confidential.company_ids += self.other_company
        both = (self.company | self.other_company).ids
        notes = self.as_user(self.user_confidential).with_context(allowed_company_ids=both)
        self.assertEqual(notes.search([('id', 'in', self.notes.ids)]), self.notes)

    def test_no_path_from_contacts(self):
        """No field leads from contacts to notes: no export or template can follow one.

        Elsewhere only what has a visibility of its own, or shows notes on purpose, points to them.
        """
        for model in self.env.registry.values():
            for field in model._fields.values():
                if field.comodel_name == 'crm.customer.note':
                    self.assertIs(getattr(model, '_shows_confidential', None), True, str(field))
                    self.assertIsNot(model._name, 'res.partner', str(field))

    def test_no_trace_in_threads(self):
        """Nothing is posted or tracked, on the note or on the customer."""
        thread = type(self.env['mail.thread'])
        self.assertNotIsInstance(self.secret, thread)
        with self.mock_post_creates() as created:
            self.as_user(self.user_confidential).create(
                {'partner_id': self.stranger.id, 'text': SECRET, 'visibility': 'confidential'}
            )
            self.secret.text = f"{SECRET}, and at noon"
            self.secret.visibility = 'service'
            self.secret.unlink()
            self.env.flush_all()
        self.assertFalse(created)

    def mock_post_creates(self):
        """Collect messages, tracked values and notifications made in the meantime."""
        created = []
        models = [
            type(self.env[name]) for name in ('mail.message', 'mail.tracking.value', 'bus.bus')
        ]

        class Collector:
            def __enter__(self):
                self.patches = []
                for model in models:
                    origin = model.create

                    def create(records, vals_list, origin=origin):
                        created.append((records._name, vals_list))
                        return origin(records, vals_list)

                    self.patches.append(patch.object(model, 'create', create))
                for each in self.patches:
                    each.start()
                return created

            def __exit__(self, *args):
                for each in self.patches:
                    each.stop()

        return Collector()

    def test_copies(self):
        copy = self.secret.with_user(self.user_confidential).copy()
        self.assertEqual(
            (copy.visibility, copy.author_id), ('confidential', self.user_confidential)
        )
        partner = self.stranger.copy()
        self.assertFalse(self.env['crm.customer.note'].search([('partner_id', '=', partner.id)]))
        with self.assertRaises(AccessError), mute_logger('odoo.addons.base.models.ir_rule'):
            self.secret.with_user(self.user_service).copy()

    def test_time_line(self):
        def texts(user):
            page = self.stranger.with_user(user).get_customer_timeline()
            return {entry['body'] for entry in page['entries']}

        self.assertIn("likes two ashtrays", texts(self.user_employee))
        self.open_note.active = False
        self.assertEqual(texts(self.user_confidential), {"argues about minibar", SECRET})
        self.assertEqual(texts(self.user_service), {"argues about minibar"})
        found = self.stranger.with_user(self.user_service).get_customer_timeline(search='insulin')
        self.assertFalse(found['entries'])

    def test_exports(self):
        """Not even members of the group take confidential notes out."""
        notes = self.notes.with_user(self.user_confidential)
        rows = notes.export_data(['text', 'partner_id/name'])['datas']
        self.assertEqual(
            rows, [["likes two ashtrays", "Stranger"], ["argues about minibar", "Stranger"]]
        )
        self.assertEqual(self.secret.sudo().export_data(['text'])['datas'], [])
        with self.assertRaises(UserError):
            notes.with_user(self.user_employee).export_data(['text'])

    def test_where_no_web_client_is(self):
        """The same user, by another way: the note does not exist."""
        note = self.secret.with_user(self.user_confidential)
        note.read(['text'])
        mixin = self.registry['crm.visibility.mixin']
        closed = patch.object(mixin, '_is_confidential_channel', lambda records: False)
        with closed, mute_logger('odoo.addons.base.models.ir_rule'):
            note.invalidate_recordset()
            self.assertEqual(self.seen(self.user_confidential), self.open_note | self.service_note)
            for method in (
                lambda: note.read(['text']),
                lambda: note.write({'visibility': 'all'}),
                note.unlink,
                note.copy,
            ):
                with self.assertRaises(AccessError):
                    method()
            page = self.stranger.with_user(self.user_confidential).get_customer_timeline()
            self.assertNotIn(SECRET, {entry['body'] for entry in page['entries']})
            added = self.as_user(self.user_confidential).create(
                {
                    'partner_id': self.stranger.id,
                    'text': "from the PMS",
                    'visibility': 'confidential',
                }
            )
        self.assertEqual(added.text, "from the PMS", "what the API may do is add")

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_beside_what_the_rules_forbid(self):
        """What only the channel hides is hidden too when a rule forbids something else."""
        self.contact.company_id = self.other_company
        theirs = self.open_note.create({'partner_id': self.contact.id, 'text': "theirs"})
        notes = (theirs | self.notes).with_user(self.user_confidential)
        self.assertEqual(notes._filtered_access('read'), self.notes)
        mixin = self.registry['crm.visibility.mixin']
        with patch.object(mixin, '_is_confidential_channel', lambda records: False):
            readable = self.open_note | self.service_note
            self.assertEqual(notes._filtered_access('read'), readable)
            self.assertEqual((notes - theirs)._filtered_access('read'), readable)
            with self.assertRaises(AccessError):
                notes.check_access('read')

    def test_merge_keeps_notes(self):
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((self.stranger | self.contact).ids, self.contact)
        self.assertEqual(self.notes.partner_id, self.contact)

    def test_all_notes(self):
        action = self.customer.with_user(self.user_employee).action_open_customer_notes()
        self.notes.partner_id = self.contact
        found = self.as_user(self.user_employee).search(action['domain'])
        self.assertEqual(found, self.open_note)


@tagged('post_install', '-at_install')
class TestCustomerNoteChannels(CustomerNoteCommon, HttpCase):
    """A member of the confidential group at every door of the server."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user_confidential.group_ids = [
            Command.link(cls.env.ref('base.group_system').id),
            Command.link(cls.env.ref('base.group_partner_manager').id),
        ]
        cls.password = 'cc_confidential'  # as new_test_user has it
        cls.domain = [('partner_id', '=', cls.stranger.id)]
        key = cls.env['res.users.apikeys'].with_user(cls.user_confidential)
        cls.key = key._generate('rpc', "Test", None)

    def assertClosed(self, answer):
        self.assertNotIn('insulin', answer)

    def json_2(self, model, method, status=200, **params):
        response = self.url_open(
            f'/json/2/{model}/{method}',
            data=json.dumps(params),
            headers={
                'Content-Type': 'application/json',
                'Authorization': f'Bearer {self.key}',
                'X-Odoo-Database': self.env.cr.dbname,
            },
        )
        self.assertEqual(response.status_code, status, response.text)
        return response.text

    def test_web_client(self):
        self.authenticate(self.user_confidential.login, self.password)
        notes = self.make_jsonrpc_request(
            '/web/dataset/call_kw/crm.customer.note/search_read',
            {
                'model': 'crm.customer.note',
                'method': 'search_read',
                'args': [self.domain, ['text']],
                'kwargs': {},
            },
        )
        self.assertIn(SECRET, [note['text'] for note in notes])

    def test_domains_of_other_models(self):
        """In the web client too, only the screens made for it know of confidential notes."""
        self.authenticate(self.user_confidential.login, self.password)
        asked = []
        mixin = self.registry['crm.visibility.mixin']
        origin = mixin._is_confidential_channel

        def ask(records):
            asked.append((request.httprequest.path.split('/')[-2:], origin(records)))
            return asked[-1][1]

        def call(model, method, *args):
            """Call a method that goes on to look for notes, as a domain over them would."""
            self.make_jsonrpc_request(
                f'/web/dataset/call_kw/{model}/{method}',
                {'model': model, 'method': method, 'args': args, 'kwargs': {}},
            )

        def look(partners, *args, **kwargs):
            partners.env['crm.customer.note'].search([])
            return []

        Partner = self.registry['res.partner']
        with (
            patch.object(mixin, '_is_confidential_channel', ask),
            patch.object(Partner, 'search_count', look),
        ):
            call('res.partner', 'search_count', [])
            call('res.partner', 'get_customer_timeline', self.stranger.ids)
            call('crm.customer.note', 'search_count', [])
        self.assertEqual(
            {(*path, answer) for path, answer in asked},
            {
                ('res.partner', 'search_count', False),
                ('res.partner', 'get_customer_timeline', True),
                ('crm.customer.note', 'search_count', True),
            },
        )

    @mute_logger('odoo.http', 'odoo.addons.base.models.ir_rule')
    def test_json_2(self):
        model = 'crm.customer.note'
        found = self.json_2(model, 'search_read', domain=self.domain, fields=['text'])
        self.assertIn("likes two ashtrays", found)
        self.assertClosed(found)
        found = self.json_2(model, 'search', domain=[('text', 'ilike', 'insulin')])
        self.assertEqual(json.loads(found), [])
        self.assertClosed(self.json_2(model, 'name_search', name='insulin'))
        self.assertClosed(
            self.json_2(
                model,
                'formatted_read_group',
                domain=self.domain,
                groupby=['text'],
                aggregates=['__count'],
            )
        )
        self.assertClosed(self.json_2(model, 'read', 403, ids=self.secret.ids, fields=['text']))
        self.assertClosed(
            self.json_2(model, 'export_data', 403, ids=self.secret.ids, fields_to_export=['text'])
        )
        self.json_2(model, 'write', 403, ids=self.secret.ids, vals={'visibility': 'all'})
        self.assertClosed(
            self.json_2('res.partner', 'get_customer_timeline', ids=self.stranger.ids)
        )
        self.assertEqual(self.secret.text, SECRET)

    @mute_logger(
        'odoo.http', 'odoo.addons.rpc.controllers.xmlrpc', 'odoo.addons.base.models.ir_rule'
    )
    def test_xml_rpc(self):
        arguments = (self.env.cr.dbname, self.user_confidential.id, self.key, 'crm.customer.note')
        found = self.xmlrpc_object.execute_kw(*arguments, 'search_read', [self.domain, ['text']])
        self.assertEqual(
            sorted(note['text'] for note in found), ["argues about minibar", "likes two ashtrays"]
        )
        with self.assertRaises(xmlrpc.client.Fault):
            self.xmlrpc_object.execute_kw(*arguments, 'read', [self.secret.ids, ['text']])

    @mute_logger('odoo.http', 'odoo.addons.rpc.controllers.jsonrpc')
    def test_json_rpc(self):
        found = self.make_jsonrpc_request(
            '/jsonrpc',
            {
                'service': 'object',
                'method': 'execute_kw',
                'args': [
                    self.env.cr.dbname,
                    self.user_confidential.id,
                    self.key,
                    'crm.customer.note',
                    'search_read',
                    [self.domain, ['text']],
                ],
            },
        )
        self.assertEqual(len(found), 2)
        self.assertClosed(str(found))

    def test_files_for_download(self):
        self.authenticate(self.user_confidential.login, self.password)
        base = {
            'import_compat': False,
            'context': {},
            'domain': self.domain,
            'ids': False,
            'model': 'crm.customer.note',
            'fields': [{'name': 'text', 'label': "Note", 'type': 'text'}],
        }
        for params in (
            {**base, 'groupby': []},
            {**base, 'ids': self.notes.ids, 'groupby': []},
        ):
            with mute_logger('odoo.http', 'odoo.addons.base.models.ir_rule'):
                response = self.url_open('/web/export/csv', data=self.download(params))
            self.assertClosed(response.text)
        response = self.url_open('/web/export/csv', data=self.download({**base, 'groupby': []}))
        self.assertEqual(response.text, Like("...likes two ashtrays..."))

    def test_note_added_on_a_phone(self):
        """By somebody without any right to change contacts."""
        self.user_confidential.group_ids = [
            Command.set(
                [
                    self.env.ref('base.group_user').id,
                    self.env.ref('crm_customer.group_note_confidential').id,
                ]
            )
        ]
        self.assertFalse(self.stranger.with_user(self.user_confidential).has_access('write'))
        # in some zones a day later than for who writes one now
        self.notes.date = fields.Date.today() - timedelta(days=1)
        self.browser_size = '390x844'
        self.touch_enabled = True
        self.start_tour(
            f'/odoo/res.partner/{self.stranger.id}', 'crm_customer_note', login='cc_confidential'
        )
        note = self.env['crm.customer.note'].search(
            [('partner_id', '=', self.stranger.id)], order='id desc', limit=1
        )
        self.assertRecordValues(
            note,
            [
                {
                    'text': "Two ashtrays on the tea table",
                    'category_id': self.habits.id,
                    'visibility': 'all',
                    'author_id': self.user_confidential.id,
                }
            ],
        )

    def download(self, params):
        return {'data': json.dumps(params), 'csrf_token': Request.csrf_token(self)}
