from datetime import datetime, timedelta

from odoo.tests import tagged

from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestTimelinePerformance(CrmCustomerCommon):
    def count_queries(self, **kwargs):
        self.env.flush_all()
        self.env.invalidate_all()
        partner = self.customer.with_user(self.user_salesman)
        partner.env.user.partner_id.mapped('name')  # what every request has read before
        before = self.env.cr.sql_log_count
        page = partner.get_customer_timeline(**kwargs)
        return self.env.cr.sql_log_count - before, len(page['entries'])

    def fill(self, count):
        """Add orders, and messages of many authors, on as many days."""
        authors = self.env['res.partner'].create([{'name': f"A {n}"} for n in range(count)])
        start = datetime(2026, 1, 1)
        self.env['mail.message'].create(
            [
                {
                    'model': 'res.partner',
                    'res_id': self.contact.id,
                    'date': start + timedelta(hours=index),
                    'author_id': author.id,
                    'message_type': 'comment',
                }
                for index, author in enumerate(authors)
            ]
        )
        self.env['sale.order'].create(
            [
                {
                    'partner_id': self.contact.id,
                    'user_id': self.user_salesman.id,
                    'date_order': start + timedelta(hours=index, minutes=30),
                }
                for index in range(count)
            ]
        )

    def fill_other_sources(self, count):
        """Add meetings, notes, messages of the suite, and calls and mails on documents."""
        start = datetime(2026, 1, 1)
        order = self.env['sale.order'].create(
            {'partner_id': self.contact.id, 'user_id': self.user_salesman.id, 'date_order': start}
        )
        call = self.env.ref('mail.mail_activity_data_call')
        person = self.env['crm.person']._for_partners(self.contact)
        moments = [start + timedelta(hours=index, minutes=40) for index in range(count)]
        for moment in moments:
            self.create_message(order, moment, model='sale.order')
            self.create_message(self.contact, moment, mail_activity_type_id=call.id,
                                message_type='notification')  # fmt: skip
        self.env['crm.customer.note'].create(
            [{'partner_id': self.contact.id, 'text': "x", 'date': moment} for moment in moments]
        )
        self.env['calendar.event'].create(
            [
                {'name': "x", 'start': moment, 'stop': moment, 'partner_ids': self.contact.ids}
                for moment in moments
            ]
        )
        self.env['crm.message'].create(
            [
                {
                    'key': f'performance:{count}:{moment}',
                    'person_id': person.id,
                    'message_class': 'gift',
                    'purpose': 'care',
                    'planned_at': moment,
                }
                for moment in moments
            ]
        )

    def fill_by_sql(self, count):
        """Add messages, as many as nobody would make one by one."""
        self.env.flush_all()
        self.env.cr.execute(
            """
            INSERT INTO mail_message (model, res_id, message_type, date, body, subject, author_id)
            SELECT 'res.partner', %(partner)s, 'comment',
                   '2026-02-01'::timestamp + n * interval '1 minute', '', 'm' || n, %(partner)s
              FROM generate_series(1, %(count)s) n
            """,
            {'partner': self.contact.id, 'count': count},
        )

    def test_queries_do_not_grow(self):
        self.fill(5)
        self.count_queries(limit=200)  # warm the caches that outlive a request
        few, shown_few = self.count_queries(limit=200)
        self.fill(500)
        self.count_queries(limit=200)
        many, shown_many = self.count_queries(limit=200)
        page, shown_page = self.count_queries(limit=10)
        self.assertEqual((shown_few, shown_many, shown_page), (10, 200, 10))
        self.assertEqual(many, few, "as many queries for 1,010 events as for 10")
        self.assertEqual(page, few)

    def test_queries_of_all_sources_do_not_grow(self):
        self.fill_other_sources(3)
        self.count_queries(limit=200)
        few, shown_few = self.count_queries(limit=200)
        self.fill_other_sources(30)
        self.count_queries(limit=200)
        many, shown_many = self.count_queries(limit=200)
        self.assertEqual((shown_few, shown_many), (16, 167))
        self.assertEqual(many, few)

    def test_ten_thousand_events(self):
        """A page of a long history costs the queries of a short one, wherever it is."""
        self.fill_by_sql(50)
        self.count_queries()
        few = self.count_queries()
        self.fill_by_sql(10000)
        first = self.customer.get_customer_timeline()
        for kwargs in (
            {},
            {'before': first['next']},
            {'search': "m77"},
            {'date_from': '2026-02-02', 'date_to': '2026-02-04'},
            {'sources': ['mail.message']},
        ):
            with self.subTest(kwargs=kwargs):
                self.count_queries(**kwargs)
                self.assertEqual(self.count_queries(**kwargs), few)
