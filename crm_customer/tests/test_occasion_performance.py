from odoo.tests import tagged

from .common_occasion import OccasionCommon


@tagged('post_install', '-at_install')
class TestOccasionPerformance(OccasionCommon):
    def fill(self, count):
        partners = self.env['res.partner'].create(
            [{'name': f"Guest {number}"} for number in range(count)]
        )
        stays = self.env['crm.occasion']
        for partner in partners:
            stays |= self.create_stay(partner)
            self.create_stay(partner, days=-20, state='left')
            self.create_order(partner, '2026-01-02')
        return stays

    def count_queries(self, stays):
        self.env.flush_all()
        self.env.invalidate_all()
        stays = stays.with_user(self.user_all)
        before = self.env.cr.sql_log_count
        shown = stays.web_read(
            {
                'partner_id': {'fields': {'display_name': {}}},
                'date_from': {},
                'birthday': {},
                'briefing': {},
            }
        )
        return self.env.cr.sql_log_count - before, shown

    def test_queries_do_not_grow(self):
        few = self.fill(3)
        self.count_queries(few)
        count_few, shown = self.count_queries(few)
        self.assertIn("1 × Stay", shown[0]['briefing'])
        many = few | self.fill(60)
        self.count_queries(many)
        count_many, shown = self.count_queries(many)
        self.assertEqual(len(shown), 63)
        self.assertEqual(count_many, count_few)
