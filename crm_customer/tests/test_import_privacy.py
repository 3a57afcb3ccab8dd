import base64
import io
import json
from datetime import timedelta
from unittest.mock import patch

from openpyxl import load_workbook

from odoo.exceptions import AccessError, UserError
from odoo.fields import Datetime
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import SQL, mute_logger

from .import_common import ImportCase, to_csv, to_xlsx

HEADER = ('External ID', 'Customer Name', 'Customer Phone', 'Note', 'Date', 'Visible to')
SECRET = "takes insulin at eight"


class ImportPrivacyCase(ImportCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.nurse = new_test_user(
            cls.env,
            'cc_nurse',
            'base.group_partner_manager,crm_customer.group_own,'
            'crm_customer.group_note_confidential',
        )
        cls.rows = [
            HEADER,
            ('imp-n1', 'Imp Li', '13800138105', SECRET, '2025-11-02', 'Confidential'),
            ('imp-n2', 'Imp Li', '13800138105', SECRET, '2025-11-32', 'Confidential'),
        ]

    def start_as(self, user, rows, template='notes', **values):
        record = self.make_import(rows, template, user_id=user.id, **values)
        record.with_user(user).action_import()
        self.env.flush_all()
        return record

    def bring_in_as(self, user, rows, template='notes', **values):
        record = self.start_as(user, rows, template, **values)
        self.run_job(record.job_id)
        self.env.invalidate_all()
        self.assertEqual(record.state, 'done', record.job_id.result)
        return record


@tagged('post_install', '-at_install')
class TestImportPrivacy(ImportPrivacyCase):
    # ------------------------------------------------------------
    # WHO READS WHAT
    # ------------------------------------------------------------

    def test_rows_left_out_are_given_out_and_erased_with_the_customer(self):
        partner = self.env['res.partner'].create({'name': "Imp Wu", 'email': 'wu@imp.example.com'})
        header = ('Name', 'Email', 'Country')
        wrong = [
            (f'Imp {name}', f'{name.lower()}@imp.example.com', 'Nowhere') for name in ('Wu', 'Xu')
        ]
        rows = self.bring_in([header, *wrong]).bad_row_ids
        data = partner.with_user(self.user_manager)._get_personal_data()['data']
        [source] = [source for source in data if source['key'] == 'crm.import.row']
        texts = str(source['records'])
        self.assertIn('wu@imp.example.com', texts)
        self.assertNotIn('xu@imp.example.com', texts)
        partner._erase_personal_data()
        self.assertEqual(
            [row.text for row in rows if row.text], ['Imp Xu · xu@imp.example.com · Nowhere']
        )

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_notes_are_for_who_brings_them_in(self):
        record = self.bring_in_as(self.nurse, self.rows)
        row = record.bad_row_ids
        self.assertIn(SECRET, row.with_user(self.nurse).text)
        for user in (self.user_all, self.user_manager):
            for records in (record, row):
                own = records.with_user(user)
                self.assertFalse(own.search([('id', 'in', records.ids)]))
                with self.assertRaises(AccessError):
                    own.read(['visibility'])
        customers = self.bring_in([('Name',), ('Imp 1',)])
        customers.with_user(self.user_all).read(['file', 'error_file'])

    def test_rows_are_not_exported(self):
        record = self.bring_in_as(self.nurse, self.rows)
        self.assertFalse(record.bad_row_ids.sudo().export_data(['text'])['datas'])

    def test_confidential_notes_again(self):
        self.assertEqual(self.get_counts(self.bring_in_as(self.nurse, self.rows)), (1, 0, 0, 1))
        again = self.bring_in_as(self.nurse, self.rows)
        self.assertEqual(self.get_counts(again), (0, 0, 1, 1))
        changed = [HEADER, ('imp-n1', 'Imp Li', '13800138105', "none", '', 'Confidential')]
        record = self.bring_in_as(self.nurse, changed)
        self.assertEqual(self.get_counts(record), (0, 0, 0, 1))
        self.assertIn("change it on screen", self.get_bad(record)[2])
        note = self.env.ref('__import__.imp-n1')
        self.assertEqual(note.sudo().text, SECRET)
        others = self.bring_in_as(self.user_own, self.rows[:2])
        self.assertEqual(others.bad_count, 1)
        self.assertNotIn("change it on screen", self.get_bad(others)[2])

    # ------------------------------------------------------------
    # WHAT IS KEPT
    # ------------------------------------------------------------

    def test_the_file_is_not_kept(self):
        record = self.make_import([('Name', 'City'), ('Imp 1', 'Wuxi'), ('', 'Wuxi')])
        record.action_check()
        self.run_job(record.job_id)
        self.assertTrue(record.file, "it was only looked at")
        record.action_import()
        self.run_job(record.job_id, time_limit=0)
        self.assertEqual(record.state, 'importing')
        self.assertFalse(record.file)
        self.run_job(record.job_id)
        self.assertEqual(self.get_counts(record), (1, 0, 0, 1))
        domain = [('res_model', '=', 'crm.import'), ('res_id', '=', record.id)]
        record.action_download_errors()
        self.assertTrue(record.error_file)
        files = self.env['ir.attachment'].search([*domain, ('res_field', '!=', False)])
        self.assertFalse(files)

    def test_old_contents_go(self):
        checked, young = (self.make_import([('Name',), ('Imp 1',)]) for _number in range(2))
        done = self.bring_in([('Name', 'City'), ('Imp 2', 'Wuxi'), ('', 'Wuxi')])
        checked.action_check()
        self.run_job(checked.job_id)
        self.env.flush_all()
        old = Datetime.now() - timedelta(days=31)
        self.env.cr.execute(
            'UPDATE crm_import SET write_date = %s WHERE id IN %s',
            [old, tuple((checked | done).ids)],
        )
        self.env.invalidate_all()
        self.env['crm.import']._gc_contents()
        self.assertFalse(checked.file or done.bad_row_ids)
        self.assertTrue(young.file and done.bad_count)
        rows = self.env['crm.import.row'].search([('import_id', 'in', (checked | done).ids)])
        self.assertFalse(rows)
        self.assertEqual(self.env['crm.import']._gc_contents(), (0, 0), "nothing is left to do")

    def test_lines_of_an_erased_customer(self):
        """The file of lines left out is there without him, and a file only checked is gone."""
        lina = self.env['res.partner'].create(
            {'name': "Imp Li Na", 'email': 'imp.lina@example.com', 'phone': '+8613800138177'}
        )
        rows = [
            ('Name', 'Email', 'Phone', 'Birth Month'),
            ('Imp Li Na', 'imp.lina@example.com', '+8613800138177', 'x'),
            ('Imp Wang', 'imp.wang@example.com', '', 'x'),
        ]
        record, checked = self.bring_in(rows), self.make_import(rows)
        other = self.make_import([('Name',), ('Imp Wang',)])
        for waiting in (checked, other):
            waiting.action_check()
            self.run_job(waiting.job_id)
        lina._erase_personal_data()
        self.env.invalidate_all()
        sheet = load_workbook(io.BytesIO(base64.b64decode(record.error_file))).active
        names = [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)]
        self.assertEqual(names, ['Imp Wang'])
        self.assertFalse(checked.file)
        self.assertTrue(other.file)

    def test_lines_of_others_with_a_longer_address(self):
        """Erasing li@mail.cn leaves na.li@mail.cn and li@mail.cn.org alone, and waiting."""
        person = self.env['res.partner'].create({'name': "Imp Li", 'email': 'imp.li@mail.cn'})
        others = ('na.imp.li@mail.cn', 'wang-imp.li@mail.cn', 'imp.li@mail.cn.org')
        rows = [('Name', 'Email'), *((f'Imp {n}', email) for n, email in enumerate(others))]
        record = self.make_import([*rows, ('Imp Li', '<Imp.Li@mail.cn>')])
        record.action_import()
        self.run_job(record.job_id, time_limit=0)
        self.env.cr.execute(
            "UPDATE crm_import_row SET state = 'waiting' WHERE import_id = %s", [record.id]
        )
        person._erase_personal_data()
        self.env.cr.execute(
            'SELECT cells FROM crm_import_row WHERE import_id = %s ORDER BY id', [record.id]
        )
        cells = [row[0] for row in self.env.cr.fetchall()]
        self.assertEqual([row[-1] for row in cells[:3]], [*others])
        self.assertFalse(cells[3])

    # ------------------------------------------------------------
    # WHAT NOBODY WRITES
    # ------------------------------------------------------------

    untouched = {
        'job_id': False,
        'state': 'draft',
        'created_count': 0,
        'columns': False,
        'visibility': 'confidential',
    }

    def test_what_follows_from_the_work_is_not_written(self):
        record = self.make_import([('Name',), ('Imp 1',)], user_id=self.user_own.id)
        own = record.with_user(self.user_own)
        job = self.env['crm.job'].sudo().create({'name': "x", 'model': 'x', 'method': '_x'})
        for vals in (
            {'job_id': job.id},
            {'state': 'done'},
            {'created_count': 3},
            {'columns': []},
            {'visibility': 'all'},
        ):
            with self.subTest(vals):
                with self.assertRaises(AccessError):
                    own.write(vals)
                with self.assertRaises(AccessError):
                    own.create(vals)
                defaults = {f'default_{name}': value for name, value in vals.items()}
                # a context may hold the bare names for reasons of its own
                made = own.with_context(**vals, **defaults).create({'template': 'notes'})
                self.assertRecordValues(made, [self.untouched])

    def test_nothing_changes_under_an_open_job(self):
        self.user_own.group_ids += self.env.ref('base.group_partner_manager')
        record = self.start_as(self.user_own, [('Name',), ('Imp 1',)], 'customers')
        for vals in ({'template': 'opt_outs'}, {'file': False}, {'existing': 'skip'}):
            with self.assertRaisesRegex(UserError, "worked on already"):
                record.with_user(self.user_own).write(vals)

    def test_rights_are_asked_for_in_the_job(self):
        self.user_own.group_ids += self.env.ref('base.group_partner_manager')
        record = self.start_as(self.user_own, [('Name',), ('Imp 1',)], 'customers')
        self.user_own.group_ids -= self.env.ref('base.group_partner_manager')
        with mute_logger('odoo.addons.crm_customer.models.crm_job'):
            self.run_job(record.job_id)
        self.assertEqual((record.state, record.created_count), ('failed', 0))
        self.assertFalse(self.get_contacts('Imp '))
        record = self.start_as(self.user_own, [('Customer Name', 'Note'), ('Li', 'x')], 'notes')
        record.template = 'opt_outs'
        with mute_logger('odoo.addons.crm_customer.models.crm_job'):
            self.run_job(record.job_id)
        self.assertEqual(record.state, 'failed')

    def test_workbooks_that_cannot_be_read(self):
        good = self.env['crm.import']._build_template_file(
            self.env['crm.import']._prepare_customer_template()
        )
        for damage in (SyntaxError, ValueError, TypeError, EOFError, AttributeError):
            with (
                patch(
                    'odoo.addons.crm_customer.importing.reader.load_workbook', side_effect=damage
                ),
                self.assertRaisesRegex(UserError, "damaged"),
            ):
                self.make_import(good).action_check()
        for at in range(len(good) // 10, len(good), len(good) // 10):
            with self.assertRaisesRegex(UserError, "damaged"):
                self.make_import(good[:at]).action_check()

    def test_files_that_are_no_table(self):
        picture = b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\2\0\0\0'
        with self.assertRaisesRegex(UserError, "neither an Excel nor a text file"):
            self.make_import(picture).action_check()
        for headers in (to_csv([('Name',)]), to_xlsx([('Name',)])):
            with self.assertRaisesRegex(UserError, "no rows"):
                self.make_import(headers).action_check()

    def test_fields_filled_up(self):
        """Other systems fill fields up with characters that no database stores."""
        record = self.bring_in([('Name', 'City'), ('Imp 1\0\0', '\0'), ('\0', 'Wuxi')])
        self.assertEqual(self.get_counts(record), (1, 0, 0, 1))
        self.assertEqual(self.get_contacts('Imp').name, 'Imp 1')

    def test_no_workbook_of_nothing(self):
        record = self.bring_in([('Name',), ('Imp 1',)])
        with patch.object(type(record), '_build_error_file', side_effect=AssertionError):
            self.assertFalse(record.error_file)

    def test_rows_that_hold_something_are_found_by_index(self):
        self.env.cr.execute('SET LOCAL enable_seqscan = off')
        plan = self.env.execute_query(
            SQL('EXPLAIN %s', self.env['crm.import']._get_with_cells_sql())
        )
        self.assertIn('_cells_idx', str(plan))


@tagged('post_install', '-at_install')
class TestImportChannels(ImportPrivacyCase, HttpCase):
    def json_2(self, key, model, method, **params):
        return self.url_open(
            f'/json/2/{model}/{method}',
            data=json.dumps(params),
            headers={'Content-Type': 'application/json', 'Authorization': f'Bearer {key}'},
        )

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.http')
    def test_owner_reads_on_screen_only(self):
        record = self.bring_in_as(self.nurse, self.rows)
        row = record.bad_row_ids
        keys = self.env['res.users.apikeys'].with_user(self.nurse).sudo()
        key = keys._generate('rpc', "Test", None)
        for records, names in ((record, ['error_file']), (row, ['text', 'cells'])):
            answer = self.json_2(key, records._name, 'read', ids=records.ids, fields=names)
            self.assertEqual(answer.status_code, 403, answer.text)
            answer = self.json_2(key, records._name, 'search_read', domain=[], fields=names)
            self.assertEqual(answer.json(), [])
        self.authenticate('cc_nurse', 'cc_nurse')
        answer = self.make_jsonrpc_request(
            '/web/dataset/call_kw/crm.import.row/web_read',
            {
                'model': 'crm.import.row',
                'method': 'web_read',
                'args': [row.ids],
                'kwargs': {'specification': {'text': {}}},
            },
        )
        self.assertIn(SECRET, answer[0]['text'])
        action = record.with_user(self.nurse).action_download_errors()
        self.assertEqual(self.url_open(action['url']).status_code, 200)
