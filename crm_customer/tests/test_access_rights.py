from odoo.exceptions import AccessError
from odoo.tests import tagged

from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestAccessRights(CrmCustomerCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        vals = {'name': "Job", 'model': 'res.partner', 'method': '_x'}
        cls.jobs = cls.env['crm.job'].create(
            [
                {**vals, 'user_id': cls.user_own.id},
                {**vals, 'user_id': cls.user_manager.id},
                {**vals, 'user_id': cls.user_own.id, 'company_id': cls.other_company.id},
            ]
        )
        for job in cls.jobs:
            job._log("Something")

    def seen(self, user):
        jobs = self.env['crm.job'].with_user(user).search([('id', 'in', self.jobs.ids)])
        lines = self.env['crm.job.line'].with_user(user).search([('job_id', 'in', self.jobs.ids)])
        self.assertEqual(lines.job_id, jobs, "who sees a job sees its log")
        return jobs

    def test_jobs_by_role_and_company(self):
        mine, others, elsewhere = self.jobs
        self.assertEqual(self.seen(self.user_own), mine)
        self.assertEqual(self.seen(self.user_all), mine | others)
        self.assertEqual(self.seen(self.user_manager), mine | others)
        self.user_own.company_ids += self.other_company
        both = (self.company | self.other_company).ids
        jobs = self.env['crm.job'].with_context(allowed_company_ids=both).with_user(self.user_own)
        self.assertEqual(jobs.search([('id', 'in', self.jobs.ids)]), mine | elsewhere)

    def test_employees_without_role(self):
        for model in ('crm.job', 'crm.job.line', 'crm.selfcheck', 'crm.preset'):
            with self.assertRaises(AccessError):
                self.env[model].with_user(self.user_employee).search([])

    def test_nobody_writes(self):
        for model in ('crm.job', 'crm.job.line', 'crm.selfcheck', 'crm.preset'):
            records = self.env[model].with_user(self.user_manager)
            self.assertFalse(records.has_access('create'), model)
            self.assertFalse(records.has_access('write'), model)
        self.assertTrue(self.env['crm.job'].with_user(self.user_manager).has_access('unlink'))
        self.assertFalse(self.env['crm.job'].with_user(self.user_all).has_access('unlink'))

    def test_menu_of_those_without_an_application(self):
        Menu = self.env['ir.ui.menu']
        root = self.env.ref('crm_customer.crm_customer_root_menu')
        config = self.env.ref('crm_customer.crm_customer_root_config_menu')

        def get_menus(user):
            return Menu.with_user(user).load_menus(False)

        self.assertNotIn(root.id, get_menus(self.user_employee))
        self.assertIn(root.id, get_menus(self.user_own))
        self.assertNotIn(config.id, get_menus(self.user_own))
        self.assertIn(config.id, get_menus(self.user_manager))
        application = Menu.create({'name': "Application"})
        for page in ('message', 'preset'):
            self.assertIn(root.id, get_menus(self.user_manager))
            action = self.env.ref(f'crm_customer.crm_{page}_action')
            Menu.create(
                {
                    'name': page,
                    'parent_id': application.id,
                    'action': f'{action._name},{action.id}',
                }
            )
        self.assertNotIn(root.id, get_menus(self.user_manager), "found in the application")
        # websites look up the roots among the menus
        roots = Menu.with_user(self.user_manager).load_menus_root()['children']
        self.assertLessEqual({menu['id'] for menu in roots}, set(get_menus(self.user_manager)))

    def test_settings_are_per_company(self):
        self.company.crm_job_keep_days = 30
        self.other_company.crm_job_keep_days = 60
        settings = self.env['res.config.settings'].create({})
        self.assertEqual(settings.crm_job_keep_days, 30)
        settings.crm_job_keep_days = 45
        settings.execute()
        self.assertEqual(
            (self.company.crm_job_keep_days, self.other_company.crm_job_keep_days), (45, 60)
        )

    def test_persons_of_another_company(self):
        """Who reads persons by RPC sees no customer of another company, and no key of any."""
        hidden = self.env['res.partner'].create(
            {'name': "Hidden Customer", 'company_id': self.other_company.id}
        )
        persons = self.env['crm.person']._for_partners(hidden | self.contact)
        for user in (self.user_employee, self.user_manager):
            found = persons.with_user(user).search_read([('id', 'in', persons.ids)], ['partner_id'])
            self.assertEqual([row['partner_id'][0] for row in found], [self.contact.id])
        person = self.env['crm.person']._for_partners(self.contact)
        person._set_consent(['care'], ['sms'], 'out', company=self.company, source='staff')
        own = person.with_user(self.user_employee)
        with self.assertRaises(AccessError):
            own.read(['person_key'])
        self.assertNotIn(person.person_key, str(own.read()))
        consent = self.env['crm.consent'].with_user(self.user_employee)
        rows = consent.search_read([('person_id', '=', person.id)])
        self.assertNotIn(person.person_key, str(rows))
        self.assertEqual(rows[0]['person_id'][1], self.contact.display_name)

    def test_remembered_addresses_of_another_company(self):
        person = self.env['crm.person']._for_partners(self.contact)
        address = self.env['crm.person.address']
        address._suppress(person, {'email': 'a@example.com'}, self.other_company)
        address._suppress(person, {'email': 'b@example.com'}, self.company)
        address._suppress(person, {'email': 'c@example.com'})
        rows = address.with_user(self.user_manager).search([('person_id', '=', person.id)])
        self.assertEqual(rows.company_id, self.company)
        self.assertEqual(len(rows), 2)


@tagged('post_install', '-at_install')
class TestScreens(CrmCustomerCommon):
    def test_lists_have_cards_for_the_phone_and_a_search(self):
        rows = self.env['ir.model.data'].search(
            [('module', '=', 'crm_customer'), ('model', '=', 'ir.actions.act_window')]
        )
        actions = self.env['ir.actions.act_window'].browse(rows.mapped('res_id'))
        actions = actions.filtered(
            lambda a: a.res_model.startswith('crm.') and 'list' in a.view_mode
        )
        self.assertGreater(len(actions), 10)
        views = self.env['ir.ui.view'].search([('model', 'in', actions.mapped('res_model'))])
        kinds = {(view.model, view.type) for view in views}
        for action in actions:
            with self.subTest(action.res_model):
                self.assertIn('kanban', action.view_mode)
                self.assertIn((action.res_model, 'kanban'), kinds)
                self.assertIn((action.res_model, 'search'), kinds)
