from odoo.tests import tagged
from odoo.tools import SQL

from odoo.addons.crm_customer import secret
from odoo.addons.crm_customer.privacy import Redactor

from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestPrivacy(CrmCustomerCommon):
    def test_redactor(self):
        redactor = Redactor(self.env, ["Li", "林美慧", "a.b+c@example.com", "R&D (Old)", "", None])
        texts = {
            "Dear Li, your lights": "Dear …, your lights",
            "林美慧小姐": "…小姐",
            "to A.B+C@example.com now": "to … now",
            "<p>R&amp;D (Old) wrote</p>": "<p>… wrote</p>",
            "Lily": "Lily",
        }
        job = self.env['crm.job'].sudo().create({'name': "x", 'model': 'x', 'method': '_x'})
        for text in texts:
            job._log(text)
        redactor.redact(job.line_ids, ['message'])
        self.assertEqual(job.line_ids.mapped('message'), list(texts.values()))

    def test_texts_of_old_messages_go(self):
        person = self.env['crm.person']._for_partners(self.contact)
        old, young, waiting = (
            self.env['crm.message']
            .sudo()
            .create(
                [
                    {
                        'key': f'gc:{number}',
                        'person_id': person.id,
                        'message_class': 'greeting',
                        'subject': "Hello Chen",
                        'state': state,
                        'planned_at': date,
                    }
                    for number, (state, date) in enumerate(
                        [('sent', '2020-01-01'), ('sent', '2099-01-01'), ('planned', '2020-01-01')]
                    )
                ]
            )
        )
        self.company.crm_message_keep_days = 0
        old._gc_texts()
        self.assertTrue(old.subject)
        self.company.crm_message_keep_days = 30
        old._gc_texts()
        self.assertFalse(old.subject)
        self.assertTrue(young.subject and waiting.subject)
        self.assertEqual(old.state, 'sent')

    def test_texts_are_emptied_a_few_at_a_time_by_index(self):
        """The oldest of each company first; nobody reads the whole table for them."""
        person = self.env['crm.person']._for_partners(self.contact)
        self.env.companies.crm_message_keep_days = 7000
        messages = (
            self.env['crm.message']
            .sudo()
            .create(
                [
                    {
                        'key': f'gc:{year}',
                        'person_id': person.id,
                        'company_id': self.company.id,
                        'message_class': 'greeting',
                        'subject': "Hello Chen",
                        'state': 'sent',
                        'planned_at': f'{year}-01-01',
                    }
                    for year in (2003, 2001, 2002)
                ]
            )
        )
        self.assertEqual(messages._gc_texts(limit=2), (2, 1))
        self.assertEqual(messages.mapped('subject'), ["Hello Chen", False, False])
        self.assertEqual(messages._gc_texts(limit=2), (1, 0))
        for way in ('seqscan', 'bitmapscan', 'sort'):  # better for a handful of rows
            self.env.cr.execute(SQL('SET LOCAL %s = off', SQL.identifier(f'enable_{way}')))
        rows = self.env.execute_query(
            SQL('EXPLAIN %s', self.env['crm.message']._get_old_texts_sql(limit=10))
        )
        plan = ' '.join(line for (line,) in rows)
        self.assertIn('Index Scan using crm_message_old_text_idx', plan)
        self.assertNotIn('Sort', plan)

    def test_another_secret_is_noticed(self):
        check = self.env['crm.selfcheck']
        self.contact.email = 'chen@example.com'
        self.env['crm.person']._for_partners(self.contact)._suppress_addresses()
        self.assertTrue(check._check_secret()[0])
        self.patch(secret, 'get_secret', lambda: b'another')
        self.assertFalse(check._check_secret()[0])

    def test_foreign_keys_on_persons_are_merged(self):
        """A table that points to persons must be brought along by ``crm.person._merge_into``."""
        rows = self.env.execute_query(
            SQL(
                "SELECT conrelid::regclass::text FROM pg_constraint"
                " WHERE contype = 'f' AND confrelid = 'crm_person'::regclass"
            )
        )
        known = {
            'crm_consent',
            'crm_consent_event',  # proof stays where it was made
            'crm_message',
            'crm_person',
            'crm_person_address',
            'crm_quiet_period_person_rel',
        }
        self.assertFalse({table for (table,) in rows} - known)
