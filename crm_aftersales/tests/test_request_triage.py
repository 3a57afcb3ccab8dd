import psycopg2

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import AftersalesCommon


@tagged('post_install', '-at_install')
class TestRequestTriage(AftersalesCommon):
    """Priority by impact and urgency, codes, and what a stage asks for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.codes = {
            kind: cls.env['aftersales.code'].create(
                {'kind': kind, 'code': f'T-{kind}', 'name': f"Test {kind}"}
            )
            for kind in ('fault', 'cause', 'solution')
        }

    # ------------------------------------------------------------
    # Priority
    # ------------------------------------------------------------

    def test_matrix(self):
        request = self._create_request()
        for (impact, urgency), priority in {
            ('1', '1'): '0', ('1', '2'): '0', ('2', '1'): '0',
            ('1', '3'): '1', ('2', '2'): '1', ('3', '1'): '1',
            ('2', '3'): '2', ('3', '2'): '2',
            ('3', '3'): '3',
        }.items():  # fmt: skip
            with self.subTest(impact=impact, urgency=urgency):
                request.write({'impact': impact, 'urgency': urgency})
                self.assertEqual(request.priority, priority)

    def test_one_of_both_is_no_judgement(self):
        request = self._create_request(priority='2')
        request.impact = '3'
        self.assertEqual(request.priority, '2')
        request.write({'impact': False, 'urgency': False, 'type_id': self.type_complaint.id})
        self.assertEqual(request.priority, self.type_complaint.default_priority)

    def test_judgement_outlives_the_type(self):
        request = self._create_request(impact='3', urgency='3')
        self.assertEqual(request.priority, '3')
        request.type_id = self.type_complaint
        self.assertEqual(request.priority, '3')

    def test_deadlines_follow(self):
        """A higher priority has another policy; its clocks run at once."""
        self._create_policy(response=8, resolution=40, sequence=2)
        urgent = self._create_policy(response=1, resolution=4, sequence=1, min_priority='3')
        request = self._create_request()
        self.assertNotEqual(request.sla_policy_id, urgent)
        request.write({'impact': '3', 'urgency': '3'})
        self.assertEqual(request.sla_policy_id, urgent)

    # ------------------------------------------------------------
    # Codes
    # ------------------------------------------------------------

    def test_code_of_another_kind(self):
        request = self._create_request()
        with self.assertRaisesRegex(ValidationError, "cannot be the “Cause”"):
            request.cause_code_id = self.codes['fault']

    def test_code_of_another_company(self):
        foreign = self.codes['fault'].copy({'code': 'T-9', 'company_id': self.company_2.id})
        with self.assertRaises(UserError):
            self._create_request(fault_code_id=foreign.id)

    # ------------------------------------------------------------
    # Stages
    # ------------------------------------------------------------

    def test_stage_asks(self):
        stage = self._stage('resolved')
        stage.write({'require_diagnosis': True, 'require_solution': True})
        stage.required_type_ids = self.type_fault
        request = self._create_request().with_user(self.user_service)
        with self.assertRaises(ValidationError) as refusal:
            request.action_resolve()
        self.assertIn("Please fill in: Fault, Cause, and Solution", str(refusal.exception))
        self.assertEqual(request.state, 'new')
        with Form(request) as form:
            form.fault_code_id = self.codes['fault']
            form.cause_code_id = self.codes['cause']
            form.solution_code_id = self.codes['solution']
        request.action_resolve()
        self.assertEqual(request.state, 'resolved')

    def test_stage_asks_new_requests_too(self):
        """A card made in a column of the board stands there at once."""
        stage = self._stage('resolved')
        stage.require_responsible = True
        requests = self.env['aftersales.request'].with_user(self.user_service)
        vals = {'name': "Made there", 'stage_id': stage.id}
        with self.assertRaises(ValidationError):
            requests.create(vals)
        days = dict.fromkeys(("date_received", "date_resolved"), "2026-01-05 08:00:00")
        self.assertTrue(requests.with_context(import_file=True).create({**vals, **days}))
        self.assertTrue(requests.create({**vals, 'user_id': self.user_service.id}))

    def test_codes_in_use_are_not_deleted(self):
        self._create_request(fault_code_id=self.codes['fault'].id)
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError):
            self.codes['fault'].unlink()

    def test_other_types_are_not_asked(self):
        stage = self._stage('resolved')
        stage.write({'require_unit': True, 'required_type_ids': self.type_fault.ids})
        request = self._create_request(type_id=self.type_praise.id, unit_id=False)
        request.with_user(self.user_service).action_resolve()
        self.assertEqual(request.state, 'resolved')

    def test_customers_and_jobs_are_not_asked(self):
        self._stage('closed').require_responsible = True
        request = self._create_request()
        with self.assertRaises(ValidationError):
            request.with_user(self.user_service).action_close()
        request.sudo().action_close()
        self.assertEqual(request.state, 'closed')

    def test_every_requirement_is_a_field(self):
        stages = self.env['aftersales.request.stage']
        for requirement, names in stages._get_requirements().items():
            self.assertIn(requirement, stages._fields)
            self.assertLessEqual(set(names), set(self.env['aftersales.request']._fields))
