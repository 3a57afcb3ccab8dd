import os
import stat
import tempfile

from odoo.tests import tagged
from odoo.tools import SQL

from odoo.addons.crm_customer import secret

from .common import CrmCustomerCommon

SPELLINGS = {
    'email': ['Chen@Example.com', '"Chen" <chen@example.com>', 'chen@example.com '],
    'sms': ['+86 571 5555 0123', '+8657155550123'],
}


@tagged('post_install', '-at_install')
class TestPersonAddress(CrmCustomerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Address = cls.env['crm.person.address']

    def hash_in_database(self, channel, address):
        query = SQL('SELECT %s', self.Address._hash_sql(channel, SQL('%s::text', address)))
        return self.env.execute_query(query)[0][0]

    def test_spellings_share_a_hash(self):
        for channel, spellings in SPELLINGS.items():
            hashes = {self.Address._hash(channel, spelling) for spelling in spellings}
            self.assertEqual(len(hashes), 1, channel)
            self.assertRegex(hashes.pop(), '^[0-9a-f]{64}$')
        self.assertEqual(self.Address._hash('phone', '+861'), self.Address._hash('sms', '+861'))
        self.assertEqual(self.Address._hash('email', ''), '')

    def test_python_and_database_agree(self):
        for channel, address in (
            ('email', 'chen@example.com'),
            ('email', 'Ünï@例子.中国'),
            ('sms', '+8657155550123'),
            ('phone', '+44 117 496 0123'),
        ):
            self.assertEqual(
                self.hash_in_database(channel, address), self.Address._hash(channel, address)
            )
        self.assertIsNone(self.hash_in_database('email', ''))

    def test_agree_for_every_contact(self):
        self.contact.write({'email': 'Chen@Example.com', 'phone': '+86 571 5555 0123'})
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                'SELECT email_normalized, %s, phone_sanitized, %s FROM res_partner AS partner'
                ' WHERE email_normalized IS NOT NULL OR phone_sanitized IS NOT NULL',
                self.Address._hash_sql('email', SQL.identifier('partner', 'email_normalized')),
                self.Address._hash_sql('sms', SQL.identifier('partner', 'phone_sanitized')),
            )
        )
        self.assertGreater(len(rows), 0)
        for email, email_hash, phone, phone_hash in rows:
            self.assertEqual(email_hash or '', self.Address._hash('email', email))
            self.assertEqual(phone_hash or '', self.Address._hash('sms', phone))

    def test_long_secret(self):
        self.patch(secret, 'get_secret', lambda: b'x' * 100)
        self.assertEqual(
            self.hash_in_database('email', 'a@b.example'),
            self.Address._hash('email', 'a@b.example'),
        )

    def test_known_value(self):
        """RFC 4231, test case 2: HMAC-SHA256 with the key "Jefe"."""
        self.patch(secret, 'get_secret', lambda: b'Jefe')
        expected = '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
        text = 'what do ya want for nothing?'
        self.assertEqual(secret.hash_text(text), expected)
        query = SQL('SELECT %s', secret.hash_sql(SQL('%s::text', text)))
        self.assertEqual(self.env.execute_query(query), [(expected,)])

    def test_secret_file_is_private_and_lasts(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, 'secret')
            first = secret._get_secret_of_file(path)
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            secret._get_secret_of_file.cache_clear()
            self.assertEqual(secret._get_secret_of_file(path), first)
            secret._make_secret_file(path)
            secret._get_secret_of_file.cache_clear()
            self.assertEqual(secret._get_secret_of_file(path), first, "the first process wins")
            self.assertEqual(os.listdir(folder), ['secret'])

    def test_suppressed(self):
        person = self.env['crm.person']._for_partners(self.contact)
        self.contact.write({'email': 'Chen@Example.com', 'phone': '+86 571 5555 0123'})
        person._suppress_addresses()
        person._suppress_addresses()
        rows = self.Address.search([('person_id', '=', person.id)])
        self.assertEqual(set(rows.mapped('channel')), {'email', 'sms', 'phone'})
        condition = self.Address._get_suppressed_sql('email', SQL('%s::text', 'chen@example.com'))
        self.assertEqual(self.env.execute_query(SQL('SELECT %s', condition)), [(True,)])

    def test_owner_lifts_for_who_asked(self):
        """Only a proof lifts it; for one company, and for what he was asked about."""
        person = self.env['crm.person']._for_partners(self.contact)
        self.contact.write({'email': 'chen@example.com', 'phone': '+86 571 5555 0123'})
        person._suppress_addresses()
        companies = self.company | self.other_company

        def suppressed(channel):
            return companies.filtered(lambda c: person._filter_suppressed(channel, c))

        for source in ('import', 'staff', 'api', 'portal', 'signed_link'):
            person._set_consent(
                ['promotion'], ['email', 'sms'], 'in', company=self.company, source=source
            )
            self.assertEqual(suppressed('email'), companies, source)
        person._set_consent(
            ['promotion'], ['email'], 'in', company=self.company, source='double_opt_in'
        )
        self.assertEqual(suppressed('email'), self.other_company)
        self.assertEqual(suppressed('sms'), companies, "a mail proves no number")
        self.assertEqual(
            person._get_consent_statuses(self.company),
            {
                ('promotion', 'email'): 'in',
                ('promotion', 'sms'): 'in',
                ('care', 'email'): 'out',
                ('survey', 'email'): 'out',
            },
        )
        later = self.env['res.company'].create({'name': "Founded Later"})
        self.assertTrue(person._filter_suppressed('email', later))
        for company in companies | later:
            condition = self.Address._get_suppressed_sql(
                'email', SQL('%s::text', 'chen@example.com'), SQL('%s', company.id)
            )
            self.env.flush_all()
            [[closed]] = self.env.execute_query(SQL('SELECT %s', condition))
            self.assertEqual(closed, company != self.company, "the gate decides the same")
        person._suppress_addresses()
        self.assertEqual(suppressed('email'), companies, "erased again")
