"""Erasing a customer: nothing in the whole database tells who it was."""

import io
import json
import zipfile

from everything import EMAIL, NAME, NOTE, PHONE, TRACES, EverythingCase

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import SQL

#: where a trace may stay, and why
EXEMPT = {
    'bus_bus': "messages to browsers that are open, gone within a day",
    'ir_logging': "technical log, no business data",
    'privacy_log': "name and address with all but their first letters masked",
}


@tagged('post_install', '-at_install')
class TestErasure(EverythingCase, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.customer = cls.create_customer()
        cls.person = cls.env['crm.person'].sudo()._for_partners(cls.customer)
        cls.invoice = cls.env['account.move'].search(
            [('partner_id', '=', cls.customer.id), ('move_type', '=', 'out_invoice')]
        )

    def find_traces(self, traces=TRACES):
        """Return 'table.column' of every text and JSON column in which a trace is found."""
        self.env.flush_all()
        columns = self.env.execute_query(
            SQL(
                """
                SELECT col.table_name, col.column_name
                  FROM information_schema.columns col
                  JOIN information_schema.tables tab USING (table_schema, table_name)
                 WHERE col.table_schema = current_schema AND tab.table_type = 'BASE TABLE'
                   AND col.data_type IN ('text', 'character varying', 'character',
                                         'json', 'jsonb', 'ARRAY')
                """
            )
        )
        # what a wizard holds is emptied within a day
        wizards = {model._table for model in self.env.registry.values() if model._transient}
        found = []
        for table, column in columns:
            if table in EXEMPT or table in wizards:
                continue
            condition = SQL(' OR ').join(
                SQL("%s::text ILIKE %s", SQL.identifier(column), f'%{trace}%') for trace in traces
            )
            query = SQL(
                'SELECT %s::text FROM %s WHERE %s LIMIT 1',
                SQL.identifier(column),
                SQL.identifier(table),
                condition,
            )
            for (text,) in self.env.execute_query(query):
                found.append(f'{table}.{column}: {text[:2000]}')
        return found

    def test_found_before(self):
        """The test sees what it looks for."""
        places = {place.split(':')[0] for place in self.find_traces()}
        expected = {
            'res_partner.name',
            'res_users.login',
            'mail_message.body',
            'mail_tracking_value.old_value_char',
            'sale_order.signed_by',
            'account_move.narration',
            'crm_consent_event.evidence',
            'crm_message.content_values',
            'aftersales_request.name',
            'mailing_contact.email',
            'crm_customer_note.text',
            'crm_occasion.note',
            'crm_import_row.cells',
            'ir_attachment.index_content',
        }
        self.assertFalse(expected - places)

    def test_erase(self):
        invoice = self.invoice
        figures = (invoice.name, invoice.amount_total, invoice.payment_state)
        cards = self.env['loyalty.card'].search([('partner_id', '=', self.customer.id)])
        points = cards.mapped('points')

        self.customer._erase_personal_data("Letter of 3 May")

        self.assertFalse(self.find_traces())
        self.assertFalse(self.customer.active)
        self.assertFalse(self.customer.birth_month or self.customer.birth_year)
        self.assertEqual((invoice.name, invoice.amount_total, invoice.payment_state), figures)
        self.assertEqual(invoice.state, 'posted')
        self.assertEqual(cards.mapped('points'), points)
        self.assertFalse(self.person.partner_id)
        self.assertTrue(self.person.erased_on)
        events = self.env['crm.consent.event'].search([('person_id', '=', self.person.id)])
        self.assertEqual(set(events.mapped('status')), {'out'}, "the proof itself stays")
        messages = self.env['crm.message'].search([('person_id', '=', self.person.id)])
        self.assertEqual(
            {(message.state, message.reason) for message in messages},
            {('sent', False), ('refused', 'erased')},
        )
        log = self.env['privacy.log'].search([], order='id desc', limit=1)
        self.assertNotIn('Zauberwald', f'{log.anonymized_name} {log.anonymized_email}')

    def test_imported_again_he_is_left_alone(self):
        self.customer._erase_personal_data()
        again = self.env['res.partner'].create({'name': NAME, 'email': EMAIL, 'phone': PHONE})
        person = self.env['crm.person']._for_partners(again)
        self.assertNotEqual(person, self.person)
        self.env.flush_all()
        Address = self.env['crm.person.address']
        for channel, column in (('email', 'email_normalized'), ('sms', 'phone_sanitized')):
            suppressed = Address._get_suppressed_sql(channel, SQL.identifier('partner', column))
            rows = self.env.execute_query(
                SQL('SELECT %s FROM res_partner AS partner WHERE id = %s', suppressed, again.id)
            )
            self.assertEqual(rows, [(True,)], channel)

    def test_who_may(self):
        user = new_test_user(self.env, 'no_manager', 'crm_customer.group_all')
        for method in ('action_export_personal_data', 'action_erase_personal_data'):
            with self.assertRaises(AccessError):
                getattr(self.customer.with_user(user), method)()
        with self.assertRaises(AccessError):
            self.customer.with_user(user)._erase_personal_data()

    def test_what_must_be_settled_first(self):
        request = self.env['aftersales.request'].create(
            {'partner_id': self.customer.id, 'name': "Still open"}
        )
        with self.assertRaisesRegex(UserError, "still open"):
            self.customer._erase_personal_data()
        request.unlink()
        unpaid = self.invoice.copy()
        unpaid.invoice_date = '2026-05-01'
        unpaid.action_post()
        with self.assertRaisesRegex(UserError, "not paid"):
            self.customer._erase_personal_data()

    def test_not_colleagues_and_companies(self):
        for partner in (self.env.user.partner_id, self.company.partner_id):
            with self.assertRaises(UserError):
                partner._erase_personal_data()

    def test_not_whom_odoo_needs(self):
        for name in ('base.user_root', 'base.public_user', 'base.user_admin'):
            with self.subTest(name), self.assertRaises(UserError), self.env.cr.savepoint():
                self.env.ref(name).partner_id._erase_personal_data()
        self.assertTrue(self.env.ref('base.partner_root').active is not None)

    def test_buttons_can_be_pressed(self):
        """Odoo takes the word ``disabled`` of a button as it stands, whatever it says."""
        views = self.env['ir.ui.view'].search([('arch_db', 'like', 'disabled=')])
        ours = views.filtered(lambda view: (view.xml_id or '').startswith('crm_'))
        for view in ours.filtered(lambda view: view.type == 'form'):
            self.assertNotRegex(view.arch, r'<button[^>]*\sdisabled=', view.xml_id)

    def test_not_of_a_foreign_company(self):
        foreign = self.env['res.company'].sudo().create({'name': "Foreign"})
        self.env.user.sudo().company_ids -= foreign
        self.person._set_consent(
            ['care'], ['email'], 'in', company=foreign, source='api', evidence="x"
        )
        with self.assertRaisesRegex(UserError, "Foreign"):
            self.customer._erase_personal_data()

    def test_wizard(self):
        action = self.customer.action_erase_personal_data()
        wizard = self.env['crm.erasure'].with_context(**action['context']).create({})
        labels = wizard.line_ids.mapped('name')
        self.assertIn("Service Requests", labels)
        self.assertIn("Segments", labels)
        kept = wizard.line_ids.filtered(lambda line: line.on_erase != 'delete')
        self.assertTrue(all(kept.mapped('reason')), "each says why")
        with self.assertRaises(UserError):
            wizard.action_erase()
        wizard.is_checked = True
        wizard.action_erase()
        self.assertTrue(self.person.erased_on)

    def test_privacy_lookup(self):
        lookup = self.env['privacy.lookup.wizard'].create({'name': NAME, 'email': EMAIL})
        lookup.action_lookup()
        line = lookup.line_ids.filtered(
            lambda line: line.res_model == 'res.partner' and line.res_id == self.customer.id
        )
        self.assertEqual(line.action_erase_personal_data()['res_model'], 'crm.erasure')
        self.assertIn('crm.person', lookup.line_ids.mapped('res_model'))

    def test_export(self):
        self.authenticate('admin', 'admin')
        response = self.url_open(f'/crm_customer/personal_data/{self.customer.id}')
        self.assertEqual(response.headers['Content-Type'], 'application/zip')
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            data = json.loads(archive.read('personal_data.json'))
            page = archive.read('personal_data.html').decode()
            files = [name for name in archive.namelist() if name.startswith('files/')]
        self.assertTrue(files)
        texts = {source['key']: json.dumps(source['records']) for source in data['data']}
        for key in (
            'res.partner',
            'sale.order',
            'account.move',
            'crm.consent.event',
            'mail.message',
            'aftersales.request',
            'mailing.contact',
            'crm.segment.member',
            'loyalty.card',
        ):
            self.assertNotEqual(texts[key], '[]', key)
        self.assertIn(NOTE, texts['aftersales.request'])
        self.assertIn(EMAIL, page)

    def test_export_is_not_for_everybody(self):
        new_test_user(self.env, 'no_manager', 'crm_customer.group_all')
        self.authenticate('no_manager', 'no_manager')
        response = self.url_open(f'/crm_customer/personal_data/{self.customer.id}')
        self.assertEqual(response.status_code, 403)
