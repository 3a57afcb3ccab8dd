from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools.misc import file_open

from .import_common import ImportCase, to_csv, to_xlsx
from .test_import_templates import TEMPLATES


@tagged('post_install', '-at_install')
class TestImportFiles(ImportCase):
    def test_unknown_and_missing_columns(self):
        for header, message in (
            (('Name', 'Phoen'), r"Phoen \(is it Phone\?\)"),
            (('Phone', 'Email'), "missing: Name"),
            (('Name', 'Phone', 'phone'), "mean the same: Phone and phone"),
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
