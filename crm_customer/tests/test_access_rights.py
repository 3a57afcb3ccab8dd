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
