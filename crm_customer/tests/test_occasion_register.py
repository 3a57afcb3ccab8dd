from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged
from odoo.tools.misc import file_open

from .common_occasion import OccasionCommon
from .test_import_templates import OPTIONS, XLSX


@tagged('post_install', '-at_install')
class TestOccasionRegister(OccasionCommon):
    def setUp(self):
        super().setUp()
        # who sends customers that may be new needs the right to create contacts
        self.user_all.group_ids |= self.env.ref('base.group_partner_manager')
        self.occasions = self.env['crm.occasion'].with_user(self.user_all)

    def entry(self, **values):
        return {
            'type': 'stay',
            'reference': 'RES-1',
            'customer': {'name': "Li Na", 'phone': '13800138000'},
            'date_from': '2026-04-10',
            'date_to': '2026-04-12',
            'place': '1208',
            **values,
        }

    def test_register(self):
        [result] = self.occasions.register([self.entry()])
        stay = self.occasions.browse(result['id'])
        self.assertRecordValues(
            stay,
            [
                {
                    'type_id': self.stay.id,
                    'partner_id': self.guest_li.id,  # found by his phone number
                    'reference': 'RES-1',
                    'date_from': self.utc('2026-04-10 06:00:00'),  # 14:00 in Shanghai
                    'date_to': self.utc('2026-04-12 04:00:00'),
                    'place': '1208',
                    'state': 'expected',
                }
            ],
        )
        self.assertEqual((result['created'], result['changed']), (True, True))

    def test_again(self):
        """The same again changes nothing; something new changes that."""
        [first] = self.occasions.register([self.entry()])
        self.env.flush_all()
        stay = self.occasions.browse(first['id'])
        stamp, partners = stay.write_date, self.env['res.partner'].search_count([])
        self.env.cr.execute(
            "UPDATE crm_occasion SET write_date = '2020-01-01' WHERE id = %s", [stay.id]
        )
        stay.invalidate_recordset()
        [again] = self.occasions.register([self.entry()])
        self.env.flush_all()
        self.assertEqual(
            (again['id'], again['created'], again['changed']), (first['id'], False, False)
        )
        self.assertEqual(str(stay.write_date), '2020-01-01 00:00:00')
        self.assertTrue(stamp)
        [moved] = self.occasions.register([self.entry(place='1301', date_to='2026-04-13')])
        self.assertEqual((moved['id'], moved['changed']), (first['id'], True))
        self.assertEqual(stay.place, '1301')
        self.assertEqual(self.env['res.partner'].search_count([]), partners)

    def test_customers(self):
        results = self.occasions.register(
            [
                self.entry(reference='A', customer={'name': "New", 'phone': '137 0013 7000'}),
                self.entry(reference='B', customer={'name': "N.", 'phone': '+8613700137000'}),
                self.entry(reference='C', customer={'email': 'LI@mail.example.com'}),
                self.entry(reference='D', customer={'name': "No Number"}),
                self.entry(reference='E', customer=None, partner_id=self.guest_wang.id),
            ]
        )
        new, same, by_mail, nameless, given = (row['partner_id'] for row in results)
        self.assertEqual(new, same)
        self.assertEqual(by_mail, self.guest_li.id)
        self.assertEqual(self.env['res.partner'].browse(nameless).name, "No Number")
        self.assertEqual(given, self.guest_wang.id)

    def test_every_wrong_entry_is_named(self):
        count = self.env['crm.occasion'].search_count([])
        with self.assertRaises(ValidationError) as caught:
            self.occasions.register(
                [
                    self.entry(),
                    self.entry(type='cruise', reference='2'),
                    self.entry(reference=''),
                    self.entry(reference='4', date_to='2026-04-01'),
                    self.entry(reference='5', date_from='10.4.2026'),
                    self.entry(reference='6', room='1'),
                    self.entry(reference='RES-1'),
                    self.entry(reference='8', company_id=self.other_company.id),
                    self.entry(reference='9', state='lost'),
                ]
            )
        message = str(caught.exception)
        for number in (2, 3, 4, 5, 6, 7, 8, 9):
            self.assertIn(f"Entry {number}: ", message)
        self.assertNotIn("Entry 1: ", message)
        self.assertEqual(self.env['crm.occasion'].search_count([]), count)

    def test_state(self):
        entry = self.entry(state='present', arrived_at='2026-04-10T15:05:00+08:00')
        [result] = self.occasions.register([entry])
        stay = self.occasions.browse(result['id'])
        self.assertEqual(stay.arrived_at, self.utc('2026-04-10 07:05:00'))
        self.occasions.register([self.entry(state='expected')])
        self.assertEqual(stay.state, 'present', "a list that lags behind takes nothing back")
        self.occasions.register([self.entry(state='left', left_at='2026-04-12T03:00:00Z')])
        self.assertRecordValues(
            stay,
            [
                {
                    'state': 'left',
                    'arrived_at': self.utc('2026-04-10 07:05:00'),
                    'left_at': self.utc('2026-04-12 03:00:00'),
                }
            ],
        )

    def test_what_is_no_moment(self):
        with self.assertRaisesRegex(ValidationError, "soon is no moment"):
            self.occasions.register([self.entry(date_from="soon")])

    def test_state_that_staff_noted(self):
        """What staff set to did not come or cancelled, a late line opens only when it says so."""
        [result] = self.occasions.register([self.entry()])
        stay = self.occasions.browse(result['id'])
        for step, state in (('action_no_show', 'no_show'), ('action_cancel', 'cancelled')):
            getattr(stay, step)()
            [again] = self.occasions.register([self.entry(state='expected')])
            self.assertEqual((stay.state, again['changed']), (state, False))
            self.occasions.register([self.entry(state='expected', reopen=True)])
            self.assertEqual(stay.state, 'expected')
        stay.action_no_show()
        self.occasions.register([self.entry(state='present')])
        self.assertEqual(stay.state, 'present', "he came after all")
        self.occasions.register([self.entry(state='left')])
        self.occasions.register([self.entry(state='cancelled')])
        self.assertEqual(stay.state, 'left')

    def test_customers_of_the_company(self):
        """Customers are looked for where the entry belongs, not where the program works."""
        self.other_company.country_id = self.env.ref('base.de')
        self.guest_li.company_id = self.company
        theirs = self.env['res.partner'].create(
            {'name': "Erika", 'phone': '030 12345678', 'company_id': self.other_company.id}
        )
        self.user_all.company_ids |= self.other_company
        both = self.occasions.with_context(
            allowed_company_ids=(self.company | self.other_company).ids
        )
        there = {'company_id': self.other_company.id}
        results = both.register(
            [
                self.entry(
                    reference='A', customer={'name': "E.", 'phone': '+493012345678'}, **there
                ),
                self.entry(reference='B', **there),
                self.entry(reference='C'),
                self.entry(reference='D', customer={'email': 'new@mail.example.com'}, **there),
                self.entry(reference='E', customer={'email': 'New@mail.example.com'}),
            ]
        )
        erika, namesake, li, new, same = (row['partner_id'] for row in results)
        self.assertEqual(erika, theirs.id)
        self.assertEqual(li, self.guest_li.id)
        self.assertNotIn(namesake, (li, erika))
        self.assertEqual(new, same)
        stay = both.browse(results[0]['id'])
        self.assertEqual(stay.currency_id, self.other_company.currency_id)

    def test_access(self):
        with self.assertRaises(AccessError):
            self.occasions.with_user(self.user_employee).register([self.entry()])

    # ------------------------------------------------------------
    # IMPORT
    # ------------------------------------------------------------

    def import_template(self):
        with file_open('crm_customer/static/import/occasions.xlsx', 'rb') as template:
            wizard = (
                self.env['base_import.import']
                .with_user(self.user_all)
                .create(
                    {
                        'res_model': 'crm.occasion',
                        'file': template.read(),
                        'file_name': 'occasions.xlsx',
                        'file_type': XLSX,
                    }
                )
            )
        preview = wizard.parse_preview({**OPTIONS})
        self.assertFalse(preview.get('error'))
        unmapped = set(range(len(preview['headers']))) - set(preview['matches'])
        self.assertFalse([preview['headers'][index] for index in unmapped])
        columns = preview['headers']
        names = ['/'.join(preview['matches'][index]) for index in range(len(columns))]
        result = wizard.with_context(tz='Asia/Shanghai').execute_import(names, columns, {**OPTIONS})
        self.assertFalse(result['messages'], result['messages'])
        return self.env['crm.occasion'].browse(result['ids'])

    def test_import(self):
        offered = [row['template'] for row in self.env['crm.occasion'].get_import_templates()]
        self.assertIn('/crm_customer/static/import/occasions.xlsx', offered)
        partners = self.env['res.partner'].search_count([])
        occasions = self.import_template()
        self.assertEqual(len(occasions), 3)
        self.assertRecordValues(
            occasions[0],
            [
                {
                    'partner_id': self.guest_li.id,
                    'date_from': self.utc('2026-04-10 06:00:00'),
                    'companion_count': 1,
                    'amount': 1360,
                    'state': 'expected',
                }
            ],
        )
        self.assertEqual(occasions[2].type_id, self.appointment)
        self.assertEqual(self.env['res.partner'].search_count([]), partners + 2)
        self.env.flush_all()
        self.env.cr.execute("UPDATE crm_occasion SET write_date = '2020-01-01'")
        occasions.invalidate_recordset()
        again = self.import_template()
        self.env.flush_all()
        again.invalidate_recordset()
        self.assertEqual(again, occasions)
        stamps = {str(stamp) for stamp in again.mapped('write_date')}
        self.assertEqual(stamps, {'2020-01-01 00:00:00'})
        self.assertEqual(self.env['res.partner'].search_count([]), partners + 2)
