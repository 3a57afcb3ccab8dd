from odoo.tests import new_test_user, tagged
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
            "x-a.b+c@example.com, a.b+c@example.com.": "x-a.b+c@example.com, ….",
        }
        job = self.env['crm.job'].sudo().create({'name': "x of Li", 'model': 'x', 'method': '_x'})
        for text in texts:
            job._log(text)
        redactor.redact(job.line_ids, ['message'])
        self.assertEqual(job.line_ids.mapped('message'), list(texts.values()))
        redactor.redact(job, [])
        self.assertEqual(job.name, "x of Li", "no column is none of them")

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

    # ------------------------------------------------------------
    # What others share with who is erased
    # ------------------------------------------------------------

    def create_row(self, *cells, state='waiting', **values):
        summary = self.env['crm.import'].search([], limit=1)
        if not summary:
            summary = self.env['crm.import'].create({'template': 'customers'})
        return (
            self.env['crm.import.row']
            .sudo()
            .create({'import_id': summary.id, 'cells': list(cells), 'state': state, **values})
        )

    def test_imported_rows_of_others(self):
        """Who lives in the same house, or has the same first name, is still imported."""
        self.contact.write(
            {
                'name': "Anna",
                'email': 'anna@example.com',
                'street': "1 Lake Road",
                'phone': '+86 571 5555 0123',
            }
        )
        own = self.create_row("Someone", 'anna@example.com')
        own |= self.create_row("Anna", "1 Lake Road", state='bad', reason="No such country")
        cells = ("Berta", "+86 571 5555 0123", "1 Lake Road"), ("Anna Berg", "2 Hill Road")
        waiting = [self.create_row(*row) for row in cells]
        ended = self.create_row("Berta", "1 Lake Road", state='bad', reason="1 Lake Road: unknown")
        self.contact._erase_personal_data()
        self.assertEqual(own.mapped('cells'), [[], []])
        self.assertEqual(set(own.mapped('state')), {'bad'}, "an empty row is not brought in")
        self.assertEqual([tuple(row.cells) for row in waiting], list(cells))
        self.assertEqual((ended.cells, ended.reason), (["Berta", "…"], "…: unknown"))

    def test_nameless_rows_stay(self):
        nobody = self.env['res.partner'].create({'name': "X"})
        row = self.create_row("X", "1 Lake Road", state='bad')
        nobody._erase_personal_data()
        self.assertEqual(row.cells, ["X", "1 Lake Road"])

    def test_blacklists_others_need(self):
        """Core's mailings know no hashes: a shared address stays on core's blacklist."""
        self.contact.write({'email': 'family@example.com', 'phone': '+8657155559271'})
        self.stranger.email = 'Family@example.com'
        self.env['mail.blacklist'].create({'email': 'family@example.com'})
        self.env['phone.blacklist'].create({'number': '+8657155559271'})
        self.contact._erase_personal_data()
        self.assertTrue(self.stranger.is_blacklisted)
        numbers = self.env['phone.blacklist'].with_context(active_test=False)
        self.assertFalse(numbers.search([('number', '=', '+8657155559271')]))

    def test_sealed_entries(self):
        """What a hash seals stays; the other texts of the entry lose the customer."""
        self.contact.write({'name': "Zauberwald", 'is_company': False})
        order = self.create_order(self.contact, '2026-03-01 10:00:00')
        order.order_line.name = "Cake for Zauberwald"
        invoice = order._create_invoices()
        invoice.ref = "Order of Zauberwald"
        invoice.action_post()
        invoice.button_hash()
        self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        ).create({})._create_payments()
        self.assertTrue(invoice.inalterable_hash)
        erasure = self.env['crm.erasure'].create({'partner_id': self.contact.id})
        reasons = ' '.join(erasure.line_ids.filtered('reason').mapped('reason'))
        self.assertIn('sealed by a hash', reasons)
        self.contact._erase_personal_data()
        self.assertEqual(invoice.ref, "Order of …")
        self.assertNotIn('Zauberwald', invoice.invoice_partner_display_name)
        labels = invoice.line_ids.mapped('name')
        self.assertIn("Lamp\nCake for Zauberwald", labels)
        accountant = new_test_user(self.env, 'cc_accountant', 'account.group_account_user')
        report = invoice.company_id.with_user(accountant)._check_hash_integrity()
        statuses = {row['status'] for row in report['results']}
        self.assertEqual(statuses - {'no_data'}, {'verified'}, "no seal is broken")
