import base64
import io
from datetime import datetime
from unittest.mock import patch

import psycopg2
from lxml import etree
from openpyxl import load_workbook

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger
from odoo.tools.safe_eval import safe_eval

from .import_common import CHUNK, ImportCase


@tagged('post_install', '-at_install')
class TestImport(ImportCase):
    # ------------------------------------------------------------
    # THE WAY THROUGH
    # ------------------------------------------------------------

    def test_a_taken_external_id_stays_where_it_is(self):
        contact = self.env['res.partner'].create({'name': "Thief"})
        public_user = self.env.ref('base.public_user')
        self.env['crm.import']._give_external_id(contact, 'base.public_user')
        self.env['crm.import']._give_external_id(contact, '__import__.thief')
        self.env.registry.clear_cache()
        self.assertEqual(self.env.ref('base.public_user'), public_user)
        self.assertEqual(self.env.ref('__import__.thief'), contact)

    def test_second_run_changes_nothing(self):
        rows = [self.HEADER, *self.get_rows(5)]
        self.assertEqual(self.get_counts(self.bring_in(rows)), (5, 0, 0, 0))
        contacts = self.get_contacts('Imp ')
        self.assertEqual(len(contacts), 5)
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET write_date = '2020-01-01'")
        self.env.invalidate_all()
        record = self.bring_in(rows)
        self.assertEqual(self.get_counts(record), (0, 0, 5, 0))
        self.assertEqual(set(contacts.mapped('write_date')), {datetime(2020, 1, 1)})
        self.assertIn("5 unchanged", record.result)

    def test_an_empty_cell_empties_nothing(self):
        self.bring_in([self.HEADER, ('imp-1', 'Imp 1', '', 'a@example.com')])
        contact = self.get_contacts('Imp ')
        contact.is_company = True
        header = ('External ID', 'Name', 'Email', 'Is a Company')
        record = self.bring_in([header, ('imp-1', 'Imp One', '', '')])
        self.assertEqual(self.get_counts(record), (0, 1, 0, 0))
        self.assertRecordValues(
            contact, [{'name': "Imp One", 'email': 'a@example.com', 'is_company': True}]
        )
        self.bring_in([header, ('imp-1', 'Imp One', '', 'no')])
        self.assertFalse(contact.is_company)

    def test_records_already_there(self):
        self.bring_in([self.HEADER, ('imp-1', 'Imp 1', '', 'a@example.com')])
        contact = self.get_contacts('Imp ')
        rows = [self.HEADER, ('imp-1', 'Imp X', '+86 571 5555 0001', 'x@example.com')]
        self.assertEqual(self.get_counts(self.bring_in(rows, existing='skip')), (0, 0, 1, 0))
        self.assertEqual(self.get_counts(self.bring_in(rows, existing='fill')), (0, 1, 0, 0))
        self.assertRecordValues(
            contact, [{'name': "Imp 1", 'email': 'a@example.com', 'phone': '+86 571 5555 0001'}]
        )
        self.assertEqual(self.get_counts(self.bring_in(rows, existing='update')), (0, 1, 0, 0))
        self.assertRecordValues(contact, [{'name': "Imp X", 'email': 'x@example.com'}])

    def test_bad_lines_are_left_out_with_reason(self):
        rows = [self.HEADER, *self.get_rows(8)]
        rows[3] = ('imp-3', '', '1', '')
        rows[6] = ('imp-6', 'Imp 006', '1.38E+10', '')
        rows.append(('imp-2', 'Imp again', '', ''))
        with patch(CHUNK, 3):
            record = self.bring_in(rows)
        self.assertEqual(self.get_counts(record), (6, 0, 0, 3))
        bad = self.get_bad(record)
        self.assertEqual(list(bad), [4, 7, 10])
        self.assertIn("“Name” is empty", bad[4])
        self.assertIn("shortened", bad[7])
        self.assertIn("Line 3 has the same External ID", bad[10])
        self.assertRecordValues(record.job_id, [{'total': 9, 'done': 6, 'failed': 3}])

    def test_a_check_of_the_model_blames_the_right_line(self):
        create = self.registry['res.partner'].create

        def refuse(partners, vals_list):
            if any(vals.get('name') == 'Imp 005' for vals in vals_list):
                message = "Not this one"
                raise UserError(message)
            return create(partners, vals_list)

        with patch.object(self.registry['res.partner'], 'create', refuse):
            record = self.bring_in([self.HEADER, *self.get_rows(8)])
        self.assertEqual(self.get_bad(record), {6: "Not this one"})
        self.assertEqual(len(self.get_contacts('Imp ')), 7)

    def test_file_of_lines_left_out_is_imported_again(self):
        rows = [self.HEADER, *self.get_rows(3)]
        rows[2] = ('imp-2', '', '', '')
        record = self.bring_in(rows)
        record.action_download_errors()
        book = load_workbook(io.BytesIO(base64.b64decode(record.error_file)))
        found = list(book.active.iter_rows(values_only=True))
        self.assertEqual(found[0], (*self.HEADER, 'Line', 'Reason'))
        self.assertEqual(found[1][0], 'imp-2')
        self.assertEqual(found[1][4:], (3, "“Name” is empty."))
        book.active['B2'] = "Imp 002"
        output = io.BytesIO()
        book.save(output)
        self.assertEqual(self.get_counts(self.bring_in(output.getvalue())), (1, 0, 0, 0))
        self.assertEqual(len(self.get_contacts('Imp ')), 3)

    def test_dry_run_writes_nothing(self):
        self.bring_in([self.HEADER, *self.get_rows(2)])
        rows = [self.HEADER, *self.get_rows(5)]
        rows[1] = ('imp-1', 'Imp one', '', '')
        rows[4] = ('imp-4', '', '', '')
        record = self.make_import(rows)
        record.action_check()
        self.assertEqual(record.state, 'checking')
        with patch(CHUNK, 2):
            self.run_job(record.job_id)
        self.assertEqual(record.state, 'checked')
        self.assertEqual(self.get_counts(record), (2, 1, 1, 1))
        self.assertEqual(list(self.get_bad(record)), [5])
        self.assertEqual(self.get_contacts('Imp ').mapped('name'), ['Imp 001', 'Imp 002'])
        self.assertFalse(self.env.ref('__import__.imp-3', raise_if_not_found=False))
        record.action_import()
        self.run_job(record.job_id)
        self.assertEqual((record.state, self.get_counts(record)), ('done', (2, 1, 1, 1)))

    def test_companies_of_the_same_file(self):
        header = ('External ID', 'Name', 'Related Company/External ID')
        rows = [header, ('imp-2', 'Imp person', 'imp-1'), ('imp-3', 'Imp 3', 'imp-9')]
        rows.append(('imp-1', 'Imp company', ''))
        record = self.make_import(rows)
        record.action_check()
        with patch(CHUNK, 1):
            self.run_job(record.job_id)
        self.assertEqual(list(self.get_bad(record)), [3], "a row further down is no mistake")
        record.action_import()
        with patch(CHUNK, 1):
            self.run_job(record.job_id)
        self.assertEqual(list(self.get_bad(record)), [3])
        person = self.env.ref('__import__.imp-2')
        self.assertEqual(person.parent_id, self.env.ref('__import__.imp-1'))

    def test_same_rows_without_external_id(self):
        rows = [('Name', 'City'), ('Imp 1', 'Wuxi'), ('Imp 2', 'Wuxi'), ('Imp 1', 'Wuxi')]
        record = self.bring_in(rows)
        self.assertEqual(self.get_counts(record), (2, 0, 0, 1))
        self.assertIn("Line 2", self.get_bad(record)[4])
        self.assertEqual(self.get_counts(self.bring_in(rows)), (0, 0, 2, 1))

    # ------------------------------------------------------------
    # STOPPED AND RESUMED
    # ------------------------------------------------------------

    def test_resumed_after_any_chunk(self):
        rows = [self.HEADER, *self.get_rows(7)]
        with patch(CHUNK, 2):
            record = self.make_import(rows)
            record.action_import()
            while record.job_id.state != 'done':
                self.run_job(record.job_id, time_limit=0)
        self.assertEqual(self.get_counts(record), (7, 0, 0, 0))
        self.assertEqual(len(self.get_contacts('Imp ')), 7)

    def test_killed_in_the_middle_of_a_chunk(self):
        write = self.registry['crm.import']._write_outcome
        calls = []

        def die(record, *args):
            calls.append(1)
            write(record, *args)
            if len(calls) == 2:
                raise RuntimeError

        record = self.make_import([self.HEADER, *self.get_rows(7)])
        record.action_import()
        with patch(CHUNK, 2):
            with (
                patch.object(self.registry['crm.import'], '_write_outcome', die),
                mute_logger('odoo.addons.crm_customer.models.crm_job'),
            ):
                self.run_job(record.job_id)
            self.assertEqual((record.state, record.created_count), ('failed', 2))
            record.action_resume()
            self.run_job(record.job_id)
        self.assertEqual((record.state, self.get_counts(record)), ('done', (7, 0, 0, 0)))
        self.assertEqual(len(self.get_contacts('Imp ')), 7)

    def test_others_were_faster(self):
        create = self.registry['res.partner'].create
        calls = []

        def create_later(partners, vals_list):
            calls.append(1)
            if len(calls) == 1:
                raise psycopg2.errors.SerializationFailure
            return create(partners, vals_list)

        with patch.object(self.registry['res.partner'], 'create', create_later):
            record = self.bring_in([self.HEADER, *self.get_rows(3)])
        self.assertEqual(self.get_counts(record), (3, 0, 0, 0), "tried again, not refused")

    def test_cancel(self):
        record = self.make_import([self.HEADER, *self.get_rows(4)])
        record.action_import()
        with self.assertRaisesRegex(UserError, "worked on already"):
            record.action_import()
        with self.assertRaisesRegex(UserError, "Cancel an import"):
            record.unlink()
        with patch(CHUNK, 2):
            self.run_job(record.job_id, time_limit=0)
            self.run_job(record.job_id, time_limit=0)
        self.assertFalse(record.stop_text)
        record.action_cancel()
        self.run_job(record.job_id)
        self.assertEqual((record.state, record.created_count), ('cancelled', 2))
        self.assertIn("after 2 of 4 records; 2 are left", record.stop_text)
        self.assertIn("What came in stays.", record.stop_text)
        record.action_resume()
        self.assertFalse(record.stop_text)
        self.run_job(record.job_id)
        self.assertEqual(self.get_counts(record), (4, 0, 0, 0))

    def test_cancelled_before_it_began_and_stopped_by_an_error(self):
        record = self.make_import([self.HEADER, *self.get_rows(4)])
        record.action_check()
        record.action_cancel()
        self.assertIn("before the first record", record.stop_text)
        self.assertNotIn("stays", record.stop_text)
        record.action_resume()
        with patch.object(
            self.registry['crm.import'], '_stage_rows', side_effect=UserError("No room")
        ):
            self.run_job(record.job_id)
        self.assertEqual(record.state, 'failed')
        self.assertTrue(record.stop_text.startswith("No room\n"))

    def get_buttons(self, record):
        """Return the labels of the buttons that the form offers."""
        header = etree.fromstring(record.get_view(view_type='form')['arch']).find('header')
        values = {'state': record.state, 'file': bool(record.file)}
        return {
            button.get('string')
            for button in header.iter('button')
            if not safe_eval(button.get('invisible', 'False'), values)
        }

    def test_buttons_fit_what_can_be_done(self):
        record = self.env['crm.import'].create({})
        self.assertEqual(self.get_buttons(record), {'Download Template'})
        record = self.make_import([self.HEADER, *self.get_rows(4)])
        self.assertEqual(self.get_buttons(record), {'Check', 'Import', 'Download Template'})
        record.action_import()
        self.assertEqual(self.get_buttons(record), {'Cancel', 'Download Template'})
        with patch(CHUNK, 2):
            self.run_job(record.job_id, time_limit=0)
            self.run_job(record.job_id, time_limit=0)
        record.action_cancel()
        self.assertEqual(self.get_buttons(record), {'Resume', 'Download Template'}, "no file")
        record.action_resume()
        self.run_job(record.job_id)
        self.assertEqual(self.get_buttons(record), {'Download Template'})

    # ------------------------------------------------------------
    # RIGHTS, HOUSEKEEPING
    # ------------------------------------------------------------

    def test_who_may_import(self):
        with self.assertRaises(AccessError):
            self.env['crm.import'].with_user(self.user_employee).create({})
        record = self.make_import([self.HEADER, *self.get_rows(1)])
        with self.assertRaises(AccessError):
            record.with_user(self.user_own).read(['template'])
        mine = self.make_import([self.HEADER, *self.get_rows(1)], user_id=self.user_own.id)
        with self.assertRaises(AccessError):
            mine.with_user(self.user_own).action_import()
        self.user_own.group_ids += self.env.ref('base.group_partner_manager')
        mine.with_user(self.user_own).action_import()
        self.run_job(mine.job_id)
        self.assertEqual(mine.created_count, 1)
        self.assertEqual(self.get_contacts('Imp ').create_uid, self.user_own)

    def test_an_administrator_may_import_every_kind(self):
        self.user_manager.group_ids += self.env.ref('base.group_partner_manager')
        self.user_manager.group_ids += self.env.ref('sales_team.group_sale_manager')
        self.user_manager.group_ids += self.env.ref('product.group_product_manager')
        Import = self.env['crm.import'].with_user(self.user_manager)
        for template in Import._get_import_templates():
            if template.model.startswith(('res.', 'product.', 'sale.', 'crm.')):
                with self.subTest(template.code):
                    Import._ensure_rights(template)

    def test_rows_are_not_kept(self):
        record = self.bring_in([self.HEADER, ('imp-1', 'Imp 1', '', ''), ('imp-2', '', '', '')])
        rows = self.env['crm.import.row'].search([('import_id', '=', record.id)])
        self.assertEqual([bool(row.cells) for row in rows], [False, True])
        self.company.crm_job_keep_days = 90
        self.env.cr.execute("UPDATE crm_import SET write_date = now() - interval '91 days'")
        self.env.invalidate_all()
        self.env['crm.import']._gc_ended()
        self.assertFalse(record.exists())
        self.assertFalse(rows.exists())

    def test_forms_only_looked_at_are_deleted(self):
        kept = self.bring_in([('Name',), ('Imp 1',)]) | self.make_import([('Name',), ('Imp 2',)])
        looked_at = kept.create({})
        self.env['crm.import']._gc_unused()
        self.assertTrue(looked_at.exists(), "somebody may still be at it")
        self.env.flush_all()
        self.env.cr.execute("UPDATE crm_import SET write_date = now() - interval '2 days'")
        self.env.invalidate_all()
        self.env['crm.import']._gc_unused()
        self.assertFalse(looked_at.exists())
        self.assertEqual(kept.exists(), kept)

    def test_queries_do_not_grow_with_the_file(self):
        def count(number, first):
            record = self.make_import([self.HEADER, *self.get_rows(number, first)])
            record.action_import()
            before = self.env.cr.sql_log_count
            self.run_job(record.job_id)
            return self.env.cr.sql_log_count - before

        count(1, 1)
        self.assertLessEqual(count(80, 200), count(20, 100) + 20)
