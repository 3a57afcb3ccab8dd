from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import MONDAY, AftersalesCommon


@tagged('post_install', '-at_install')
class TestRequestChecklist(AftersalesCommon):
    """What is looked at in every request of a type."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['aftersales.checklist.item'].search([]).unlink()
        cls.tested, cls.photo, cls.briefed = cls.env['aftersales.checklist.item'].create(
            [
                {'type_id': cls.type_fault.id, 'name': "Tested"},
                {'type_id': cls.type_fault.id, 'name': "Photo", 'is_required': False},
                {'type_id': cls.type_complaint.id, 'name': "Apologised"},
            ]
        )

    def test_copied_from_the_type(self):
        request = self._create_request()
        self.assertEqual(request.check_ids.mapped('name'), ["Tested", "Photo"])
        self.assertEqual(request.checklist_progress, '0/2')
        self.tested.name = "Tested twice"
        self.assertEqual(request.check_ids[0].name, "Tested", "as it was when it came in")
        self.photo.active = False
        self.assertEqual(self._create_request().check_ids.mapped('name'), ["Tested twice"])

    def test_copied_in_all_languages(self):
        self.env['res.lang']._activate_lang('fr_FR')
        self.tested.with_context(lang='fr_FR').name = "Essayé"
        request = self._create_request()
        self.assertEqual(request.check_ids[0].with_context(lang='fr_FR').name, "Essayé")
        self.assertEqual(request.check_ids[0].name, "Tested")

    def test_another_type_has_another_checklist(self):
        request = self._create_request()
        request.check_ids[1].is_done = True
        request.type_id = self.type_complaint
        self.assertEqual(set(request.check_ids.mapped('name')), {"Photo", "Apologised"})
        request.type_id = self.type_fault
        self.assertEqual(sorted(request.check_ids.mapped('name')), ["Photo", "Tested"])

    def test_who_ticked_when(self):
        request = self._create_request(user_id=self.user_technician.id)
        check = request.check_ids[0].with_user(self.user_technician)
        with freeze_time(MONDAY):
            check.is_done = True
        self.assertEqual((check.user_id, check.date_done), (self.user_technician, MONDAY))
        check.with_user(self.user_service).is_done = True
        self.assertEqual(check.user_id, self.user_technician, "it was done before")
        check.is_done = False
        self.assertFalse(check.user_id or check.date_done)
        with self.assertRaises(AccessError):
            check.user_id = self.user_service

    def test_required_ones_block(self):
        request = self._create_request().with_user(self.user_service)
        for move in ('action_resolve', 'action_close'):
            with self.assertRaises(ValidationError) as refusal:
                getattr(request, move)()
            self.assertIn("Still to do: Tested", str(refusal.exception))
        self.assertEqual(request.state, 'new')
        request.check_ids[0].is_done = True
        request.action_resolve()
        self.assertEqual((request.state, request.checklist_progress), ('resolved', '1/2'))

    def test_what_is_missing_reads_as_a_list(self):
        """Written as the language of the reader writes it."""
        self.env['res.lang']._activate_lang('zh_CN')
        self.photo.is_required = True
        request = self._create_request().with_user(self.user_service)
        for lang, words in (('en_US', "Tested and Photo."), ('zh_CN', "Tested和Photo。")):
            with self.subTest(lang), self.assertRaises(ValidationError) as refusal:
                request.with_context(lang=lang).action_resolve()
            self.assertIn(words, str(refusal.exception))

    def test_not_made_in_the_column_either(self):
        requests = self.env['aftersales.request'].with_user(self.user_service)
        vals = {
            'name': "A",
            'type_id': self.type_fault.id,
            'stage_id': self._stage('resolved').id,
        }
        with self.assertRaises(ValidationError):
            requests.create(vals)
        days = dict.fromkeys(("date_received", "date_resolved"), "2026-01-05 08:00:00")
        self.assertTrue(requests.with_context(import_file=True).create({**vals, **days}))

    def test_what_is_resolved_is_closed_without_asking_again(self):
        request = self._create_request()
        request.sudo().action_resolve()
        request.with_user(self.user_service).action_close()
        self.assertEqual(request.state, 'closed')

    def test_ticks_follow_a_merge(self):
        survivor, source = self._create_request(), self._create_request()
        source.check_ids = [(0, 0, {'name': "Ask the neighbour"})]
        with freeze_time(MONDAY):
            source.check_ids[0].with_user(self.user_service).is_done = True
        source.with_user(self.user_manager)._merge_into(survivor)
        done = survivor.check_ids.filtered('is_done')
        self.assertEqual(done.mapped('name'), ["Tested"])
        self.assertEqual((done.user_id, done.date_done), (self.user_service, MONDAY))
        self.assertIn("Ask the neighbour", survivor.check_ids.mapped('name'))

    def test_required_ones_stay_required(self):
        """Neither by a program nor by another name."""
        request = self._create_request().with_user(self.user_service)
        other = self._create_request()
        tested, photo = request.check_ids
        for vals in ({'is_required': False}, {'name': "Any"}, {'request_id': other.id}):
            with self.subTest(vals), self.assertRaises(UserError):
                tested.write(vals)
        with self.assertRaises(AccessError):
            tested.item_id = False
        photo.is_required = True

    def test_cancelled_and_closed_by_jobs(self):
        request = self._create_request()
        request.sudo().action_close()
        self.assertEqual(request.state, 'closed')
        request = self._create_request().with_user(self.user_service)
        request.action_cancel()
        self.assertEqual(request.state, 'cancelled')

    def test_required_ones_are_not_taken_off(self):
        request = self._create_request().with_user(self.user_service)
        with self.assertRaises(UserError):
            request.check_ids[0].unlink()
        request.check_ids[1].unlink()
        request.check_ids = [(0, 0, {'name': "Ask the neighbour"})]
        request.check_ids[1].unlink()
        self.assertEqual(request.check_ids.mapped('name'), ["Tested"])

    def test_access(self):
        check = self._create_request(user_id=self.user_service.id).check_ids[0]
        with mute_logger('odoo.addons.base.models.ir_rule'), self.assertRaises(AccessError):
            check.with_user(self.user_technician).is_done = True

    def test_copying_costs_the_same(self):
        vals = {'name': "A", 'type_id': self.type_fault.id}

        def count(number):
            requests = self.env['aftersales.request'].create([vals] * number)
            requests.check_ids.unlink()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            requests._copy_checklist()
            return self.env.cr.sql_log_count - before

        self.assertEqual(count(1), count(10))
