from odoo.tests import TransactionCase, tagged


@tagged('post_install', '-at_install')
class TestCompany(TransactionCase):
    def test_customers_days_begin_in_the_zone_of_the_working_hours(self):
        company = self.env['res.company'].create({'name': "Shop"})
        company.resource_calendar_id.tz = 'Asia/Shanghai'
        self.assertEqual(company._get_customer_timezone(), 'Asia/Shanghai')
        company.resource_calendar_id.tz = 'Asia/Tokyo'
        self.assertEqual(company._get_customer_timezone(), 'Asia/Tokyo')
        company.resource_calendar_id = False
        self.assertEqual(company._get_customer_timezone(), 'UTC')
