from odoo.tests import TransactionCase, tagged


@tagged('post_install', '-at_install')
class Test{{ name | pascal }}(TransactionCase):
    def test_calls_stand_in_the_time_line(self):
        partner = self.env['res.partner'].create({'name': "Wang Fang", 'call_hours': "after 18:00"})
        call = self.env['{{ name | snake }}.call'].create(
            {'name': "Asks for the price", 'partner_id': partner.id}
        )
        timeline = partner.get_customer_timeline(sources=['{{ name | snake }}.call'])
        entries = [(entry['res_id'], entry['title']) for entry in timeline['entries']]
        self.assertEqual(entries, [(call.id, "Asks for the price")])
