import re
from datetime import timedelta
from unittest.mock import patch

from freezegun import freeze_time
from lxml import html
from psycopg2.errors import CheckViolation

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger
from odoo.tools.safe_eval import safe_eval

from .common import MONDAY, AftersalesCommon


class FeedbackCommon(AftersalesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({'aftersales_ask_nps': True, 'aftersales_ask_ces': True})
        cls.env['aftersales.selfaudit.item'].search([]).active = False

    def _close(self, **values):
        request = self._create_request(user_id=self.user_technician.id, **values)
        request.action_close()
        return request

    def _surveys(self, requests):
        return self.env['crm.message'].search(
            [('origin_model', '=', 'aftersales.request'), ('origin_id', 'in', requests.ids)]
        )

    def _followups(self, **domain):
        return self.env['aftersales.followup'].search([(k, '=', v) for k, v in domain.items()])


@tagged('post_install', '-at_install')
class TestSurvey(FeedbackCommon):
    """Who is asked, by the rules on ratings (4.7)."""

    def test_4_7_one_per_request(self):
        """One for each request and not for each hop through the stages."""
        self.company.aftersales_survey_days = 0
        request = self._close()
        with freeze_time(fields.Datetime.now() + timedelta(days=3)):
            request.action_reopen()
            request.action_resolve()
            request.action_close()
        self.assertEqual(len(self._surveys(request)), 1)

    def test_4_7_not_on_cancelled(self):
        request = self._create_request()
        request.action_cancel()
        self.assertFalse(self._surveys(request))
        request._send_rating_request()
        self.assertFalse(self._surveys(request))

    def test_4_7_not_on_merged(self):
        """A duplicate is merged: its customer is asked about the request that stays."""
        survivor, source = self._create_request(), self._create_request()
        source._merge_into(survivor)
        source.sudo()._send_rating_request()
        self.assertFalse(self._surveys(source))
        survivor.action_close()
        self.assertEqual(len(self._surveys(survivor)), 1)

    def test_4_7_throttled_per_customer(self):
        self.company.aftersales_survey_days = 30
        with freeze_time(MONDAY):
            first = self._close()
            second = self._close()
        with freeze_time(MONDAY + timedelta(days=29)):
            third = self._close()
            stranger = self._close(partner_id=self.stranger.id, unit_id=False)
        with freeze_time(MONDAY + timedelta(days=31)):
            fourth = self._close()
        self.assertFalse(self._surveys(second | third))
        for request in (first, fourth, stranger):
            self.assertEqual(len(self._surveys(request)), 1)

    def test_4_7_throttled_in_one_go(self):
        requests = self._create_request() | self._create_request()
        requests.action_close()
        self.assertEqual(len(self._surveys(requests)), 1)

    def test_survey_that_was_refused_tires_nobody(self):
        first = self._close()
        self._surveys(first).sudo().state = 'refused'
        self.assertTrue(self._surveys(self._close()))

    def test_off_by_default(self):
        company = self.env['res.company'].create({'name': "New"})
        self.assertFalse(company.aftersales_ask_nps or company.aftersales_ask_ces)
        self.company.write({'aftersales_ask_nps': False, 'aftersales_ask_ces': False})
        request = self._close()
        template = self.env.ref('crm_aftersales.mail_template_request_rating')
        self.assertEqual(self._surveys(request).content_id, template.id)

    def test_mail_asks_by_the_gate(self):
        request = self._close()
        message = self._surveys(request).sudo()
        self.assertEqual(message.message_class, 'survey')
        self.assertFalse(request.feedback_ids, "asked is who gets the mail")
        message._enqueue()
        mail = self.env['mail.mail'].search([('crm_message_id', '=', message.id)])
        self.assertIn('/aftersales/feedback/', mail.body_html)
        kept = mail.mail_message_id.body
        self.assertIn("satisfied are you", kept)
        for link in ('/aftersales/feedback/', '/rate/', 'href'):
            self.assertNotIn(link, kept, "colleagues could answer for the customer")
        self.assertIn('/rate/', mail.body_html)
        self.assertEqual(set(request.feedback_ids.mapped('kind')), {'nps', 'ces'})
        self.assertEqual(request.feedback_ids.user_id, self.user_technician)
        request._get_survey_url()
        self.assertEqual(len(request.feedback_ids), 2)

    def test_mail_says_what_is_true(self):
        """It counts its questions, and asks for an answer only where one comes back."""
        request = self._close()
        template = self.env.ref('crm_aftersales.mail_template_request_survey')
        for takes_answers, asks_ease in ((True, True), (False, False)):
            self.company.aftersales_ask_ces = asks_ease
            with patch.object(type(request), '_takes_answers', return_value=takes_answers):
                body = template._render_field('body_html', request.ids)[request.id]
            self.assertEqual("Simply answer this mail" in body, takes_answers)
            self.assertEqual("See your request" in body, not takes_answers)
            self.assertEqual("two short questions" in body, asks_ease)
            self.assertEqual("a short question" in body, not asks_ease)


@tagged('post_install', '-at_install')
class TestFeedback(FeedbackCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls._create_request(user_id=cls.user_technician.id)
        cls.questions = cls.env['aftersales.feedback']._ask(cls.request)

    def _question(self, kind):
        return self.questions.filtered(lambda feedback: feedback.kind == kind)

    def test_answer(self):
        self.questions._answer({'nps': '9', 'ces': '7'}, "Good")
        self.assertEqual(self.questions.mapped('state'), ['answered'] * 2)
        self.assertEqual(self._question('nps').score, 9)
        self.assertEqual(self.questions.filtered('comment').mapped('comment'), ["Good"])
        self.assertFalse(self._followups(request_id=self.request.id))

    def test_zero_is_a_score(self):
        self.questions._answer({'nps': '0'})
        self.assertEqual(
            sorted(self.questions.mapped('display_name')),
            ["Ease (1-7)", "Recommendation (0-10): 0"],
        )
        self.assertEqual(self._question('nps').state, 'answered')
        self.assertEqual(self._question('ces').state, 'asked')
        self.assertEqual(self._followups(request_id=self.request.id).score, 0)

    def test_outside_the_scale(self):
        for scores in (
            {},
            {'nps': ''},
            {'nps': '11'},
            {'ces': '0'},
            {'ces': '8'},
            {'nps': '-1'},
            {'nps': 'x'},
            {'nps': '٣'},
            {'nps': '1.5'},
        ):
            with self.subTest(scores), self.assertRaises(UserError):
                self.questions._answer(scores)
        self.assertEqual(set(self.questions.mapped('state')), {'asked'})

    def test_one_answer(self):
        self.questions._answer({'nps': '9', 'ces': '7'})
        with self.assertRaises(UserError):
            self.questions._answer({'nps': '1'})
        self.assertEqual(self._question('nps').score, 9)

    def test_bad_scores_open_one_follow_up(self):
        leader = self._create_user('voice_leader', 'crm_aftersales.group_all')
        self.request.team_id.user_id = leader
        self.questions._answer({'nps': '6', 'ces': '3'}, "Two visits")
        followup = self._followups(request_id=self.request.id)
        self.assertEqual(len(followup), 1)
        self.assertEqual(followup.comment, "Two visits")
        self.assertEqual((followup.user_id, followup.partner_id), (leader, self.customer))
        followup.feedback_id._follow_up_bad_scores()
        self.assertEqual(len(self._followups(request_id=self.request.id)), 1)

    def test_thresholds(self):
        self.questions._answer({'nps': '7', 'ces': '4'})
        self.assertFalse(self._followups(request_id=self.request.id))
        self.company.aftersales_ces_bad = 4
        request = self._create_request()
        questions = self.env['aftersales.feedback']._ask(request)
        questions._answer({'ces': '4'})
        self.assertEqual(self._followups(request_id=request.id).kind, 'ces')

    def test_4_7_anonymous_has_no_author(self):
        """No column of any row leads from the answer to the customer or his request."""
        for _number in range(4):
            self.env['aftersales.feedback']._ask(self._create_request())
        last = self.env['aftersales.feedback'].search([], limit=1, order='id desc').id
        self.questions._answer({'nps': '2'}, "Angry", anonymous=True)
        question = self._question('nps')
        self.assertEqual((question.state, question.score, question.comment), ('asked', 0, False))
        answer = question.search([('id', '>', last)])
        self.assertRecordValues(
            answer,
            [
                {
                    'score': 2,
                    'comment': "Angry",
                    'anonymous': True,
                    'team_id': self.team.id,
                    'date': fields.Date.context_today(answer).replace(day=1),
                    'request_id': False,
                    'partner_id': False,
                    'user_id': False,
                    'product_id': False,
                    'key': False,
                }
            ],
        )
        for name in ('create_date', 'write_date', 'create_uid', 'write_uid'):
            self.assertNotIn(name, answer._fields)
        self.assertFalse(self._followups(feedback_id=answer.id), "its time would be the answer's")
        self.env['aftersales.feedback']._cron_follow_up_nameless()
        followup = self._followups(feedback_id=answer.id)
        self.assertFalse(followup.partner_id or followup.request_id)
        self.assertTrue(followup.deadline)
        self.assertEqual(followup.comment, "Angry")
        self.env['aftersales.feedback']._cron_follow_up_nameless()
        self.assertEqual(len(self._followups(feedback_id=answer.id)), 1)

    def test_4_7_words_without_name_stay_with_the_bad_score(self):
        """Nothing tells later which two answers were of one customer."""
        nameless = self.env['aftersales.feedback'].search([('anonymous', '=', True)])
        self.questions._answer({'nps': '10', 'ces': '1'}, "Angry", anonymous=True)
        answers = nameless.search([('anonymous', '=', True)]) - nameless
        self.assertEqual(
            {answer.kind: answer.comment for answer in answers}, {'nps': False, 'ces': "Angry"}
        )
        self.env['aftersales.feedback']._cron_follow_up_nameless()
        followup = self.env['aftersales.followup'].search([('feedback_id', 'in', answers.ids)])
        self.assertEqual((followup.kind, followup.comment), ('ces', "Angry"))

    def test_4_7_without_name_nobody_is_called(self):
        """It can be closed all the same, and nobody is asked to review work that is not known."""
        self.env['aftersales.selfaudit.item'].create({'name': "Called before?"})
        self.questions._answer({'nps': '2'}, anonymous=True)
        answer = self.env['aftersales.feedback'].search([('anonymous', '=', True)], limit=1)
        answer._cron_follow_up_nameless()
        followup = self._followups(feedback_id=answer.id)
        self.assertFalse(followup.user_id or followup.selfaudit_ids)
        view = followup.with_user(self.user_service).get_view(view_type='form')
        values = {name: followup[name] for name in ('id', 'state', 'feedback_id', 'partner_id')}
        buttons = {
            button.get('name'): not safe_eval(button.get('invisible'), dict(values))
            for button in html.fromstring(view['arch']).xpath('//header/button')
            if button.get('name') in ('action_contacted', 'action_done')
        }
        self.assertEqual(buttons, {'action_contacted': False, 'action_done': True})

    def test_4_7_without_name_and_team_the_default_team_is_told(self):
        leader = self._create_user('feedback_leader', 'crm_aftersales.group_all')
        self.company.aftersales_team_id.user_id = leader
        self.questions._answer({'nps': '2'}, anonymous=True)
        answer = self.env['aftersales.feedback'].search([('waits_for_followup', '=', True)])
        self.assertFalse(answer.team_id)
        answer._cron_follow_up_nameless()
        self.assertEqual(self._followups(feedback_id=answer.id).user_id, leader)

    @mute_logger('odoo.addons.base.models.ir_model')
    def test_4_7_the_question_looks_unanswered(self):
        """Who sees questions and answers cannot tell which of them belong together."""
        silent = self.env['aftersales.feedback']._ask(self._create_request())
        self.questions._answer({'nps': '2', 'ces': '1'}, "Angry", anonymous=True)
        self.env.flush_all()
        rows = (self.questions | silent).with_user(self.user_manager)
        names = {'state', 'score', 'comment', 'anonymous', 'date'}
        looks = {tuple(row[name] for name in sorted(names)) for row in rows.read(names)}
        self.assertEqual(len(looks), 1)
        for read in (
            lambda: rows.read(['is_spent']),
            lambda: rows.search([('is_spent', '=', True)]),
            lambda: rows._read_group([], ['is_spent']),
        ):
            self.assertRaises(AccessError, read)
        with self.assertRaises(UserError):
            self.questions._answer({'nps': '9'})

    def test_4_7_one_of_few_keeps_no_team(self):
        self.questions._answer({'nps': '2'}, anonymous=True)
        answer = self.env['aftersales.feedback'].search([('anonymous', '=', True)], limit=1)
        self.assertFalse(answer.team_id)

    @mute_logger('odoo.sql_db')
    def test_4_7_the_database_keeps_it_so(self):
        self.questions._answer({'nps': '2'}, anonymous=True)
        answer = self.env['aftersales.feedback'].search([('anonymous', '=', True)], limit=1)
        with self.assertRaises(CheckViolation), self.env.cr.savepoint():
            answer.partner_id = self.customer
            self.env.flush_all()

    def test_merged_request(self):
        survivor = self._create_request()
        self.request._merge_into(survivor)
        self.assertEqual(self.request._get_feedback_questions(), self.questions)

    def test_merged_after_both_were_asked(self):
        """One answer counts once, and nobody answers for another."""
        for partner in (self.customer, self.customer_company):
            survivor = self._create_request(partner_id=partner.id, unit_id=False)
            source = self._create_request(unit_id=False)
            questions = self.env['aftersales.feedback']._ask(source)
            asked = self.env['aftersales.feedback']._ask(survivor)
            source._merge_into(survivor)
            self.assertEqual(source._get_feedback_questions(), questions)
            questions.unlink()
            expected = asked if partner == self.customer else asked.browse()
            self.assertEqual(source._get_feedback_questions(), expected)

    def test_bad_score_of_a_merged_request(self):
        survivor = self._create_request()
        self.request._merge_into(survivor)
        self.questions._answer({'nps': '1'})
        self.assertTrue(self._followups(request_id=survivor.id))

    def test_text_the_database_refuses(self):
        self.questions._answer({'nps': '9'}, "Go\0od")
        self.env.flush_all()
        self.assertEqual(self._question('nps').comment, "Good")

    def test_personal_data(self):
        request = self._create_request(partner_id=self.stranger.id, unit_id=False)
        questions = self.env['aftersales.feedback']._ask(request)
        questions._answer({'nps': '2'}, "I am Stranger")
        self.env['aftersales.followup'].search([('partner_id', '=', self.stranger.id)]).write(
            {'outcome': 'explained', 'state': 'done'}
        )
        request.action_cancel()
        sources = {source.key: source for source in self.stranger._get_personal_data_sources()}
        source = sources['aftersales.feedback']
        self.assertEqual(self.stranger._get_personal_records(source), questions)
        self.stranger._erase_personal_data()
        self.assertFalse(questions.partner_id or any(questions.mapped('comment')))
        self.assertIn(2, questions.mapped('score'))

    def test_roles(self):
        sale = self._create_user('voice_sale', 'sales_team.group_sale_salesman')
        colleague = self._create_user('voice_tech', 'crm_aftersales.group_own')
        for user, count in (
            (self.user_manager, 2),
            (self.user_service, 2),
            (self.user_technician, 2),
            (colleague, 0),
            (sale, 0),
        ):
            found = self.questions.with_user(user).search([('id', 'in', self.questions.ids)])
            self.assertEqual(len(found), count, user.login)
            for operation in ('write', 'create', 'unlink'):
                self.assertFalse(found.has_access(operation))
        self.customer_company.user_id = sale
        self.assertTrue(self.questions.with_user(sale).search([('id', 'in', self.questions.ids)]))
        with self.assertRaises(AccessError):
            self.questions.with_user(self.user_customer).read(['score'])


@tagged('post_install', '-at_install')
class TestFeedbackPage(FeedbackCommon, HttpCase):
    def setUp(self):
        super().setUp()
        self.env['crm.rate.limit'].sudo().search([]).unlink()
        self.request = self._create_request(user_id=self.user_technician.id)
        self.path = '/' + self.request._get_survey_url().split('/', 3)[3]

    def _post(self, path=None, **form):
        page = self.url_open(path or self.path)
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text).group(1)
        return self.url_open(path or self.path, data={'csrf_token': token, **form})

    def _scores(self):
        self.env.invalidate_all()
        return {
            feedback.kind: (feedback.state, feedback.score)
            for feedback in self.request.feedback_ids
        }

    def test_answer_once(self):
        page = self.url_open(self.path)
        scale = html.fromstring(page.content).xpath('//input[@name="nps"]/@value')
        self.assertEqual(scale, [str(score) for score in range(11)])
        self.assertEqual(page.status_code, 200)
        self.assertEqual(page.headers['Cache-Control'], 'no-store')
        self.assertIn('noindex', page.headers['X-Robots-Tag'])
        for name in (self.customer.name, self.request.name):
            self.assertNotIn(name, page.text, "a link that went astray tells nothing personal")
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', page.text).group(1)
        self.assertEqual(self._scores()['nps'], ('asked', 0), "opening changes nothing")
        response = self._post(nps='9', ces='6', comment="Good")
        self.assertIn("Thank you", response.text)
        self.assertEqual(self._scores(), {'nps': ('answered', 9), 'ces': ('answered', 6)})
        again = self.url_open(self.path)
        self.assertIn("Thank you", again.text)
        self.assertNotIn('<fieldset', again.text)
        self.url_open(self.path, data={'csrf_token': csrf, 'nps': '1'})
        self.assertEqual(self._scores()['nps'], ('answered', 9))

    def test_second_question_is_not_asked_later(self):
        self._post(nps='9')
        self.assertIn("Thank you", self.url_open(self.path).text)

    def test_anonymous(self):
        csrf = re.search(r'name="csrf_token" value="([^"]+)"', self.url_open(self.path).text)
        self._post(nps='9', anonymous='1')
        self.assertEqual(self._scores()['nps'], ('asked', 0))
        self.assertIn("Thank you", self.url_open(self.path).text)
        answers = [('anonymous', '=', True), ('company_id', '=', self.company.id)]
        before = self.env['aftersales.feedback'].search_count(answers)
        self.assertTrue(before)
        self.url_open(self.path, data={'csrf_token': csrf.group(1), 'nps': '9', 'ces': '1'})
        self.assertEqual(self.env['aftersales.feedback'].search_count(answers), before)

    def test_4_7_anonymous_while_logged_in(self):
        """No row that is made of a bad score was made by the customer."""
        self.team.user_id = self.user_service
        self.env['aftersales.selfaudit.item'].create({'name': "Was he called?"})
        for _number in range(4):
            self.env['aftersales.feedback']._ask(self._create_request())
        self.authenticate('aftersales_customer', 'aftersales_customer')
        self._post(nps='1', anonymous='1')
        self.assertEqual(self._scores()['nps'], ('asked', 0))
        self.env['aftersales.feedback']._cron_follow_up_nameless()
        followup = self.env['aftersales.followup'].search([], order='id desc', limit=1)
        audit = followup.selfaudit_ids
        for rows in (
            followup,
            audit,
            audit.line_ids,
            followup.activity_ids,
            audit.activity_ids,
            audit.message_ids,
        ):
            self.assertTrue(rows, rows)
            self.assertNotIn(self.user_customer, rows.create_uid | rows.write_uid, rows)
        heard = followup.message_ids.author_id | audit.message_ids.author_id
        followers = followup.message_partner_ids | audit.message_partner_ids
        self.assertNotIn(self.customer, heard | followers)

    def test_score_without_end(self):
        response = self._post(nps='9' * 5000)
        self.assertEqual(response.status_code, 422)
        self.assertEqual(self._scores()['nps'], ('asked', 0))

    def test_wrong_score(self):
        response = self._post(nps='12', comment="Keep me")
        self.assertEqual(response.status_code, 422)
        self.assertIn('role="alert"', response.text)
        self.assertIn("Keep me", response.text)
        self.assertEqual(self._scores()['nps'], ('asked', 0))

    @mute_logger('odoo.http')
    def test_without_token_of_the_page(self):
        response = self.url_open(self.path, data={'nps': '9'})
        self.assertEqual(response.status_code, 400)
        self.assertEqual(self._scores()['nps'], ('asked', 0))

    def test_false_links(self):
        token = self.path.rsplit('/', 1)[1]
        other = (
            self.env['crm.person']._for_partners(self.customer)._get_preference_url(self.company)
        )
        for wrong in (token[:-2], token[3:], 'x', other.rsplit('/', 1)[1]):
            with self.subTest(wrong):
                self.assertEqual(self.url_open(f'/aftersales/feedback/{wrong}').status_code, 404)

    def test_link_of_another_customer(self):
        """A link opens its own request only; what it is for stands in its signature."""
        request = self._create_request(partner_id=self.stranger.id, unit_id=False)
        path = '/' + request._get_survey_url().split('/', 3)[3]
        self._post(path, nps='3')
        self.assertEqual(self._scores()['nps'], ('asked', 0))
        self.env.invalidate_all()
        answered = request.feedback_ids.filtered(lambda feedback: feedback.kind == 'nps')
        self.assertEqual(answered.score, 3)

    def test_link_to_a_former_address(self):
        self.customer.email = 'new@example.com'
        self.env.flush_all()
        self.assertEqual(self.url_open(self.path).status_code, 410)

    def test_too_old(self):
        with freeze_time(fields.Datetime.now() - timedelta(days=61)):
            path = '/' + self.request._get_survey_url().split('/', 3)[3]
        self.assertEqual(self.url_open(path).status_code, 404)

    def test_too_often(self):
        for _time in range(20):
            self.assertEqual(self._post(nps='12').status_code, 422)
        self.assertEqual(self._post(nps='9').status_code, 429)
        self.assertEqual(self._scores()['nps'], ('asked', 0))

    def test_page_speaks_the_language_of_the_customer(self):
        page = self.url_open(self.path)
        self.assertIn('lang="en-US"', page.text)
        self.assertIn('<legend', page.text)
        for tag in re.findall(r'<input[^>]+type="radio"[^>]*>', page.text):
            name = re.search(r'id="([^"]+)"', tag).group(1)
            self.assertIn(f'for="{name}"', page.text)
