from datetime import timedelta

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import MONDAY, AftersalesCommon


class FollowupCommon(AftersalesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['aftersales.selfaudit.item'].search([]).active = False
        cls.leader = cls._create_user('voice_leader', 'crm_aftersales.group_all')
        cls.user_colleague = cls._create_user('voice_tech', 'crm_aftersales.group_own')
        cls.user_sale = cls._create_user('voice_sale', 'sales_team.group_sale_salesman')
        cls.team_workshop.user_id = cls.leader
        cls.request = cls._create_request(
            team_id=cls.team_workshop.id, user_id=cls.user_technician.id
        )

    def _rate(self, score, request=None, feedback="Nobody called"):
        request = request or self.request
        token = request.sudo()._rating_get_access_token()
        return request.sudo().rating_apply(score, token=token, feedback=feedback)

    def _followups(self, request=None):
        return self.env['aftersales.followup'].search(
            [('request_id', '=', (request or self.request).id)]
        )


@tagged('post_install', '-at_install')
class TestFollowup(FollowupCommon):
    def test_bad_score_has_owner_and_deadline(self):
        """Row 70; the deadline is in working hours: 9-12, 13-17 and one hour of Tuesday."""
        with freeze_time(MONDAY):
            rating = self._rate(1)
        followup = self._followups()
        self.assertRecordValues(
            followup,
            [
                {
                    'kind': 'csat',
                    'score': 1,
                    'comment': "Nobody called",
                    'user_id': self.leader.id,
                    'team_id': self.team_workshop.id,
                    'partner_id': self.customer.id,
                    'rating_id': rating.id,
                    'state': 'open',
                    'deadline': fields.Datetime.to_datetime('2026-03-03 09:00:00'),
                }
            ],
        )
        activity = followup.activity_ids
        self.assertEqual(activity.user_id, self.leader)
        self.assertEqual(activity.summary, "Call a Dissatisfied Customer")
        self.assertEqual(str(activity.date_deadline), '2026-03-03')

    def test_deadline_keeps_the_week_end(self):
        with freeze_time(MONDAY + timedelta(days=4, hours=7)):  # Friday 16:00
            self._rate(1)
        self.assertEqual(str(self._followups().deadline), '2026-03-09 16:00:00')

    def test_threshold(self):
        self._rate(3)
        self.assertFalse(self._followups())
        self.company.aftersales_csat_bad = 3
        request = self._create_request()
        self._rate(3, request)
        self.assertTrue(self._followups(request))
        self.company.aftersales_followup = False
        request = self._create_request()
        self._rate(1, request)
        self.assertFalse(self._followups(request))

    def test_never_two_for_one_score(self):
        rating = self._rate(5)
        self.assertFalse(self._followups())
        for score in (1, 2, 4, 1):  # core's one rating, changed
            self.request.sudo().rating_apply(score, rating=rating)
        self.assertEqual(len(self._followups()), 1)
        rating._follow_up_bad_scores()
        self.assertEqual(len(self._followups()), 1)

    def test_one_follow_up_per_request_and_customer(self):
        """The faces and the short form of one mail are one call."""
        self.company.write({'aftersales_ask_nps': True, 'aftersales_ask_ces': True})
        questions = self.env['aftersales.feedback']._ask(self.request)
        self._rate(1)
        followup = self._followups()
        followup.action_contacted()
        questions._answer({'nps': '2'}, "Never again")
        self.assertEqual(self._followups(), followup)
        self.assertEqual(followup.comment, "Nobody called\nRecommendation (0-10): 2\nNever again")
        self.assertEqual(followup.state, 'open', "to be called again")
        self.assertEqual(followup.feedback_id.score, 2)
        followup.feedback_id._follow_up_bad_scores()
        followup.rating_id.rating = 2
        self.assertEqual(followup.comment.count("Recommendation"), 1)
        self.assertNotIn("Satisfaction", followup.comment)
        followup.write({'outcome': 'explained', 'state': 'done'})
        followup.rating_id.rating = 1
        followup.feedback_id._follow_up_bad_scores()
        self.assertEqual(self._followups(), followup, "seen to")
        rating = self.request.sudo()._rating_get_access_token()
        self.request.sudo().rating_apply(1, token=rating, feedback="Broken again")
        self.assertEqual(len(self._followups()), 2, "another round")

    def test_who_is_called_again_gets_a_new_deadline(self):
        self.company.aftersales_ask_nps = True
        self._rate(1)
        followup = self._followups()
        deadline = followup.deadline
        followup.action_contacted()
        followup.activity_ids.action_feedback()
        followup.deadline = deadline - timedelta(days=30)
        questions = self.env['aftersales.feedback']._ask(self.request)
        questions._answer({'nps': '2'}, "Never again")
        self.assertEqual(followup.state, 'open')
        self.assertGreaterEqual(followup.deadline, deadline)
        self.assertEqual(len(followup.activity_ids), 1)

    def test_bad_ratings_at_once(self):
        vals = {
            'res_model_id': self.env['ir.model']._get_id('aftersales.request'),
            'res_id': self.request.id,
            'rating': 1,
            'consumed': True,
        }
        self.env['rating.rating'].create(
            [
                {**vals, 'partner_id': self.customer.id},
                {**vals, 'partner_id': self.customer.id},
                {**vals, 'partner_id': self.stranger.id},
            ]
        )
        followups = self._followups()
        self.assertEqual(
            sorted(followups.mapped('partner_id')), sorted(self.customer | self.stranger)
        )
        self.assertEqual(len(followups), 2)

    def test_owner_without_leader(self):
        self.team_workshop.user_id = False
        self._rate(1)
        self.assertEqual(self._followups().user_id, self.user_technician, "who did the work")
        self.company.aftersales_followup_user_id = self.user_manager
        request = self._create_request(team_id=self.team_workshop.id)
        self._rate(1, request)
        self.assertEqual(self._followups(request).user_id, self.user_manager)
        self.leader.active = False
        self.team_workshop.user_id = self.leader
        request = self._create_request(team_id=self.team_workshop.id)
        self._rate(1, request)
        self.assertEqual(self._followups(request).user_id, self.user_manager, "leader has left")

    def test_done_needs_an_outcome(self):
        self._rate(1)
        followup = self._followups().with_user(self.leader)
        followup.action_contacted()
        with self.assertRaises(ValidationError):
            followup.action_done()
        followup.outcome = 'explained'
        followup.action_done()
        self.assertTrue(followup.date_done)
        self.assertFalse(followup.activity_ids)
        followup.action_reopen()
        self.assertFalse(followup.date_done)

    def test_overdue(self):
        with freeze_time(MONDAY):
            self._rate(1)
        followup = self._followups()
        found = followup.search([('is_overdue', '=', True)])
        self.assertIn(followup, found)
        self.assertTrue(followup.is_overdue)
        with freeze_time(MONDAY):
            followup.invalidate_recordset()
            self.assertFalse(followup.is_overdue)
            self.assertIn(followup, followup.search([('is_overdue', '=', False)]))
        followup.write({'outcome': 'satisfied', 'state': 'done'})
        self.assertNotIn(followup, followup.search([('is_overdue', '=', True)]))

    def test_may_become_a_complaint(self):
        self._rate(1)
        followup = self._followups().with_user(self.leader)
        action = followup.action_make_complaint()
        complaint = followup.complaint_id
        self.assertEqual(complaint.type_id, self.type_complaint)
        self.assertEqual((complaint.partner_id, complaint.unit_id), (self.customer, self.unit))
        self.assertEqual(complaint.user_id, self.leader)
        self.assertIn("Nobody called", complaint.description)
        self.assertEqual(followup.action_make_complaint()['res_id'], action['res_id'], "once")

    def test_complaint_keeps_the_words_and_their_lines(self):
        followup = self.env['aftersales.followup'].create(
            {'partner_id': self.customer.id, 'comment': "Waited <2 weeks>\nNobody called"}
        )
        followup.action_make_complaint()
        description = followup.complaint_id.description
        self.assertRegex(description, "Waited &lt;2 weeks&gt;<br ?/?>Nobody called")

    def test_complaint_of_who_is_not_the_owner(self):
        """The product of the request may belong to another than who complains."""
        followup = self.env['aftersales.followup'].create(
            {'request_id': self.request.id, 'partner_id': self.stranger.id}
        )
        followup.action_make_complaint()
        complaint = followup.complaint_id
        self.assertEqual((complaint.partner_id, complaint.unit_id), (self.stranger, self.unit))

    def test_merged_requests(self):
        self._rate(1)
        followup = self._followups()
        survivor = self._create_request()
        self.request._merge_into(survivor)
        self.assertEqual(followup.request_id, survivor)

    def test_personal_data(self):
        self._rate(1, self._create_request(partner_id=self.stranger.id, unit_id=False))
        followup = self.env['aftersales.followup'].search([('partner_id', '=', self.stranger.id)])
        followup.write({'note': "He shouted", 'outcome': 'explained', 'state': 'done'})
        followup.request_id.action_cancel()
        self.stranger._erase_personal_data()
        self.assertFalse(followup.comment or followup.note)
        self.assertEqual(followup.score, 1)
        self.assertNotIn("Stranger", followup.display_name)


@tagged('post_install', '-at_install')
class TestFollowupAccess(FollowupCommon):
    def _sees(self, user, record):
        return bool(record.with_user(user).search([('id', '=', record.id)]))

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')
    def test_roles(self):
        sale = self.user_sale
        self._rate(1)
        followup = self._followups()
        for user, sees in (
            (self.user_manager, True),
            (self.user_service, True),
            (self.user_technician, False),
            (sale, False),
        ):
            with self.subTest(user.login):
                self.assertEqual(self._sees(user, followup), sees)
        followup.user_id = False
        self.assertTrue(self._sees(self.user_technician, followup), "of nobody in his team")
        self.customer_company.user_id = sale
        self.assertTrue(self._sees(sale, followup))
        with self.assertRaises(AccessError):
            followup.with_user(sale).outcome = 'satisfied'
        with self.assertRaises(AccessError):
            self._sees(self.user_customer, followup)
        other = self.env['aftersales.followup'].create({'company_id': self.company_2.id})
        self.assertFalse(self._sees(self.user_manager, other))


@tagged('post_install', '-at_install')
class TestSelfaudit(FollowupCommon):
    """Row 75: what staff asks itself after a bad score from outside."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['aftersales.selfaudit.item'].create(
            [
                {'name': "Called before?"},
                {'name': "Tried it?", 'team_ids': cls.team_workshop.ids},
                {'name': "Others", 'team_ids': cls.team.ids},
            ]
        )

    def test_started_by_a_bad_score(self):
        self._rate(5)
        self.assertFalse(
            self.env['aftersales.selfaudit'].search([('request_id', '=', self.request.id)])
        )
        self.request.sudo().rating_apply(1, rating=self.request.rating_ids)
        audit = self._followups().selfaudit_ids
        self.assertEqual(audit.line_ids.mapped('name'), ["Called before?", "Tried it?"])
        self.assertEqual(audit.user_id, self.user_technician, "who did the work")
        self.assertTrue(audit.activity_ids)

    def test_answers_who_and_done(self):
        self._rate(1)
        audit = self._followups().selfaudit_ids.with_user(self.user_technician)
        with self.assertRaises(UserError):
            audit.action_done()
        audit.line_ids[0].answer = 'no'
        audit.line_ids[1].with_user(self.leader).answer = 'na'
        self.assertEqual(audit.line_ids.user_id, self.user_technician | self.leader)
        self.assertEqual(audit.no_count, 1)
        audit.action_done()
        self.assertEqual((audit.state, audit.done_user_id), ('done', self.user_technician))
        self.assertFalse(audit.activity_ids)

    def test_question_stays_as_it_was_asked(self):
        self._rate(1)
        self.env['aftersales.selfaudit.item'].search([]).name = "Changed"
        line = self._followups().selfaudit_ids.line_ids[0]
        self.assertEqual(line.name, "Called before?")

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_colleagues_do_not_read_it(self):
        self._rate(1)
        audit = self._followups().selfaudit_ids
        colleague = self.user_colleague
        for record in (audit, audit.line_ids):
            self.assertFalse(record.with_user(colleague).search([('id', 'in', record.ids)]))
            with self.assertRaises(AccessError):
                record.with_user(colleague).read(['name' if 'line' in record._name else 'finding'])

    def test_without_questions_no_review(self):
        self.env['aftersales.selfaudit.item'].search([]).active = False
        self._rate(1)
        self.assertFalse(self._followups().selfaudit_ids)
