from datetime import date

from freezegun import freeze_time

from odoo import Command
from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged

from odoo.addons.mail.tests.common import mail_new_test_user

from ..models.res_partner_completeness import CompletenessCriterion
from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestCustomerProfile(CrmCustomerCommon):
    def test_labels_to_begin_with(self):
        """What the addon brings; more are added by the business, and all may be renamed."""
        for model, names in (
            ('crm.customer.type', ['agent', 'direct_seller', 'dealer', 'end_user']),
            ('crm.customer.class', ['vip', 'key', 'ordinary']),
            (
                'crm.customer.status',
                ['prospect', 'first', 'active', 'at_risk', 'lost', 'won_back'],
            ),
        ):
            prefix = f"crm_customer.{model.replace('.', '_')}_"
            records = self.env[model].concat(*(self.env.ref(prefix + name) for name in names))
            self.assertEqual(records.sorted(), records)
        self.assertTrue(self.env.ref('crm_customer.crm_customer_status_lost').closed)

    def test_type_added_by_a_user(self):
        """A new type needs no developer, and no more rights than those of the administrator."""
        fair = (
            self.env['crm.customer.type'].with_user(self.user_manager).create({'name': "展会客户"})
        )
        self.stranger.with_user(self.user_salesman).write({'customer_type_id': fair.id})
        found = self.env['res.partner'].search([('customer_type_id', 'in', "展会客户")])
        self.assertEqual(found, self.stranger)
        with self.assertRaises(AccessError):
            self.env['crm.customer.type'].with_user(self.user_salesman).create({'name': "X"})

    def test_relation_not_ended(self):
        lost = self.env.ref('crm_customer.crm_customer_status_lost')
        active = self.env.ref('crm_customer.crm_customer_status_active')
        self.contact.customer_status_id = lost
        self.stranger.customer_status_id = active
        domain = [
            '|',
            ('customer_status_id', '=', False),
            ('customer_status_id.closed', '=', False),
            ('id', 'in', (self.customer | self.contact | self.stranger).ids),
        ]
        self.assertEqual(self.env['res.partner'].search(domain), self.customer | self.stranger)

    def test_files_of_groups_and_suppliers(self):
        with Form(self.stranger) as form:
            form.customer_file_kind = 'group'
            form.group_heads = 120
            form.group_needs = "120 meals a day, no nuts"
        with Form(self.customer) as form:
            form.customer_file_kind = 'supplier'
            form.supplier_kind = 'grower'
            form.supplier_market = "华东"
            form.supplier_strength = "Delivers before six"
        self.assertEqual(self.stranger.group_heads, 120)
        self.assertEqual(self.customer.supplier_kind, 'grower')

    def test_portal_does_not_read_what_staff_think(self):
        portal = mail_new_test_user(self.env, 'cc_portal', groups='base.group_portal')
        portal.partner_id.customer_class_id = self.env.ref('crm_customer.crm_customer_class_vip')
        partner = portal.partner_id.with_user(portal)
        for name in ('customer_class_id', 'customer_status_id', 'birth_day', 'supplier_strength'):
            with self.assertRaises(AccessError):
                partner.read([name])
        for model in ('crm.customer.note', 'crm.household', 'crm.anniversary'):
            self.assertFalse(self.env[model].with_user(portal).has_access('read'), model)

    def test_languages_that_odoo_does_not_use(self):
        georgian = self.env.ref('base.lang_ka_GE')
        self.assertFalse(georgian.active)
        self.stranger.customer_lang_ids = georgian
        self.stranger.invalidate_recordset()
        self.assertEqual(self.stranger.customer_lang_ids, georgian)
        found = self.env['res.partner'].search([('customer_lang_ids', 'in', georgian.ids)])
        self.assertEqual(found, self.stranger)

    def test_confirm(self):
        today = date(2026, 4, 1)
        with freeze_time('2026-04-01 12:00:00'):
            self.stranger.with_user(self.user_salesman).action_confirm_customer_file()
        self.assertRecordValues(
            self.stranger,
            [{'customer_confirmed_on': today, 'customer_confirmed_by_id': self.user_salesman.id}],
        )
        self.assertFalse(self.stranger.copy().customer_confirmed_on)
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.stranger.customer_confirmed_on = '2099-01-01'
        domain = [
            ('id', '=', self.stranger.id),
            '|',
            ('customer_confirmed_on', '=', False),
            ('customer_confirmed_on', '<', 'today -1y'),
        ]
        with freeze_time('2027-04-01 12:00:00'):
            self.assertFalse(self.env['res.partner'].search(domain))
        with freeze_time('2027-04-03 12:00:00'):
            self.assertEqual(self.env['res.partner'].search(domain), self.stranger)


@tagged('post_install', '-at_install')
class TestHousehold(CrmCustomerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mother, cls.son, cls.neighbour = cls.env['res.partner'].create(
            [{'name': "Zhang"}, {'name': "Zhang Jr"}, {'name': "Wu"}]
        )
        cls.household = cls.env['crm.household'].create(
            {'name': "Family Zhang", 'member_ids': [Command.set((cls.mother | cls.son).ids)]}
        )

    def test_head(self):
        self.assertFalse(self.household.head_id)
        self.mother.household_role = 'head'
        self.assertEqual(self.household.head_id, self.mother)
        with (
            self.assertRaisesRegex(ValidationError, "one head: Family Zhang"),
            self.env.cr.savepoint(),
        ):
            self.son.household_role = 'head'
        self.mother.household_id = False
        self.assertFalse(self.household.head_id)

    def test_role_stays_behind(self):
        self.mother.household_role = 'head'
        family_wu = self.env['crm.household'].create({'name': "Family Wu"})
        self.neighbour.write({'household_id': family_wu.id, 'household_role': 'head'})
        with Form(self.neighbour) as form:
            form.household_id = self.household
        self.assertFalse(self.neighbour.household_role)

    def test_merge_makes_nobody_head(self):
        self.mother.household_role = 'head'
        family_wu = self.env['crm.household'].create({'name': "Family Wu"})
        self.neighbour.write({'household_id': family_wu.id, 'household_role': 'head'})
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((self.son | self.neighbour).ids, self.son)
        self.assertEqual(self.household.head_id, self.mother)
        self.assertFalse(self.son.household_role)

    def test_companies_are_no_members(self):
        with self.assertRaisesRegex(ValidationError, "household first"), self.env.cr.savepoint():
            self.mother.is_company = True
        with self.assertRaisesRegex(ValidationError, "household first"), self.env.cr.savepoint():
            self.household.member_ids += self.customer

    def test_person_merged_into_a_company(self):
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((self.son | self.customer).ids, self.customer)
        self.assertFalse(self.customer.household_id)

    def test_name(self):
        for name in ('', '  '):
            with (
                self.assertRaisesRegex(ValidationError, "Household: please give a name"),
                self.env.cr.savepoint(),
            ):
                self.household.name = name

    def test_companies(self):
        self.household.company_id = self.other_company
        households = self.env['crm.household'].with_user(self.user_salesman)
        self.assertFalse(households.search([('id', '=', self.household.id)]))
        self.user_salesman.company_ids += self.other_company
        both = households.with_context(allowed_company_ids=self.user_salesman.company_ids.ids)
        self.assertEqual(both.search([('id', '=', self.household.id)]), self.household)


@tagged('post_install', '-at_install')
class TestCompleteness(CrmCustomerCommon):
    def test_of_a_person(self):
        with freeze_time('2026-04-01 12:00:00'):
            person = self.env['res.partner'].create({'name': "Zhang"})
            self.assertEqual(person.customer_completeness, 0)
            self.assertIn("E-mail, Phone, Address, ", person.customer_missing)
            person.write({'email': 'z@example.com', 'phone': '1', 'birth_day': 1, 'birth_month': 2})
            self.assertEqual(person.customer_completeness, 50)
            self.assertTrue(person.customer_missing.endswith(", and Confirmed within a year"))
            person.write(
                {
                    'street': "A 1",
                    'city': "Hangzhou",
                    'country_id': self.env.ref('base.cn').id,
                    'customer_type_id': self.env.ref('crm_customer.crm_customer_type_end_user').id,
                }
            )
            person.action_confirm_customer_file()
            self.assertEqual(person.customer_completeness, 100)
            self.assertFalse(person.customer_missing)
        with freeze_time('2027-04-02 12:00:00'):
            person.invalidate_recordset()
            self.assertEqual(person.customer_missing, "Confirmed within a year")

    def test_companies_have_no_birthday(self):
        company = self.env['res.partner'].create({'name': "Linghua", 'is_company': True})
        self.assertNotIn("Birthday", company.customer_missing)

    def test_criteria_of_an_addon(self):
        Partner = self.registry['res.partner']
        origin = Partner._get_completeness_criteria

        def extended(partners):
            criterion = CompletenessCriterion("Website", lambda partner: bool(partner.website))
            return [*origin(partners), criterion]

        self.patch(Partner, '_get_completeness_criteria', extended)
        self.stranger.invalidate_recordset()
        self.assertIn("Website", self.stranger.customer_missing)


@tagged('post_install', '-at_install')
class TestGreeting(CrmCustomerCommon):
    def test_address_without_a_name(self):
        company = self.env['res.partner'].create({'name': "Linghua", 'is_company': True})
        address = self.env['res.partner'].create({'type': 'other', 'parent_id': company.id})
        self.assertEqual(address.greeting_name, "Linghua")
        address.name = "Depot"
        self.assertEqual(address.greeting_name, "Depot")
        self.assertFalse(self.env['res.partner'].greeting_name)
