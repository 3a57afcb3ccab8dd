from lxml import etree

from odoo.tests import tagged

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestPartner(AftersalesCommon):
    def test_counts_roll_up_over_the_commercial_entity(self):
        request = self._create_request()
        last = self._create_request(partner_id=self.customer_company.id, unit_id=False)
        request.action_close()
        for partner in self.customer + self.customer_company:
            self.assertEqual(partner.aftersales_unit_count, 1)
            self.assertEqual(partner.aftersales_request_count, 2)
            self.assertEqual(partner.aftersales_open_request_count, 1)
            self.assertEqual(partner.aftersales_last_request_id, last)
        self.assertEqual(self.stranger.aftersales_unit_count, 1)
        self.assertEqual(self.stranger.aftersales_request_count, 0)

    def test_queries_do_not_grow_with_partners(self):
        partners = self.env['res.partner'].create([{'name': f"P{n}"} for n in range(100)])
        self._create_request(partner_id=partners[0].id, unit_id=False)

        def count(records):
            self.env.flush_all()
            self.env.invalidate_all()
            records.commercial_partner_id  # noqa: B018 (prefetched by any form or list)
            before = self.env.cr.sql_log_count
            records.mapped('aftersales_unit_count')
            records.mapped('aftersales_open_request_count')
            return self.env.cr.sql_log_count - before

        count(partners[:1])
        self.assertEqual(count(partners[:10]), count(partners))

    def test_time_line(self):
        self.unit.date_delivered = '2026-03-02'
        request = self._create_request()
        customer = self.customer.with_user(self.user_service)
        page = customer.get_customer_timeline()
        entries = {(e['source'], e['res_id']): e for e in page['entries']}
        self.assertIn(request.name, entries['aftersales.request', request.id]['title'])
        self.assertEqual(entries['aftersales.request', request.id]['state'], "New")
        self.assertIn('2028', entries['aftersales.unit', self.unit.id]['body'])
        found = customer.get_customer_timeline(
            sources=['aftersales.request'], search=request.number
        )
        self.assertEqual([e['res_id'] for e in found['entries']], request.ids)
        self.assertFalse(
            customer.get_customer_timeline(sources=['aftersales.request'], search="nothing")[
                'entries'
            ]
        )

    def test_briefing(self):
        """Who meets the customer knows what is open and how the last matter ended."""
        ended = self._create_request(name="Old matter")
        ended.action_close()
        ended.rating_last_value = 2
        waiting = self._create_request(partner_id=self.customer_company.id, unit_id=False)
        partners = (self.customer | self.stranger).with_user(self.user_service)
        section = next(
            section
            for section in partners._get_readable_briefing_sections()
            if section.key == 'aftersales.request'
        )
        lines = section.describe(partners)
        self.assertEqual(
            [(line.target[1], line.level) for line in lines[self.customer.id]],
            [(waiting.id, 'warning'), (ended.id, 'info')],
        )
        self.assertIn("rated 2 of 5", lines[self.customer.id][1].text)
        self.assertNotIn(self.stranger.id, lines)
        keys = [
            section.key
            for section in partners.with_user(self.user_customer)._get_readable_briefing_sections()
        ]
        self.assertNotIn('crm.occasion', keys)

    def test_actions_show_the_whole_entity(self):
        request = self._create_request(partner_id=self.customer_company.id, unit_id=False)
        action = self.customer.action_view_aftersales_requests()
        self.assertEqual(self.env['aftersales.request'].search(action['domain']), request)
        action = self.customer_company.action_view_aftersales_units()
        self.assertEqual(self.env['aftersales.unit'].search(action['domain']), self.unit)

    def test_requests_of_a_customer_are_cards_without_columns(self):
        """A board begins with a column that is often empty, and on a phone that is all one sees."""
        request = self._create_request()
        actions = [
            self.customer.action_view_aftersales_requests(),
            self.unit.action_view_requests(),
            request.action_view_customer_requests(),
            self.env['sale.order']
            .create({'partner_id': self.customer.id})
            .action_view_aftersales_requests(),
        ]
        for action in actions:
            view_id = {mode: id_ for id_, mode in action['views']}['kanban']
            arch = etree.fromstring(request.get_view(view_id, 'kanban')['arch'])
            self.assertFalse(arch.get('default_group_by'))

    def test_merge_keeps_products_and_requests(self):
        double = self.env['res.partner'].create(
            {'name': "Wang F.", 'email': 'wang@sunrise.example.com'}
        )
        unit = self.env['aftersales.unit'].create(
            {'product_id': self.product.id, 'partner_id': double.id}
        )
        request = self._create_request(partner_id=double.id, unit_id=unit.id)
        self.env.flush_all()
        self.env['base.partner.merge.automatic.wizard']._merge(
            (double + self.customer).ids, self.customer, extra_checks=False
        )
        self.env.flush_all()
        self.env.invalidate_all()
        for record in unit + self.env['aftersales.unit'].browse(unit.id):
            self.assertEqual(record.partner_id, self.customer)
        self.assertEqual(request.partner_id, self.customer)
        self.assertEqual(unit.commercial_partner_id, self.customer_company)
        self.assertEqual(request.commercial_partner_id, self.customer_company)
        self.assertEqual(self.customer.aftersales_unit_count, 2)

    def test_move_to_another_company_takes_everything_along(self):
        request = self._create_request()
        other = self.env['res.partner'].create({'name': "Other", 'is_company': True})
        self.customer.parent_id = other
        self.env.flush_all()
        self.assertEqual(request.commercial_partner_id, other)
        self.assertEqual(self.unit.commercial_partner_id, other)
