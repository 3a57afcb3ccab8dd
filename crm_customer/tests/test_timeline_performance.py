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
