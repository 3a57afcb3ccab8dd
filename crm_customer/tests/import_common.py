"""Helpers for tests of imports."""

import base64
import io

from openpyxl import Workbook

from .common import CrmCustomerCommon, JobCase

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

    HEADER = ('External ID', 'Name', 'Phone', 'Email')

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

    def get_rows(self, number, first=1):
        return [
            (f'imp-{i}', f'Imp {i:03}', f'+86 571 5555 {i:04}', f'imp{i}@example.com')
            for i in range(first, first + number)
        ]
