from datetime import datetime, timedelta
from unittest.mock import patch

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Domain
from odoo.tests import new_test_user, tagged

from ..timeline import TimelineSource, TimelineText
from .common import CrmCustomerCommon

NOON = datetime(2026, 3, 14, 12, 0, 0)


@tagged('post_install', '-at_install')
class TestTimeline(CrmCustomerCommon):
    def read_all(self, partner, **kwargs):
        """Read all pages and return their entries."""
        entries, before = [], None
        while True:
            page = partner.get_customer_timeline(before=before, **kwargs)
            entries += page['entries']
            before = page['next']
            if before is None:
                return entries

    def insert_messages(self, count, moment, step=timedelta(0)):
        """Insert messages on the contact, each ``step`` younger than the one before."""
        self.env.cr.execute(
            """
            INSERT INTO mail_message (model, res_id, message_type, date, body, subject)
            SELECT 'res.partner', %s, 'comment', %s + n * %s, '', 'm' || n
              FROM generate_series(1, %s) n
            """,
            (self.contact.id, moment, step, count),
        )

    def test_newest_first_over_the_commercial_entity(self):
        order = self.create_order(self.contact, NOON)
        message = self.create_message(self.customer, NOON + timedelta(days=1), "<p>Good day</p>")
        self.create_order(self.stranger, NOON)
        entries = self.customer.get_customer_timeline()['entries']
        self.assertEqual(
            [(entry['source'], entry['id']) for entry in entries],
            [
                ('mail.message', f'mail.message|{message.id}'),
                ('sale.order', f'sale.order|{order.id}'),
            ],
        )
        self.assertEqual(entries[0]['body'], "Good day")
        self.assertEqual(
            (entries[0]['res_model'], entries[0]['res_id']), ('res.partner', self.customer.id)
        )
        self.assertEqual(entries[1]['title'], f'Sales Order {order.name}')
        self.assertEqual(entries[1]['date'], '2026-03-14 12:00:00')
        self.assertEqual(
            self.contact.get_customer_timeline()['entries'], entries, "the same for each contact"
        )

    def test_thousands_in_one_second(self):
        self.insert_messages(2500, NOON)
        orders = [self.create_order(self.customer, NOON) for _index in range(5)]
        entries = self.read_all(self.customer, limit=97)
        self.assertEqual(len(entries), 2505)
        self.assertEqual(len({entry['id'] for entry in entries}), 2505)
        self.assertEqual(
            [entry['id'] for entry in entries[2500:]],
            [f'sale.order|{order.id}' for order in reversed(orders)],
            "events of one moment are ordered by source, then by id",
        )

    def test_microseconds(self):
        """Several events per microsecond-distinct moment of one second, cut at every place."""
        self.insert_messages(30, NOON, timedelta(microseconds=1))
        for limit in (1, 7):
            titles = [entry['title'] for entry in self.read_all(self.customer, limit=limit)]
            self.assertEqual(titles, [f'm{index}' for index in range(30, 0, -1)])

    def test_create_date_as_date_field(self):
        self.env['res.partner'].create(
            [{'name': f"Child {index}", 'parent_id': self.customer.id} for index in range(12)]
        )
        partners = self.env['res.partner'].search([('parent_id', '=', self.customer.id)])
        source = TimelineSource(
            key='test.contact',
            label="Contacts",
            icon='fa-user',
            model='res.partner',
            domain=Domain('parent_id', '=', self.customer.id),
            date_field='create_date',
            describe=lambda records: {record.id: TimelineText(record.name) for record in records},
        )
        with patch.object(
            self.registry['res.partner'], '_get_customer_timeline_sources', lambda self: [source]
        ):
            entries = self.read_all(self.customer, limit=5)
        self.assertEqual([entry['res_id'] for entry in entries], sorted(partners.ids, reverse=True))

    def test_new_events_while_paging(self):
        self.insert_messages(10, NOON)
        page = self.customer.get_customer_timeline(limit=5)
        self.insert_messages(3, NOON + timedelta(days=1))
        rest = self.customer.get_customer_timeline(limit=50, before=page['next'])
        self.assertEqual(len(rest['entries']), 5)
        self.assertIsNone(rest['next'])

    def test_day_of_an_invoice(self):
        """A date stands at the end of that day in the time zone of who looks."""
        invoice = self.env['account.move'].create(
            {
                'move_type': 'out_invoice',
                'partner_id': self.customer.id,
                'invoice_date': '2026-03-14',
                'invoice_line_ids': [(0, 0, {'product_id': self.product.id})],
            }
        )
        invoice.action_post()
        # in Shanghai: the 14th at 23:30 and the 15th at 00:30
        self.create_order(self.customer, datetime(2026, 3, 14, 15, 30))
        self.create_order(self.customer, datetime(2026, 3, 14, 16, 30))
        partner = self.customer.with_context(tz='Asia/Shanghai')
        entries = self.read_all(partner, limit=1)
        self.assertEqual(
            [entry['source'] for entry in entries], ['sale.order', 'account.move', 'sale.order']
        )
        self.assertEqual(entries[1]['date'], '2026-03-14')

    def test_sources_and_search(self):
        order = self.create_order(self.customer, NOON, client_order_ref="ACME-77")
        self.create_message(self.customer, NOON, "About ACME-77")
        self.create_message(self.customer, NOON, "Something else")
        read = self.customer.get_customer_timeline
        self.assertEqual(len(read()['entries']), 3)
        self.assertEqual(
            [entry['id'] for entry in read(sources=['sale.order'])['entries']],
            [f'sale.order|{order.id}'],
        )
        self.assertEqual(len(read(search="acme-77")['entries']), 2)
        self.assertEqual(len(read(search="acme-77", sources=['mail.message'])['entries']), 1)
        self.assertFalse(read(sources=[])['entries'])
        self.assertIn('sale.order', [source['key'] for source in read(sources=[])['sources']])

    def test_wrong_cursor(self):
        for cursor in ('x', '2026-01-01|sale.order|x', 'a|b|1'):
            with self.assertRaises(ValidationError):
                self.customer.get_customer_timeline(before=cursor)

    def test_page_size_is_limited(self):
        self.insert_messages(300, NOON)
        self.assertEqual(len(self.customer.get_customer_timeline(limit=10**6)['entries']), 200)
        self.assertEqual(len(self.customer.get_customer_timeline(limit=0)['entries']), 1)

    # ------------------------------------------------------------
    # Access
    # ------------------------------------------------------------

    def test_sources_a_user_may_not_read(self):
        self.create_order(self.customer, NOON)
        self.create_message(self.customer, NOON)
        page = self.customer.with_user(self.user_employee).get_customer_timeline()
        self.assertNotIn('sale.order', [source['key'] for source in page['sources']])
        self.assertEqual([entry['source'] for entry in page['entries']], ['mail.message'])

    def test_record_rules_per_entry(self):
        mine = self.create_order(self.customer, NOON, user_id=self.user_salesman.id)
        self.create_order(self.customer, NOON, user_id=self.user_manager.id)
        page = self.customer.with_user(self.user_salesman).get_customer_timeline(
            sources=['sale.order']
        )
        self.assertEqual([entry['res_id'] for entry in page['entries']], mine.ids)

    def test_companies(self):
        mine = self.create_order(self.customer, NOON)
        self.user_salesman.group_ids += self.env.ref('sales_team.group_sale_manager')
        self.env['sale.order'].create(
            {'partner_id': self.customer.id, 'company_id': self.other_company.id}
        )
        page = self.customer.with_user(self.user_salesman).get_customer_timeline(
            sources=['sale.order']
        )
        self.assertEqual([entry['res_id'] for entry in page['entries']], mine.ids)

    def test_messages_of_contacts_one_may_not_read(self):
        self.create_message(self.customer, NOON, "seen")
        self.create_message(self.contact, NOON, "not seen")
        self.env['ir.rule'].create(
            {
                'name': "Not this contact",
                'model_id': self.env.ref('base.model_res_partner').id,
                'domain_force': [('id', '!=', self.contact.id)],
            }
        )
        page = self.customer.with_user(self.user_employee).get_customer_timeline()
        self.assertEqual([entry['body'] for entry in page['entries']], ["seen"])

    def test_portal_user_is_refused(self):
        user = new_test_user(self.env, 'cc_portal', 'base.group_portal')
        self.create_message(user.partner_id, NOON, "Internal", is_internal=True)
        with self.assertRaisesRegex(AccessError, "for staff"):
            user.partner_id.with_user(user).get_customer_timeline()
        with self.assertRaises(AccessError):
            self.customer.with_user(user).get_customer_timeline()

    def test_archived_records_are_history_too(self):
        self.create_message(self.contact, NOON, "old")
        self.contact.active = False
        self.assertEqual(len(self.customer.get_customer_timeline()['entries']), 1)
