from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tests import tagged

from .test_feedback import FeedbackCommon


@tagged('post_install', '-at_install')
class TestSatisfaction(FeedbackCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['aftersales.feedback'].search([]).unlink()

    def _score(self, score, kind='nps', **values):
        request = self._create_request(**{'user_id': self.user_technician.id, **values})
        questions = self.env['aftersales.feedback']._ask(request)
        question = questions.filtered(lambda feedback: feedback.kind == kind)
        (questions - question).unlink()
        if score is not None:
            question._answer({kind: str(score)})
        return request

    def _read(self, by='user_id', **domain):
        self.env.flush_all()
        names = ('csat', 'nps', 'ces', 'response_rate', 'answer_count')
        aggregates = [f'{n}:{"sum" if n == "answer_count" else "avg"}' for n in names]
        groups = self.env['aftersales.satisfaction']._read_group(
            [(name, '=', value) for name, value in domain.items()], [by], aggregates
        )
        return {key: dict(zip(names, values, strict=True)) for key, *values in groups}

    def test_nps(self):
        """Two promoters, one passive, one detractor: 50 % - 25 % = 25; one did not answer."""
        for score in (10, 9, 8, 6, None):
            self._score(score)
        result = self._read(kind='nps')[self.user_technician]
        self.assertAlmostEqual(result['nps'], 25)
        self.assertAlmostEqual(result['response_rate'], 80)
        self.assertEqual(result['answer_count'], 4)

    def test_nps_of_groups(self):
        """Groups of another size are not averaged: 3 of 4 promoters in all are 75, not 50."""
        for score in (9, 9, 9):
            self._score(score)
        self._score(7, user_id=self.user_service.id)
        by_user = self._read(kind='nps')
        self.assertEqual(by_user[self.user_technician]['nps'], 100)
        self.assertEqual(by_user[self.user_service]['nps'], 0)
        self.assertEqual(self._read('kind', kind='nps')['nps']['nps'], 75)

    def test_ease_and_satisfaction(self):
        self._score(7, kind='ces')
        self._score(4, kind='ces')
        product = self.env['product.product'].create({'name': "Rated"})
        for score in (5, 2):
            request = self._create_request(unit_id=False, product_id=product.id)
            token = request._rating_get_access_token()
            request.sudo().rating_apply(score, token=token)
        self._create_request(unit_id=False, product_id=product.id)._rating_get_access_token()
        self.assertAlmostEqual(self._read(kind='ces')[self.user_technician]['ces'], 5.5)
        result = self._read('product_id')[product]
        self.assertAlmostEqual(result['csat'], 3.5)
        self.assertAlmostEqual(result['response_rate'], 200 / 3)
        self.assertEqual(result['answer_count'], 2)
        self.assertFalse(result['nps'])

    def test_without_name(self):
        """The score counts for the team; nobody's response rate tells who gave it."""
        requests = [self._score(None) for _number in range(5)]
        requests[0].feedback_ids._answer({'nps': '10'}, anonymous=True)
        by_user = self._read(kind='nps')
        self.assertEqual(by_user[self.user_technician]['response_rate'], 0)
        self.assertFalse(by_user[self.user_technician]['answer_count'])
        by_team = self._read('team_id', kind='nps')[self.team]
        self.assertEqual((by_team['nps'], by_team['answer_count']), (100, 1))
        self.assertAlmostEqual(by_team['response_rate'], 20)

    def test_response_rate_without_name_and_team(self):
        """Answers whose questions stand with a team are no more than all of what was asked."""
        requests = [self._score(None) for _number in range(2)]
        for request in requests:
            request.feedback_ids._answer({'nps': '10'}, anonymous=True)
        other = self._score(9)
        self.env['aftersales.feedback'].search([('request_id', '=', other.id)]).team_id = False
        nobody = self._read('team_id', kind='nps')[self.team.browse()]
        self.assertEqual((nobody['answer_count'], nobody['response_rate']), (3, 100))

    def test_roles(self):
        self._score(9)
        self._score(9, user_id=self.user_service.id)
        Satisfaction = self.env['aftersales.satisfaction']
        self.env.flush_all()
        for user, users in (
            (self.user_technician, self.user_technician),
            (self.user_service, self.user_technician | self.user_service),
        ):
            found = Satisfaction.with_user(user).search([('kind', '=', 'nps')])
            self.assertEqual(found.user_id, users)
        with self.assertRaises(AccessError):
            Satisfaction.with_user(self.user_customer).search([])


@tagged('post_install', '-at_install')
class TestPublicReview(FeedbackCommon):
    """Reviews on published pages; here requests stand for what a website publishes."""

    def setUp(self):
        super().setUp()
        published = self._create_request(name="Published", user_id=self.user_service.id)
        self.hidden = self._create_request(name="Hidden")
        patcher = patch.object(
            self.registry['rating.rating'],
            '_get_reviewed_models',
            lambda ratings: {'aftersales.request': Domain('id', '=', published.id)},
        )
        self.startPatcher(patcher)
        self.page = published
        self.review = self._review(published)

    def _review(self, record, **values):
        message = (
            record.with_user(self.user_customer)
            .sudo()
            .message_post(
                body="Slow", rating_value=2, message_type='comment', subtype_xmlid='mail.mt_comment'
            )
        )
        rating = self.env['rating.rating'].search([('message_id', '=', message.id)])
        rating.write(values)
        return rating

    def _unanswered(self):
        return self.env['rating.rating'].search(
            [('is_public_review', '=', True), ('publisher_comment', 'in', [False, ''])]
        )

    def test_to_do(self):
        hidden = self._review(self.hidden)
        internal = self._review(self.page, is_internal=True)
        self.assertEqual(self._unanswered(), self.review)
        self.assertTrue(self.review.is_public_review)
        self.assertFalse(hidden.is_public_review or internal.is_public_review)
        self.assertEqual(self.review.action_answer_review()['res_id'], self.review.id)
        self.review.with_user(self.user_service).publisher_comment = "We are sorry"
        self.assertFalse(self._unanswered())
        self.assertEqual(self.review.publisher_id, self.user_service.partner_id)

    def test_who_may_not_change_the_page_does_not_answer(self):
        with self.assertRaises(AccessError):
            self.review.with_user(self.user_technician).publisher_comment = "Mine"

    def test_without_a_website_nothing_is_public(self):
        with patch.object(
            self.registry['rating.rating'], '_get_reviewed_models', lambda ratings: {}
        ):
            self.assertFalse(self._unanswered())

    def test_becomes_an_opinion(self):
        action = self.review.with_user(self.user_service).action_add_opinion()
        opinion = self.env['aftersales.opinion'].browse(action['res_id'])
        self.assertRecordValues(
            opinion,
            [
                {
                    'source': 'review',
                    'sentiment': 'negative',
                    'text': "Slow",
                    'partner_id': self.customer.id,
                }
            ],
        )
        again = self.review.with_user(self.user_service).action_add_opinion()
        self.assertEqual(again['res_id'], action['res_id'])
        self.review.feedback = " "
        with self.assertRaises(UserError):
            self.review.action_add_opinion()
