from odoo.tests import tagged
from odoo.tools import SQL

from .import_common import ImportCase


@tagged('post_install', '-at_install')
class TestOptOuts(ImportCase):
    HEADER = (
        'Customer/External ID', 'Email', 'Phone', 'Purpose', 'Channel', 'Date', 'Evidence',
    )  # fmt: skip

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact.write({'email': 'Chen@Example.com', 'phone': '+86 571 5555 0123'})
        cls.env['ir.model.data'].create(
            {
                'module': '__import__',
                'name': 'O-1',
                'model': 'res.partner',
                'res_id': cls.stranger.id,
            }
        )

    def statuses(self, partner):
        person = self.env['crm.person']._for_partners(partner)
        return person._get_consent_statuses(self.company)

    def test_list(self):
        record = self.bring_in(
            [
                self.HEADER,
                ('', 'chen@example.com', '', 'newsletter', '', '2025-03-14 12:00', 'Old list'),
                ('O-1', '', '', 'promotion', 'email', '', ''),
                ('', '', '+86 571 5555 0123', '关怀', '短信', '', '回复 T'),
                ('O-9', '', '', '', '', '', ''),
                ('', 'x@example.com', '', 'weather', '', '', ''),
                ('', '', '', '', '', '', ''),
            ],
            'opt_outs',
        )
        self.assertEqual(
            self.statuses(self.contact), {('promotion', 'email'): 'out', ('care', 'sms'): 'out'}
        )
        self.assertEqual(self.statuses(self.stranger), {('promotion', 'email'): 'out'})
        self.assertEqual(record.created_count, 3)
        self.assertIn('O-9', self.get_bad(record)[5])
        self.assertIn('not known', self.get_bad(record)[6])
        person = self.env['crm.person']._for_partners(self.contact)
        event = self.env['crm.consent.event'].search(
            [('person_id', '=', person.id), ('channel', '=', 'email')]
        )
        self.assertEqual((event.source, event.evidence), ('import', 'Old list'))
        self.assertEqual(str(event.date), '2025-03-14 12:00:00')

    def test_twice(self):
        rows = [
            self.HEADER,
            ('', 'chen@example.com', '', '', '', '', ''),
            ('', 'nobody@example.com', '', '', '', '', ''),
        ]
        self.bring_in(rows, 'opt_outs')
        events = self.env['crm.consent.event'].search_count([])
        record = self.bring_in(rows, 'opt_outs')
        self.assertEqual(self.env['crm.consent.event'].search_count([]), events)
        self.assertEqual((record.created_count, record.unchanged_count), (0, 2))

    def test_address_of_nobody(self):
        self.bring_in([self.HEADER, ('', 'nobody@example.com', '', '', '', '', '')], 'opt_outs')
        address = self.env['crm.person.address']
        suppressed = address._get_suppressed_sql('email', SQL('%s::text', 'nobody@example.com'))
        self.assertEqual(self.env.execute_query(SQL('SELECT %s', suppressed)), [(True,)])

    def test_every_contact_with_the_address(self):
        twin = self.env['res.partner'].create({'name': "Twin", 'email': 'chen@example.com'})
        done, errors = self.env['crm.person']._import_opt_outs(
            [{'email': 'chen@example.com'}], self.company
        )
        self.assertEqual((len(done), errors), (1, {}))
        for partner in twin | self.contact:
            self.assertEqual(self.statuses(partner)['survey', 'email'], 'out')

    def opt_out(self, company=None, **row):
        done, errors = self.env['crm.person']._import_opt_outs([row], company or self.company)
        self.assertFalse(errors)
        return done[0]

    def companies_leaving_alone(self, channel, address):
        Address = self.env['crm.person.address']
        hashes = [Address._hash(channel, address)]
        return (self.company | self.other_company).filtered(
            lambda company: Address._search_suppressed(channel, hashes, company)
        )

    def test_second_address_of_nobody(self):
        first = self.opt_out(email='nobody@example.com')
        second = self.opt_out(email='nobody@example.com', phone='+86 571 5555 0999')
        self.assertEqual(second.person_id, first.person_id)
        for channel, address in (
            ('email', 'nobody@example.com'),
            ('sms', '+8657155550999'),
            ('phone', '+8657155550999'),
        ):
            self.assertEqual(self.companies_leaving_alone(channel, address), self.company, channel)
        statuses = first.person_id._get_consent_statuses(self.company)
        self.assertEqual(statuses['promotion', 'phone'], 'out')

    def test_two_companies_were_refused(self):
        """Who agrees with one company later has still refused the other."""
        for company in self.company | self.other_company:
            event = self.opt_out(company, email='nobody@example.com')
            self.assertEqual(event.company_id, company)
        address = ('email', 'nobody@example.com')
        self.assertEqual(self.companies_leaving_alone(*address), self.company | self.other_company)
        partner = self.env['res.partner'].create({'name': "Nobody", 'email': address[1]})
        person = self.env['crm.person']._for_partners(partner)
        person._set_consent(
            ['promotion'], ['email'], 'in', company=self.company, source='double_opt_in'
        )
        self.assertEqual(self.companies_leaving_alone(*address), self.other_company)

    def test_address_of_somebody_erased(self):
        """A list may name the address of somebody who was erased: his own row cannot be touched."""
        self.contact._erase_personal_data()
        event = self.opt_out(email='chen@example.com')
        self.assertEqual(event.status, 'out')
        self.assertFalse(event.person_id.erased_on)
