from datetime import date

from odoo.exceptions import AccessError, ValidationError
from odoo.tests import Form, tagged

from .common import MONDAY, AftersalesCommon


@tagged('post_install', '-at_install')
class TestRequestKind(AftersalesCommon):
    """What suggestions and praise have beyond other requests."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.type_suggestion = cls.env.ref('crm_aftersales.aftersales_request_type_suggestion')
        cls.type_suggestion.answer_days = 10

    def test_every_kind_of_the_glossary_is_there(self):
        codes = self.env['aftersales.request.type'].search([('code', '!=', False)]).mapped('code')
        kinds = 'fault consultation quality installation return complaint claim emergency'
        self.assertLessEqual({*kinds.split(), 'suggestion', 'praise', 'opinion'}, set(codes))

    def test_answer_due(self):
        request = self._create_request(type_id=self.type_suggestion.id, date_received=MONDAY)
        self.assertEqual(request.answer_due, date(2026, 3, 12))
        request.answer_due = '2026-03-05'
        request.name = "Changed"
        self.assertEqual(request.answer_due, date(2026, 3, 5))
        request.type_id = self.type_fault
        self.assertFalse(request.answer_due)
        self.assertFalse(self._create_request().answer_due)

    def test_suggestion_ends_decided(self):
        request = self._create_request(type_id=self.type_suggestion.id)
        request = request.with_user(self.user_service)
        with self.assertRaises(ValidationError) as refusal:
            request.action_resolve()
        self.assertIn("accepted, declined or put off", str(refusal.exception))
        request.decision = 'accepted'
        request.action_resolve()
        self.assertEqual(request.state, 'resolved')

    def test_suggestion_is_cancelled_undecided(self):
        request = self._create_request(type_id=self.type_suggestion.id)
        request.with_user(self.user_service).action_cancel()
        self.assertEqual(request.state, 'cancelled')

    def test_decline_needs_a_reason(self):
        request = self._create_request(type_id=self.type_suggestion.id)
        for decision in ('declined', 'later'):
            with self.assertRaises(ValidationError):
                request.decision = decision
        request.write({'decision': 'declined', 'decision_reason': "Too dear"})

    def test_overdue(self):
        Request = self.env['aftersales.request']
        request = self._create_request(type_id=self.type_suggestion.id, date_received=MONDAY)
        domain = Request._get_answer_overdue_domain()
        self.assertIn(request, Request.search(domain))
        request.decision = 'accepted'
        self.assertNotIn(request, Request.search(domain))

    def test_who_is_praised_reads_it(self):
        request = self._create_request(type_id=self.type_praise.id, user_id=self.user_service.id)
        as_technician = request.with_user(self.user_technician)
        self.assertFalse(as_technician.has_access('read'))
        request.employee_ids = self.user_technician
        found = as_technician.search([('employee_ids', 'in', self.user_technician.ids)])
        self.assertEqual(found, request)
        self.assertEqual(as_technician.read(['name'])[0]['name'], request.name)
        with self.assertRaises(AccessError):
            as_technician.name = "Changed"
        request.type_id = self.env.ref('crm_aftersales.aftersales_request_type_complaint')
        self.assertFalse(as_technician.has_access('read'), "it is no praise of him any more")

    def test_shown_only_for_their_types(self):
        with Form(self.env['aftersales.request'].with_user(self.user_service)) as form:
            form.name = "A"
            form.type_id = self.type_praise
            form.employee_ids.add(self.user_technician)
            with self.assertRaises(AssertionError):
                form.decision = 'accepted'
        self.assertEqual(form.record.employee_ids, self.user_technician)

    def test_reason_is_personal_data(self):
        [source] = [
            source
            for source in self.customer._get_personal_data_sources()
            if source.key == 'aftersales.request'
        ]
        self.assertIn('decision_reason', source.fields)
        self.assertFalse(source.values['decision_reason'])
