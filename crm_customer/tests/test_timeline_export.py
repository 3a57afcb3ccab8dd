import csv
import io
from datetime import datetime, timedelta

from openpyxl import load_workbook

from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger

from ..models import res_partner_timeline
from ..timeline_export import write_csv, write_xlsx
from .common import CrmCustomerCommon

NOON = datetime(2026, 3, 14, 12, 0, 0)


@tagged('post_install', '-at_install')
class TestTimelineExport(CrmCustomerCommon):
    def export(self, user=None, **kwargs):
        partner = self.customer.with_user(user or self.env.user)
        return list(partner._iter_timeline_export(**kwargs))

    def test_lines(self):
        self.create_order(self.customer, NOON, name="S1")
        partner = self.customer.with_context(tz='Asia/Shanghai')
        header, line = partner._iter_timeline_export(sources=['sale.order'])
        self.assertEqual(header, ["Date", "Kind", "Title", "Text", "Status"])
        self.assertEqual(line[:3], ['2026-03-14 20:00:00', "Sales Orders", "Sales Order S1"])

    def test_same_entries_as_on_screen(self):
        for index in range(1200):
            self.create_message(self.contact, NOON + timedelta(minutes=index), f"text {index}")
        self.patch(res_partner_timeline, 'EXPORT_BATCH_SIZE', 700)
        bodies = [line[3] for line in self.export(sources=['mail.message'])[1:]]
        self.assertEqual(bodies, [f"text {index}" for index in reversed(range(1200))])

    def test_only_what_the_user_reads(self):
        mine = self.create_order(self.customer, NOON, user_id=self.user_salesman.id)
        self.create_order(self.customer, NOON, user_id=self.user_manager.id)
        lines = self.export(self.user_salesman, sources=['sale.order'])[1:]
        self.assertEqual([line[2] for line in lines], [f"Sales Order {mine.name}"])
        self.env['ir.rule'].create(
            {
                'name': "Not this customer",
                'model_id': self.env.ref('base.model_res_partner').id,
                'domain_force': [('id', '!=', self.customer.id)],
            }
        )
        with self.assertRaises(AccessError):
            self.export(self.user_salesman)

    def test_events_that_may_not_leave(self):
        self.create_order(self.customer, NOON, name="seen")
        self.create_order(self.customer, NOON, name="kept")
        partner_model = self.registry['res.partner']
        original = partner_model._get_timeline_source_orders

        def keep(self):
            source = original(self)
            object.__setattr__(source, 'export_domain', Domain('name', '!=', 'kept'))
            return source

        self.patch(partner_model, '_get_timeline_source_orders', keep)
        self.assertEqual(len(self.customer.get_customer_timeline()['entries']), 2)
        self.assertEqual([line[2] for line in self.export()[1:]], ["Sales Order seen"])

    # ------------------------------------------------------------
    # Files
    # ------------------------------------------------------------

    def test_csv_holds_no_formula(self):
        file = io.BytesIO()
        write_csv(file, [["=1+1", "-5", "@x", "中文, \"quoted\"\nline"]])
        (row,) = csv.reader(io.StringIO(file.getvalue().decode('utf-8-sig'), newline=''))
        self.assertEqual(row, ["'=1+1", "'-5", "'@x", "中文, \"quoted\"\nline"])

    def test_xlsx_holds_no_formula(self):
        file = io.BytesIO()
        write_xlsx(file, [["Date"], ["=1+1"], ["http://x.example"]])
        sheet = load_workbook(file).active
        cells = [cell for (cell,) in sheet.iter_rows()]
        self.assertEqual([cell.value for cell in cells], ["Date", "=1+1", "http://x.example"])
        self.assertEqual({cell.data_type for cell in cells}, {'s'})
        self.assertFalse(any(cell.hyperlink for cell in cells))


@tagged('post_install', '-at_install')
class TestTimelineDownload(CrmCustomerCommon, HttpCase):
    def get_file(self, login, extension='csv', **params):
        self.authenticate(login, login)
        url = f'/crm_customer/timeline/{self.customer.id}/{extension}'
        return self.url_open(f'{url}?{"&".join(f"{k}={v}" for k, v in params.items())}')

    def test_download(self):
        user = new_test_user(
            self.env, 'cc_exporter', 'sales_team.group_sale_manager,base.group_allow_export'
        )
        self.create_order(self.customer, NOON, name="S 1")
        response = self.get_file(user.login, sources='sale.order', search='S 1')
        self.assertEqual(response.status_code, 200)
        self.assertIn('attachment', response.headers['Content-Disposition'])
        rows = list(csv.reader(io.StringIO(response.content.decode('utf-8-sig'))))
        self.assertEqual([row[2] for row in rows], ["Title", "Sales Order S 1"])
        response = self.get_file(user.login, 'xlsx', sources='sale.order', date_to='2026-03-13')
        self.assertEqual(load_workbook(io.BytesIO(response.content)).active.max_row, 1)

    @mute_logger('odoo.http')
    def test_who_may_not_export(self):
        self.user_employee.group_ids -= self.env.ref('base.group_allow_export')
        self.assertFalse(self.user_employee.has_group('base.group_allow_export'))
        self.assertEqual(self.get_file(self.user_employee.login).status_code, 403)
