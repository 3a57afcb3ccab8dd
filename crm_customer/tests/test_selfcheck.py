from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.service.model import call_kw
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..selfcheck import SelfCheck
from .common import CrmCustomerCommon


@tagged('post_install', '-at_install')
class TestSelfcheck(CrmCustomerCommon):
    def setUp(self):
        super().setUp()
        self.result = (True, '', 0)
        self.registry_class = self.registry['crm.selfcheck']
        for name, value in {
            '_get_checks': lambda model: [SelfCheck('test.check', "Test Check", '_check_test')],
            '_check_test': lambda model: self.result,
        }.items():
            patcher = patch.object(self.registry_class, name, value, create=True)
            patcher.start()
            self.addCleanup(patcher.stop)

    def run_checks(self):
        self.env['crm.selfcheck'].with_user(self.user_manager).action_run_all()
        return self.env['crm.selfcheck'].search([])

    def test_result_is_kept_per_check(self):
        check = self.run_checks()
        self.assertRecordValues(
            check, [{'code': 'test.check', 'name': "Test Check", 'state': 'ok', 'count': 0}]
        )
        self.result = (False, "3 wrong", 3)
        self.assertEqual(self.run_checks(), check, "one record per check, with the latest result")
        self.assertRecordValues(check, [{'state': 'fail', 'message': "3 wrong", 'count': 3}])

    def test_failure_warns_each_administrator_once(self):
        self.result = (False, "3 wrong", 3)
        self.run_checks()
        check = self.run_checks()
        activities = check.activity_ids.filtered(lambda act: act.user_id == self.user_manager)
        self.assertEqual(activities.mapped('summary'), ["Test Check"])
        self.assertNotIn(self.user_all, check.activity_ids.user_id)
        self.result = (True, '', 0)
        self.run_checks()
        self.assertFalse(check.activity_ids, "passing closes the activity")

    def test_check_that_breaks(self):
        def broken(model):
            model.env.cr.execute('SELECT 1/0')

        with (
            patch.object(self.registry_class, '_check_test', broken),
            mute_logger('odoo.sql_db', 'odoo.addons.crm_customer.models.crm_selfcheck'),
        ):
            check = self.run_checks()
        self.assertEqual(check.state, 'unknown')
        self.assertIn('division by zero', check.message)
        self.assertTrue(check.activity_ids)

    def test_nightly(self):
        with self.enter_registry_test_mode():
            self.env.ref('crm_customer.ir_cron_crm_selfcheck').method_direct_trigger()
        self.assertEqual(self.env['crm.selfcheck'].search([]).mapped('state'), ['ok'])

    def test_button_of_an_empty_list(self):
        call_kw(self.env['crm.selfcheck'], 'action_run_all', [[]], {})
        self.assertTrue(self.env['crm.selfcheck'].search([('code', '=', 'test.check')]))

    def test_only_administrators(self):
        check = self.run_checks()
        for user in (self.user_employee, self.user_own, self.user_all):
            with self.assertRaises(AccessError):
                self.env['crm.selfcheck'].with_user(user).action_run_all()
            with self.assertRaises(AccessError):
                check.with_user(user).action_run()


@tagged('post_install', '-at_install')
class TestOwnChecks(CrmCustomerCommon):
    def test_every_foreign_key_to_contacts_is_indexed(self):
        ok, message, _count = self.env['crm.selfcheck']._check_partner_indexes()
        self.assertTrue(ok, message)

    def test_missing_partner_index_is_found(self):
        columns = {('res_partner', 'parent_id'), ('res_partner', 'city')}
        with patch.object(
            self.registry['crm.selfcheck'], '_get_partner_columns', lambda model: columns
        ):
            result = self.env['crm.selfcheck']._check_partner_indexes()
        self.assertEqual(result, (False, 'res_partner.city', 1))

    def test_columns_are_those_of_the_suite(self):
        self.assertNotIn(
            ('sale_order', 'partner_id'), self.env['crm.selfcheck']._get_partner_columns()
        )
        with patch.object(
            self.registry['ir.module.module'], '_get_crm_suite_names', lambda model: ['sale']
        ):
            columns = self.env['crm.selfcheck']._get_partner_columns()
        self.assertIn(('sale_order', 'partner_id'), columns)

    def test_missing_index_is_found(self):
        check = self.env['crm.selfcheck']._check_database_objects
        ok, message, _count = check()
        self.assertTrue(ok, message)
        self.env.cr.execute('DROP INDEX crm_job_key_unique')
        self.assertEqual(check(), (False, 'crm_job_key_unique', 1))

    def test_failed_job_is_found(self):
        check = self.env['crm.selfcheck']._check_jobs
        before = check()[2]
        vals = {'name': "Broken", 'model': 'res.partner', 'method': '_x', 'state': 'failed'}
        self.env['crm.job'].create(vals)
        ok, message, count = check()
        self.assertEqual((ok, count), (False, before + 1))
        self.assertIn("Broken", message)
