import base64
import io
from datetime import datetime
from unittest.mock import patch

import psycopg2
from openpyxl import Workbook, load_workbook

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger
from odoo.tools.misc import file_open

from .common import CrmCustomerCommon, JobCase
from .test_import_templates import TEMPLATES

CHUNK = 'odoo.addons.crm_customer.models.crm_import_load.CHUNK'


def to_csv(rows, encoding='utf-8', separator=','):
    return "\r\n".join(separator.join(row) for row in rows).encode(encoding)


def to_xlsx(rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    output = io.BytesIO()
    book.save(output)
    return output.getvalue()


class ImportCase(CrmCustomerCommon, JobCase):
    """Helpers for the tests of imports."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env = cls.env(context={**cls.env.context, 'tz': 'UTC'})
        cls.env.user.tz = 'UTC'
        cls.company.country_id = cls.env.ref('base.cn')

    def make_import(self, rows, template='customers', **values):
        """Return an import of rows, or of the content of a file."""
        content = rows if isinstance(rows, bytes) else to_csv(rows)
        name = 'file.xlsx' if content.startswith(b'PK') else 'file.csv'
        return self.env['crm.import'].create(
            {'template': template, 'file': base64.b64encode(content), 'file_name': name, **values}
        )

    def bring_in(self, rows, template='customers', **values):
        """Import rows; return the import."""
        record = self.make_import(rows, template, **values)
        record.action_import()
        self.run_job(record.job_id)
        self.assertEqual(record.state, 'done', record.job_id.result)
        return record

    def get_counts(self, record):
        return tuple(record[name] for name in record._get_counters())

    def get_bad(self, record):
        return {row.number: row.reason for row in record.bad_row_ids}

    def get_contacts(self, text):
        return self.env['res.partner'].search([('name', '=like', f'{text}%')], order='name')


@tagged('post_install', '-at_install')
class TestImport(ImportCase):
    HEADER = ('External ID', 'Name', 'Phone', 'Email')

    def get_rows(self, number, first=1):
        return [
            (f'imp-{i}', f'Imp {i:03}', f'+86 571 5555 {i:04}', f'imp{i}@example.com')
            for i in range(first, first + number)
        ]

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
        record.action_cancel()
        self.run_job(record.job_id)
        self.assertEqual((record.state, record.created_count), ('cancelled', 2))
        record.action_resume()
        self.run_job(record.job_id)
        self.assertEqual(self.get_counts(record), (4, 0, 0, 0))

    # ------------------------------------------------------------
    # HEADERS AND FILES
    # ------------------------------------------------------------

    def test_unknown_and_missing_columns(self):
        for header, message in (
            (('Name', 'Phoen'), r"Phoen \(is it Phone\?\)"),
            (('Phone', 'Email'), "missing: Name"),
            (('Name', 'Phone', 'phone'), "mean the same: Phone, phone"),
        ):
            with self.assertRaisesRegex(UserError, message):
                self.make_import([header, ('a', 'b', 'c')]).action_check()
        record = self.bring_in([('Name', 'Shoe size'), ('Imp 1', '42')], ignore_unknown=True)
        self.assertEqual(record.created_count, 1)

    def test_any_field_of_the_model_is_a_column(self):
        self.bring_in([('Name', 'Job Position', 'street2'), ('Imp 1', "Cook", "Back door")])
        self.assertRecordValues(
            self.get_contacts('Imp '), [{'function': "Cook", 'street2': "Back door"}]
        )

    def test_files_that_cannot_be_read(self):
        for content, message in (
            (b'\xd0\xcf\x11\xe0 old', "old Excel"),
            (b'PK broken', "damaged"),
            (b' \r\n', "empty"),
        ):
            with self.assertRaisesRegex(UserError, message):
                self.make_import(content).action_check()

    def test_encodings_and_separators(self):
        rows = [('姓名', '手机', 'City'), ('Imp 王芳', '13800138000', '无锡')]
        for encoding, separator in (
            ('utf-8', ','),
            ('utf-8-sig', ';'),
            ('gb18030', ','),
            ('gb18030', '\t'),
            ('utf-16', '\t'),
        ):
            with self.subTest(encoding=encoding, separator=separator):
                record = self.bring_in(to_csv(rows, encoding, separator))
                self.assertEqual(sum(self.get_counts(record)), 1)
                self.assertFalse(record.bad_count)
        self.assertRecordValues(self.get_contacts('Imp '), [{'name': 'Imp 王芳', 'city': '无锡'}])
        traditional = [('Name', 'City'), ('Imp 張惠', '臺北')]
        self.bring_in(to_csv(traditional, 'big5hkscs'), encoding='big5hkscs')
        self.assertEqual(self.get_contacts('Imp 張').city, '臺北')

    def test_every_header_of_every_template_maps(self):
        Import = self.env['crm.import']
        for lang in ('en_US', *[code for code, _name in self.env['res.lang'].get_installed()]):
            for template in Import.with_context(lang=lang)._get_import_templates():
                with self.subTest(template=template.code, lang=lang):
                    content = Import.with_context(lang=lang)._build_template_file(template)
                    record = self.make_import(content, template.code).with_context(lang=lang)
                    columns = record._read_columns()
                    self.assertEqual(
                        [column['path'] for column in columns],
                        [column.path for column in template.columns],
                    )
                    for example in template.examples:
                        self.assertEqual(len(example), len(template.columns))

    def test_customers_have_the_columns_of_the_customer_file(self):
        template = self.env['crm.import']._prepare_customer_template()
        paths = {column.path for column in template.columns}
        own = {
            name
            for name, field in self.env['res.partner']._fields.items()
            if name.startswith(('customer_', 'birth_', 'group_', 'supplier_'))
            and field._modules == ('crm_customer',)
            and field.store
            and not field.readonly
        }
        self.assertTrue(own)
        self.assertFalse(own - paths)

    def test_customer_file(self):
        kind = self.env['crm.customer.type'].create({'name': "Imp type"})
        header = [
            'Name', 'Kind of File', 'Customer Type', 'Languages Spoken', 'birth_year',
            'Birth Month', 'Birth Day', 'Birthday Calendar', 'Born in a Leap Month', 'Heads',
        ]  # fmt: skip
        rows = [
            header,
            ['Imp 1', 'Person', 'Imp type', 'zh_CN, Japanese', 1984, 10, 3, 'Lunar (Chinese)', 1],
            ['Imp 2', 'group', '', 'en', '', '', '', '', '', 42],
            ['Imp 3', '', 'No such type', '', '', '', '', '', '', ''],
            ['Imp 4', '', '', 'Klingon', '', '', '', '', '', ''],
            ['Imp 5', '', '', '', '', 2, 30, '', '', ''],
        ]
        record = self.bring_in(to_xlsx(rows))
        self.assertEqual(list(self.get_bad(record)), [4, 5, 6])
        first, second = self.get_contacts('Imp ')
        self.assertRecordValues(
            first,
            [
                {
                    'customer_file_kind': 'person',
                    'customer_type_id': kind.id,
                    'birth_year': 1984,
                    'birth_month': 10,
                    'birth_day': 3,
                    'birth_calendar': 'lunar',
                    'birth_leap_month': True,
                }
            ],
        )
        self.assertEqual(set(first.customer_lang_ids.mapped('code')), {'zh_CN', 'ja_JP'})
        self.assertRecordValues(second, [{'customer_file_kind': 'group', 'group_heads': 42}])
        self.assertEqual(self.get_counts(self.bring_in(to_xlsx(rows))), (0, 0, 2, 3))

    def test_examples_of_customers_can_be_brought_in(self):
        template = self.env['crm.import']._prepare_customer_template()
        record = self.bring_in(self.env['crm.import']._build_template_file(template))
        self.assertEqual(record.bad_count, 0, self.get_bad(record))

    def test_names_are_found_in_any_language(self):
        self.env['res.lang']._activate_lang('zh_CN')
        kind = self.env['crm.customer.type'].create({'name': "Imp type"})
        kind.with_context(lang='zh_CN').name = "类型"
        rows = [
            ('Name', 'Country', 'Customer Type'),
            ('Imp 1', 'China', 'Imp type'),
            ('Imp 2', 'CN', '类型'),
            ('Imp 3', 'Nowhere', ''),
        ]
        self.env.ref('base.cn').with_context(lang='zh_CN').name = "中国"
        for lang in ('zh_CN', 'en_US'):
            self.env.user.lang = lang
            record = self.bring_in([*rows, ('Imp 4', '中国', '')])
            self.assertEqual(list(self.get_bad(record)), [4])
        found = self.get_contacts('Imp ')
        self.assertEqual(found.country_id, self.env.ref('base.cn'))
        self.assertEqual(found.customer_type_id, kind)

    def test_models_of_templates_leave_alone_what_is_the_same(self):
        mixin = self.env.registry['crm.import.mixin']
        for template in self.env['crm.import']._get_import_templates():
            if template.loader == 'load':
                with self.subTest(template.code):
                    self.assertIsInstance(self.env[template.model], mixin)

    def test_no_addon_of_ours_extends_all_models(self):
        """Odoo would check the tables of all of them, and tighten foreign keys of core's own."""
        modules = [cls.__module__ for cls in self.env.registry['base']._model_classes__]
        self.assertFalse([name for name in modules if name.startswith('odoo.addons.crm_')])

    def test_templates_of_core_import_map_too(self):
        templates = self.env['crm.import']._get_import_templates()
        codes = {template.model: template.code for template in templates}
        for model, name in TEMPLATES.items():
            with file_open(f'crm_customer/static/import/{name}', 'rb') as file:
                record = self.make_import(file.read(), codes[model])
            self.assertTrue(all(column['path'] for column in record._read_columns()))

    # ------------------------------------------------------------
    # ORDERS
    # ------------------------------------------------------------

    def test_past_orders(self):
        self.bring_in([self.HEADER, *self.get_rows(2)])
        self.product.default_code = 'LAMP-T'
        header = [
            'External ID', 'Order Reference', 'Customer/External ID', 'Order Date', 'Status',
            'Order Lines/Product', 'Order Lines/Quantity', 'Order Lines/Unit Price',
            'Order Lines/Taxes',
        ]  # fmt: skip
        rows = [
            header,
            ['imp-o1', 'OLD-1', 'imp-1', datetime(2025, 3, 14, 9, 30), 'sale', 'LAMP-T', 2, 11.5],
            ['', '', '', '', '', 'LAMP-T', 1, "1,000.00"],
            ['imp-o2', 'OLD-2', 'imp-2', '2025年6月2日', 'sale', 'LAMP-T', 1, 7],
            ['imp-o2', 'OLD-2', 'imp-2', '2025年6月2日', 'sale', 'LAMP-T', 3, 5],
            ['imp-o3', 'OLD-3', 'imp-2', '2025-02-30', 'sale', 'LAMP-T', 3, 5],
            ['', '', '', '', '', 'LAMP-T', 'two', 5],
            ['imp-o4', 'OLD-4', 'imp-7', '2025-02-03', 'sale', 'LAMP-T', 3, 5],
        ]
        with patch(CHUNK, 1):
            record = self.bring_in(to_xlsx(rows), 'past_orders')
        self.assertEqual(self.get_counts(record), (2, 0, 0, 2))
        bad = self.get_bad(record)
        self.assertEqual(list(bad), [6, 8])
        self.assertIn("“2025-02-30” in “Order Date”", bad[6])
        self.assertIn("“two” in “Order Lines/Quantity” is not a number", bad[6])
        self.assertIn("'imp-7'", bad[8])
        orders = self.env.ref('__import__.imp-o1') | self.env.ref('__import__.imp-o2')
        self.assertRecordValues(
            orders,
            [
                {'state': 'sale', 'date_order': datetime(2025, 3, 14, 9, 30), 'amount_total': 1023},
                {'state': 'sale', 'date_order': datetime(2025, 6, 2, 12), 'amount_total': 22},
            ],
        )
        record.action_download_errors()
        sheet = load_workbook(io.BytesIO(base64.b64decode(record.error_file))).active
        self.assertEqual(
            [row[-2] for row in sheet.iter_rows(min_row=2, values_only=True)], [6, 7, 8]
        )
        again = self.bring_in(to_xlsx(rows), 'past_orders')
        self.assertEqual(self.get_counts(again), (0, 0, 2, 2))
        self.assertEqual(orders.mapped(lambda order: len(order.order_line)), [2, 2])
        rows[2][6] = 4
        again = self.bring_in(to_xlsx(rows), 'past_orders')
        self.assertEqual(self.get_counts(again), (0, 1, 1, 2))
        self.assertEqual(orders[0].amount_total, 4023)

    # ------------------------------------------------------------
    # CUSTOMERS ALREADY THERE
    # ------------------------------------------------------------

    def test_customers_are_found(self):
        found = self.env['res.partner'].create(
            [
                {'name': "Imp phone", 'phone': '138 0013 8001'},
                {'name': "Imp mail", 'email': 'IMP@example.com'},
            ]
        )
        rows = [
            self.HEADER,
            ('imp-1', 'Imp phone', '+86 13800138001', 'p@example.com'),
            ('', 'Imp mail', '', 'imp@example.com'),
            ('imp-3', 'Imp new', '13800138003', ''),
            ('imp-4', 'Imp double', '138-0013-8003', ''),
        ]
        record = self.bring_in(rows, existing='fill')
        self.assertEqual(self.get_counts(record), (1, 1, 1, 1))
        self.assertIn("Line 4 has the same", self.get_bad(record)[5])
        self.assertEqual(self.env.ref('__import__.imp-1'), found[0])
        self.assertEqual(found[0].email, 'p@example.com')
        self.assertEqual(self.get_counts(self.bring_in(rows, existing='fill')), (0, 0, 3, 1))
        record = self.bring_in(rows, match_phone=False, match_email=False)
        self.assertEqual(self.get_counts(record), (2, 1, 1, 0))

    def test_more_than_one_contact_has_the_number(self):
        self.env['res.partner'].create(
            [{'name': name, 'phone': '13800138009'} for name in ('Imp a', 'Imp b')]
        )
        rows = [self.HEADER, ('', 'Imp c', '13800138009', '')]
        self.assertIn("2 contacts have 8613800138009", self.get_bad(self.bring_in(rows))[2])
        rows[1] = ('', 'imp B', '13800138009', '')
        self.assertEqual(self.get_counts(self.bring_in(rows, existing='fill')), (0, 0, 1, 0))

    def test_contacts_of_another_company_are_not_touched(self):
        other = self.env['res.partner'].create(
            {'name': "Imp other", 'phone': '13800138010', 'company_id': self.other_company.id}
        )
        record = self.bring_in([self.HEADER, ('', 'Imp mine', '13800138010', '')])
        self.assertEqual(self.get_counts(record), (1, 0, 0, 0))
        self.assertEqual(other.name, "Imp other")

    def get_stays(self):
        """200 stays of 80 guests who write their numbers in three ways; 3 of them are wrong."""
        ways = ('138 0013 {:04}', '+86 1380013{:04}', '(86) 138-0013-{:04}')
        rows = [('Type', 'Reference', 'Guest', 'Customer Phone', 'Expected from', 'Room')]
        for i in range(200):
            guest = i % 80
            phone = ways[i // 80].format(8100 + guest).replace('(86)', '0086')
            name = f'Imp guest {guest:02}'
            rows.append(('Stay', f'stay-{i}', name, phone, '2026-04-01 14:00', str(i)))
        rows[17] = ('Stay', 'stay-16', 'Imp guest 16', '138 0013 8116', '2026-04-31', '16')
        rows[90] = ('Stay', 'stay-89', 'Imp guest 09', '', '2026-04-01', '89')
        rows[150] = ('Stay', 'stay-1', 'Imp guest 01', '138 0013 8101', '2026-04-09', '1')
        return rows

    def get_stay(self, reference):
        return self.env['crm.occasion'].search([('reference', '=', reference)])

    def test_B3_1_file_of_stays(self):
        """200 stays: guests merged by phone, 3 bad lines, a second run changes nothing."""
        known = self.env['res.partner'].create({'name': "Imp guest 05", 'phone': '13800138105'})
        rows = self.get_stays()
        with patch(CHUNK, 50):
            record = self.bring_in(rows, 'occasions')
        self.assertEqual(self.get_counts(record), (197, 0, 0, 3))
        bad = self.get_bad(record)
        self.assertEqual(list(bad), [18, 91, 151])
        self.assertIn("“2026-04-31” in “Expected from” is not a date", bad[18])
        self.assertIn("nothing to find the customer by", bad[91])
        self.assertIn("Line 3 has the same External ID", bad[151])
        guests = self.get_contacts('Imp guest')
        self.assertEqual(len(guests), 80)
        stays = self.env['crm.occasion'].search([('partner_id', 'in', guests.ids)])
        self.assertEqual(len(stays), 197)
        self.assertEqual(self.get_stay('stay-5').partner_id, known)

        self.env.flush_all()
        self.env.cr.execute("UPDATE crm_occasion SET write_date = '2020-01-01'")
        self.env.invalidate_all()
        with patch(CHUNK, 50):
            again = self.bring_in(rows, 'occasions')
        self.assertEqual(self.get_counts(again), (0, 0, 197, 3))
        self.assertEqual(self.get_contacts('Imp guest'), guests)
        self.assertEqual(set(stays.mapped('write_date')), {datetime(2020, 1, 1)})

    def test_a_guest_is_completed_not_overwritten(self):
        known = self.env['res.partner'].create({'name': "Mr Li", 'phone': '13800138105'})
        rows = [
            ('Type', 'Reference', 'Guest', 'Customer Phone', 'Customer Email', 'Expected from'),
            ('Stay', 'stay-1', 'Imp Li', '13800138105', 'imp.li@example.com', '2026-04-01'),
            ('Stay', 'stay-2', '', '', 'imp.li@example.com', '2026-04-02'),
            ('Stay', 'stay-3', '', '13800138999', '', '2026-04-02'),
        ]
        record = self.bring_in(rows, 'occasions')
        self.assertRecordValues(known, [{'name': "Mr Li", 'email': 'imp.li@example.com'}])
        self.assertEqual(self.get_stay('stay-2').partner_id, known)
        self.assertIn("no name to make one", self.get_bad(record)[4])

    def test_what_staff_noted_is_not_taken_back(self):
        rows = [
            ('Type', 'Reference', 'Guest', 'Customer Phone', 'Expected from', 'Status', 'Room'),
            ('Stay', 'stay-1', 'Imp Li', '13800138105', '2026-04-01', 'Expected', '1208'),
        ]
        self.bring_in(rows, 'occasions')
        stay = self.get_stay('stay-1')
        stay.action_arrive()
        rows[1] = (*rows[1][:-1], '1310')
        self.assertEqual(self.get_counts(self.bring_in(rows, 'occasions')), (0, 1, 0, 0))
        self.assertRecordValues(stay, [{'state': 'present', 'place': '1310'}])

    def test_notes(self):
        rows = [
            ('Customer Name', 'Customer Phone', 'Note', 'Date'),
            ('Imp Li', '13800138105', 'Buckwheat pillow', '2025-11-02'),
            ('Imp Li', '13800138105', 'Two ashtrays', ''),
            ('Imp Li', '13800138105', '', ''),
        ]
        self.assertEqual(self.get_counts(self.bring_in(rows, 'notes')), (2, 0, 0, 1))
        self.assertEqual(self.get_counts(self.bring_in(rows, 'notes')), (0, 0, 2, 1))
        notes = self.env['crm.customer.note'].search(
            [('partner_id', '=', self.get_contacts('Imp ').id)], order='id'
        )
        self.assertEqual(notes.mapped('text'), ['Buckwheat pillow', 'Two ashtrays'])

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
