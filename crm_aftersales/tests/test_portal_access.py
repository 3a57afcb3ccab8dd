from odoo.exceptions import AccessError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.mail.tests.common import mail_new_test_user

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestPortalAccess(AftersalesCommon, HttpCase):
    """Contacts of a company see its records, or each his own: rules and pages agree."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user_colleague = mail_new_test_user(
            cls.env,
            login='aftersales_colleague',
            password='aftersales_colleague',
            email='li@sunrise.example.com',
            name="Li Na",
            groups='base.group_portal',
            company_id=cls.company.id,
        )
        cls.user_colleague.partner_id.parent_id = cls.customer_company
        cls.request_own = cls._create_request(name="Of Wang himself")
        cls.unit_company, cls.unit_colleague = cls.env['aftersales.unit'].create(
            [
                {
                    'product_id': cls.product.id,
                    'serial': 'P 7',
                    'name': "Lift of the company",
                    'partner_id': cls.customer_company.id,
                },
                {
                    'product_id': cls.product.id,
                    'serial': 'P 8',
                    'name': "Drill of Li",
                    'partner_id': cls.user_colleague.partner_id.id,
                },
            ]
        )
        cls.request_colleague = cls._create_request(
            name="Of his colleague",
            partner_id=cls.user_colleague.partner_id.id,
            unit_id=cls.unit_colleague.id,
        )

    def _sees(self, user, record) -> bool:
        self.env.flush_all()
        return bool(record.with_user(user).search([('id', '=', record.id)]))

    def _get_seen(self, user):
        records = (self.request_own, self.request_colleague, self.unit, self.unit_company)
        return [self._sees(user, record) for record in records]

    def test_whole_company_by_default(self):
        self.assertEqual(self.company.aftersales_portal_access, 'company')
        self.assertEqual(self._get_seen(self.user_customer), [True] * 4)

    def test_own_only(self):
        self.company.aftersales_portal_access = 'own'
        self.assertEqual(self._get_seen(self.user_customer), [True, False, True, False])
        self.assertEqual(self._get_seen(self.user_colleague), [False, True, False, False])

    def test_warranties_go_with_their_products(self):
        for unit in (self.unit, self.unit_company):
            unit.date_delivered = '2026-01-05'
        self.company.aftersales_portal_access = 'own'
        self.assertTrue(self._sees(self.user_customer, self.unit.warranty_ids))
        self.assertFalse(self._sees(self.user_customer, self.unit_company.warranty_ids))

    def test_customer_overrules_the_setting(self):
        self.customer_company.aftersales_portal_access = 'own'
        self.assertEqual(self._get_seen(self.user_customer), [True, False, True, False])
        self.company.aftersales_portal_access = 'own'
        self.customer_company.aftersales_portal_access = 'company'
        self.assertEqual(self._get_seen(self.user_customer), [True] * 4)

    def test_login_of_the_company_sees_all(self):
        self.company.aftersales_portal_access = 'own'
        self.user_customer.partner_id = self.customer_company
        self.env.registry.clear_cache()
        self.assertEqual(self._get_seen(self.user_customer), [True] * 4)

    def test_each_company_of_ours_says_it_for_its_records(self):
        request = self._create_request(
            name="Elsewhere",
            unit_id=False,
            company_id=self.company_2.id,
            partner_id=self.user_colleague.partner_id.id,
        )
        self.user_customer.company_ids += self.company_2
        self.company_2.aftersales_portal_access = 'own'
        both = self.user_customer.company_ids.ids
        request = request.with_context(allowed_company_ids=both)
        colleague = self.request_colleague.with_context(allowed_company_ids=both)
        self.assertFalse(self._sees(self.user_customer, request))
        self.assertTrue(self._sees(self.user_customer, colleague))
        self.company_2.aftersales_portal_access = 'company'
        self.assertTrue(self._sees(self.user_customer, request))

    def test_pages_agree_with_the_rules(self):
        self.authenticate('aftersales_customer', 'aftersales_customer')
        page = self.url_open('/my/requests').text
        self.assertIn("Of his colleague", page)
        self.assertIn("Lift of the company", self.url_open('/my/equipment').text)
        self.customer_company.aftersales_portal_access = 'own'
        self.env.flush_all()
        page = self.url_open('/my/requests').text
        self.assertIn("Of Wang himself", page)
        self.assertNotIn("Of his colleague", page)
        self.assertNotIn("Lift of the company", self.url_open('/my/equipment').text)
        self.assertNotIn("Lift of the company", self.url_open('/my/requests/new').text)
        for url in (
            f'/my/requests/{self.request_colleague.id}',
            f'/my/equipment/{self.unit_company.id}',
        ):
            response = self.url_open(url, allow_redirects=False)
            self.assertTrue(response.headers.get('Location', '').endswith('/my'), url)

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')
    def test_customers_do_not_set_it(self):
        partner = self.customer_company.with_user(self.user_customer)
        with self.assertRaises(AccessError):
            partner.write({'aftersales_portal_access': 'company'})

    def test_staff_sees_on_the_portal_what_a_customer_would(self):
        """An employee who is a customer too finds his own things, not those of all customers."""
        own = self._create_request(
            partner_id=self.user_service.partner_id.id, unit_id=False, name="For my own kitchen"
        )
        self.authenticate('aftersales_service', 'aftersales_service')
        page = self.url_open('/my/requests').text
        self.assertIn(own.number, page)
        self.assertNotIn("Of Wang himself", page)
