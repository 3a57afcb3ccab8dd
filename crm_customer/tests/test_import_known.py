import base64
import io
from datetime import datetime
from unittest.mock import patch

from openpyxl import load_workbook

from odoo.exceptions import UserError
from odoo.tests import tagged

from .import_common import CHUNK, ImportCase, to_xlsx


@tagged('post_install', '-at_install')
class TestImportKnown(ImportCase):
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

    def test_all_that_is_wrong_with_a_line_is_said(self):
        self.env['res.partner'].create(
            [{'name': name, 'phone': '13800138009'} for name in ('Imp a', 'Imp b')]
        )
        rows = [
            (*self.HEADER, 'country_id', 'lang', 'birth_year'),
            ('', 'Imp c', '13800138009', '', 'Atlantis', 'Klingon', 'MCMXC'),
            ('', 'Imp d', '13900139771', '', 'Atlantis', '', ''),
            ('', 'Imp e', '13900139772', '', 'China', '', ''),
        ]
        for dry_run in (True, False):
            record = self.make_import(rows)
            record._start(dry_run=dry_run)
            self.run_job(record.job_id)
            self.assertEqual(self.get_counts(record), (1, 0, 0, 2))
            bad = self.get_bad(record)
            for text in ("MCMXC", "2 contacts have", "Atlantis", "Klingon"):
                self.assertIn(text, bad[2])
            self.assertEqual(len(bad[2].splitlines()), 4, bad[2])
            self.assertEqual(len(bad[3].splitlines()), 1, bad[3])
        self.assertEqual(self.get_contacts('Imp ').mapped('name'), ['Imp a', 'Imp b', 'Imp e'])

    def test_all_that_is_wrong_with_a_stay_is_said(self):
        rows = [
            ('Type', 'Reference', 'Guest', 'Customer Phone', 'Expected from'),
            ('No such type', 'R-1', '', '', 'tomorrow'),
            ('No such type', 'R-2', '', '13800138077', '2026-11-22'),
        ]
        bad = self.get_bad(self.bring_in(rows, 'occasions'))
        for text in ("tomorrow", "nothing to find the customer by", "No such type"):
            self.assertIn(text, bad[2])
        for text in ("no name to make one", "No such type"):
            self.assertIn(text, bad[3])

    def test_number_that_cannot_be_read_is_not_missing(self):
        rows = [
            ('Type', 'Reference', 'Guest', 'Customer Phone', 'Expected from'),
            ('Stay', 'R-1', 'Imp a', '1.38001E+10', '2026-11-22'),
        ]
        bad = self.get_bad(self.bring_in(rows, 'occasions'))
        self.assertIn("is shortened", bad[2])
        self.assertNotIn("nothing to find", bad[2])

    def test_looking_for_all_that_is_wrong_stops_nothing(self):
        """What fails when lines are looked at that are left out anyway is not said."""

        def name_search(countries, name='', *args, **kwargs):
            if name == 'Atlantis':
                message = "No Atlantis, please"
                raise UserError(message)
            return search(countries, name, *args, **kwargs)

        countries = self.registry['res.country']
        search = countries.name_search
        rows = [
            (*self.HEADER, 'country_id', 'birth_year'),
            ('', 'Imp c', '13800138009', '', 'Atlantis', 'MCMXC'),
            ('', 'Imp d', '13900139771', '', 'China', '1990'),
        ]
        with patch.object(countries, 'name_search', name_search):
            record = self.bring_in(rows)
        self.assertEqual(record.job_id.state, 'done')
        self.assertEqual(self.get_counts(record), (1, 0, 0, 1))
        self.assertIn("MCMXC", self.get_bad(record)[2])

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
