from odoo.tests import tagged

from .common import AS_OF, CampaignsCommon


@tagged('post_install', '-at_install')
class TestPerformance(CampaignsCommon):
    """The number of queries does not grow with the number of customers."""

    def _count(self, method):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        method()
        self.env.flush_all()
        return self.env.cr.sql_log_count - before

    def _make_customers(self, count):
        partners = self._make_partners(count, ref='speed')
        self._generate_orders(partners)
        return partners

    def test_scoring(self):
        def score():
            self._score()

        self._make_customers(10)
        score()
        few = self._count(score)
        self._make_customers(100)
        self.assertEqual(self._count(score), few)

    def test_refresh(self):
        segment = self._make_segment(domain="[('ref', '=', 'speed')]")
        self._make_customers(10)

        def refresh():
            # two refreshes in the same second would save the second one an UPDATE
            segment.last_build_at = False
            segment.action_refresh()

        refresh()
        few = self._count(refresh)
        self._make_customers(100)
        self.assertEqual(self._count(refresh), few)
        self.assertEqual(segment.member_count, 110)

    def test_lists(self):
        segment = self._make_segment(domain="[('ref', '=', 'speed')]")
        cells = self.env['crm.rfm.cell'].search([])
        partners = self._make_customers(100)
        self._score(as_of=AS_OF)
        segment.action_refresh()
        scores = self.env['crm.customer.score'].search([('company_id', '=', self.company.id)])
        few_segments = self._make_segment() | segment
        many_segments = few_segments | self.env['crm.segment'].create(
            [{'name': f"S{i}"} for i in range(30)]
        )
        reads = {
            'scores': (scores, 10, ['partner_id', 'recency', 'cell_id', 'monetary']),
            'partners': (partners, 10, ['crm_rfm', 'crm_monetary', 'crm_segment_ids']),
            'cells': (cells, 2, ['customer_count', 'monetary']),
            'segments': (many_segments, 2, ['member_count', 'mailing_count']),
        }
        for name, (records, few, fields) in reads.items():
            with self.subTest(name):
                some = self._count(lambda r=records[:few], f=fields: r.web_read({n: {} for n in f}))
                every = self._count(lambda r=records, f=fields: r.web_read({n: {} for n in f}))
                self.assertEqual(some, every)
