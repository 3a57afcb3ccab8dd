from datetime import datetime

from odoo.tests import TransactionCase, tagged
from odoo.tools.misc import file_open

XLSX = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
OPTIONS = {
    'has_headers': True,
    'quoting': '"',
    'separator': ',',
    'float_thousand_separator': ',',
    'float_decimal_separator': '.',
    'date_format': '%Y-%m-%d',
    'datetime_format': '%Y-%m-%d %H:%M:%S',
}
TEMPLATES = {
    'res.partner': 'customers.xlsx',
    'product.template': 'products.xlsx',
    'sale.order': 'past_orders.xlsx',
}


@tagged('post_install', '-at_install')
class TestImportTemplates(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # times in a file are in the time zone of who imports it
        cls.env = cls.env(context={**cls.env.context, 'tz': 'UTC'})

    def preview(self, model, lang='en_US'):
        """Upload the template as the user does, and return the wizard and its preview."""
        with file_open(f'crm_customer/static/import/{TEMPLATES[model]}', 'rb') as template:
            wizard = self.env['base_import.import'].with_context(lang=lang)
            wizard = wizard.create(
                {
                    'res_model': model,
                    'file': template.read(),
                    'file_name': TEMPLATES[model],
                    'file_type': XLSX,
                }
            )
        return wizard, wizard.parse_preview({**OPTIONS})

    def import_template(self, model):
        wizard, preview = self.preview(model)
        columns = preview['headers']
        fields = ['/'.join(preview['matches'][index]) for index in range(len(columns))]
        result = wizard.execute_import(fields, columns, {**OPTIONS})
        self.assertFalse(result['messages'], result['messages'])
        return self.env[model].browse(result['ids'])

    def test_templates_are_offered(self):
        for model, filename in TEMPLATES.items():
            templates = [row['template'] for row in self.env[model].get_import_templates()]
            self.assertIn(f'/crm_customer/static/import/{filename}', templates)
            self.assertGreater(len(templates), 1, "beside those of core")

    def test_every_header_maps(self):
        for model in TEMPLATES:
            with self.subTest(model):
                _wizard, preview = self.preview(model)
                self.assertFalse(preview.get('error'))
                unmapped = [
                    header
                    for index, header in enumerate(preview['headers'])
                    if index not in preview['matches']
                ]
                self.assertFalse(unmapped)

    def test_customers_with_their_file(self):
        company, person, shop = self.import_template('res.partner')
        self.assertRecordValues(
            person,
            [
                {
                    'parent_id': company.id,
                    'customer_type_id': self.env.ref('crm_customer.crm_customer_type_end_user').id,
                    'customer_file_kind': 'person',
                    'birth_day': 15,
                    'birth_month': 8,
                    'birth_year': 1988,
                    'birth_calendar': 'lunar',
                }
            ],
        )
        self.assertEqual(company.customer_tz_choice, 'Asia/Shanghai')
        self.assertEqual(
            shop.customer_status_id, self.env.ref('crm_customer.crm_customer_status_first')
        )

    def test_past_orders_keep_their_date(self):
        customers = self.import_template('res.partner')
        self.assertEqual(customers[1].parent_id, customers[0])
        self.import_template('product.template')
        orders = self.import_template('sale.order')
        self.assertRecordValues(
            orders,
            [
                {
                    'name': 'OLD-3001',
                    'partner_id': customers[0].id,
                    'state': 'sale',
                    'date_order': datetime(2025, 3, 14, 12),
                    'amount_total': 4 * 899 + 60,
                    'invoice_status': 'to invoice',
                },
                {
                    'name': 'OLD-3002',
                    'partner_id': customers[2].id,
                    'state': 'sale',
                    'date_order': datetime(2025, 6, 2, 12),
                    'amount_total': 490,
                    'invoice_status': 'to invoice',
                },
            ],
        )
        page = customers[2].get_customer_timeline(sources=['sale.order'])
        self.assertEqual(
            [(entry['title'], entry['date'], entry['state']) for entry in page['entries']],
            [('Sales Order OLD-3002', '2025-06-02 12:00:00', "Sales Order")],
        )

    def test_load_as_a_script_does(self):
        """The same columns by their technical names, as a migration script loads them."""
        self.env['res.partner'].load(['id', 'name'], [['test.c', "Customer"]])
        self.env['product.product'].load(['id', 'name'], [['test.p', "Product"]])
        columns = [
            'id',
            'name',
            'partner_id/id',
            'date_order',
            'state',
            'order_line/product_id/id',
            'order_line/product_uom_qty',
            'order_line/price_unit',
            'order_line/tax_ids',
        ]
        rows = [['test.o', 'O1', 'test.c', '2024-01-05 12:00:00', 'sale', 'test.p', 1, 11.77, '']]
        result = self.env['sale.order'].load(columns, rows)
        self.assertFalse(result['messages'])
        order = self.env['sale.order'].browse(result['ids'])
        again = self.env['sale.order'].load(columns[:5], [row[:5] for row in rows])
        self.assertEqual(again['ids'], order.ids, "a second run changes nothing")
        self.assertRecordValues(
            order,
            [{'state': 'sale', 'date_order': datetime(2024, 1, 5, 12), 'amount_total': 11.77}],
        )
        self.assertFalse(order.locked)
