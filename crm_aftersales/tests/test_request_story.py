from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import tagged

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestRequestStory(AftersalesCommon):
    """What else there is of the customer, beside his request."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls._create_request(team_id=cls.team_workshop.id)

    def _counts(self, user):
        request = self.request.with_user(user)
        return [
            request[f'customer_{kind}_count']
            for kind in ('unit', 'request', 'order', 'invoice', 'rating')
        ]

    def test_counts_of_the_whole_entity(self):
        colleague = self.env['res.partner'].create(
            {'name': "Li", 'parent_id': self.customer_company.id}
        )
        self._create_request(partner_id=colleague.id)
        merged = self._create_request()
        merged._merge_into(self.request)
        self.env['sale.order'].create({'partner_id': colleague.id})
        invoice = self.env['account.move'].create(
            {
                'move_type': 'out_invoice',
                'partner_id': self.customer_company.id,
                'invoice_line_ids': [Command.create({'name': "Repair", 'price_unit': 10})],
            }
        )
        invoice.action_post()
        self.env['rating.rating'].create(
            {
                'res_model_id': self.env['ir.model']._get_id('aftersales.request'),
                'res_id': self.request.id,
                'partner_id': self.customer.id,
                'rating': 5,
                'consumed': True,
            }
        )
        self.assertEqual(self._counts(self.user_manager), [1, 2, 1, 1, 1])
        self.assertEqual(self._counts(self.user_service)[3], 0, "no right to invoices")

    def test_buttons_lead_there(self):
        request = self.request.with_user(self.user_manager)
        for kind, model in (
            ('units', 'aftersales.unit'),
            ('requests', 'aftersales.request'),
            ('orders', 'sale.order'),
            ('invoices', 'account.move'),
            ('ratings', 'rating.rating'),
        ):
            action = getattr(request, f'action_view_customer_{kind}')()
            self.assertEqual(action['res_model'], model)
            self.env[model].with_user(self.user_manager).search(action['domain'])
        unknown = self.env['aftersales.request'].create({'name': "A"})
        with self.assertRaises(UserError):
            unknown.action_view_customer_units()
        self.assertFalse(unknown.customer_unit_count)

    def test_briefing(self):
        self.assertIn(self.request.number, self.request.customer_briefing)
        self.env['crm.customer.note'].create(
            {
                'partner_id': self.customer.id,
                'category_id': self.env['crm.note.category'].search([], limit=1).id,
                'text': "Call before coming",
            }
        )
        person = self.env['crm.person'].sudo()._for_partners(self.customer)
        person.preferred_channel = 'phone'
        self.env.invalidate_all()
        briefing = self.request.with_user(self.user_technician).customer_briefing
        self.assertIn("Call before coming", briefing)
        self.assertIn("Prefers: Phone", briefing)

    def test_nothing_to_know_of_nobody(self):
        request = self.env['aftersales.request'].create({'name': "A"})
        self.assertFalse(request.customer_briefing)

    def test_briefings_cost_the_same(self):
        requests = self.env['aftersales.request'].union(
            *(
                self._create_request(
                    partner_id=self.env['res.partner'].create({'name': f"C{number}"}).id,
                    unit_id=False,
                )
                for number in range(6)
            )
        )

        def count(records):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            records.mapped('customer_briefing')
            return self.env.cr.sql_log_count - before

        count(requests[:1])
        self.assertEqual(count(requests[:1]), count(requests))
