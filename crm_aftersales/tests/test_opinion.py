import base64
from datetime import date
from unittest.mock import patch

from freezegun import freeze_time

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.crm_customer.tests.common import JobCase

from .common import AftersalesCommon


class OpinionCommon(AftersalesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.theme, cls.other_theme = cls.env['aftersales.opinion.theme'].create(
            [{'name': "Waiting"}, {'name': "Price"}]
        )
        cls.company.aftersales_opinion_period_days = 30

    @classmethod
    def _create_opinion(cls, **values):
        return cls.env['aftersales.opinion'].create(
            {
                'partner_id': cls.customer.id,
                'theme_id': cls.theme.id,
                'sentiment': 'negative',
                'text': "Forty minutes at the counter",
                **values,
            }
        )


@tagged('post_install', '-at_install')
class TestOpinion(OpinionCommon):
    @freeze_time('2026-03-10')
    def test_age_until_answered(self):
        opinion = self._create_opinion(date='2026-03-02')
        self.assertEqual(opinion.age_days, 8)
        with freeze_time('2026-03-12'):
            opinion.write({'answer': "Sorry", 'state': 'answered'})
        with freeze_time('2026-05-01'):
            opinion.invalidate_recordset()
            self.assertEqual(opinion.age_days, 10)

    def test_steps_need_their_words(self):
        opinion = self._create_opinion()
        for step in ('action_answer', 'action_take_measure', 'action_close'):
            with self.subTest(step), self.assertRaises(ValidationError):
                getattr(opinion, step)()
        opinion.answer = "We are sorry"
        opinion.action_answer()
        opinion.measure = "Second counter"
        opinion.action_take_measure()
        self.assertEqual(opinion.date_measure, fields.Date.context_today(opinion))
        self._create_opinion(sentiment='positive').action_close()

    def test_owner_by_theme(self):
        self.theme.user_id = self.user_service
        self.assertEqual(self._create_opinion().user_id, self.user_service)
        given = self._create_opinion(user_id=self.user_technician.id)
        self.assertEqual(given.user_id, self.user_technician)

    def test_no_words(self):
        with self.assertRaises(ValidationError):
            self._create_opinion(text="  ")

    @freeze_time('2026-03-31')
    def test_themes_are_counted(self):
        for day, sentiment in (
            ('2026-03-31', 'negative'),
            ('2026-03-02', 'positive'),
            ('2026-03-01', 'negative'),  # 30 days ago: the period before
            ('2026-01-30', 'negative'),  # longer ago than that
        ):
            self._create_opinion(date=day, sentiment=sentiment)
        self.assertEqual(self.theme.opinion_count, 2)
        self.assertEqual(self.theme.negative_count, 1)
        self.assertEqual(self.theme.opinion_count_before, 1)
        self.assertEqual((self.theme.trend, self.other_theme.trend), ('more', 'same'))
        self.assertEqual(
            self.theme.action_view_opinions()['domain'], [('theme_id', '=', self.theme.id)]
        )

    def test_from_a_request(self):
        request = self._create_request(
            type_id=self.type_praise.id, description="<p>Very kind</p>", unit_id=False
        )
        action = request.action_add_opinion()
        opinion = self.env['aftersales.opinion'].search([('request_id', '=', request.id)])
        self.assertEqual(action['res_id'], opinion.id)
        self.assertEqual(opinion.sentiment, 'positive')
        self.assertEqual(opinion.source, 'case')
        self.assertIn("Very kind", opinion.text)
        self.assertEqual(request.action_add_opinion()['res_id'], opinion.id, "one of each")
        with self.assertRaises(UserError):
            self._create_request().action_add_opinion()

    def test_confidential_one_is_not_made_twice(self):
        request = self._create_request(
            type_id=self.type_complaint.id, user_id=self.user_technician.id
        )
        self._create_opinion(
            request_id=request.id, visibility='confidential', user_id=self.user_manager.id
        )
        with self.assertRaisesRegex(UserError, "confidential"):
            request.with_user(self.user_technician).action_add_opinion()
        self.assertEqual(
            self.env['aftersales.opinion'].search_count([('request_id', '=', request.id)]), 1
        )

    def test_review_belongs_to_the_company_of_what_was_reviewed(self):
        request = self._create_request(
            company_id=self.company_2.id, partner_id=self.stranger.id, unit_id=False
        )
        rating = self.env['rating.rating'].create(
            {
                'res_model_id': self.env['ir.model']._get_id('aftersales.request'),
                'res_id': request.id,
                'rating': 5,
                'consumed': True,
                'feedback': "Fine",
            }
        )
        rating.action_add_opinion()
        opinion = self.env['aftersales.opinion'].search([('rating_id', '=', rating.id)])
        self.assertEqual(opinion.company_id, self.company_2)

    def test_name_tells_nothing_of_the_text(self):
        self.assertNotIn("counter", self._create_opinion().display_name)


@tagged('post_install', '-at_install')
class TestOpinionEffect(OpinionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # the measure is of 31 March; periods of 30 days
        for day, sentiment in (
            ('2026-03-01', 'negative'),  # one day too early
            ('2026-03-02', 'negative'),
            ('2026-03-20', 'neutral'),
            ('2026-03-31', 'negative'),
            ('2026-03-25', 'positive'),  # praise says nothing against us
            ('2026-04-01', 'negative'),
            ('2026-04-30', 'positive'),
            ('2026-05-01', 'negative'),  # after the period
        ):
            cls._create_opinion(date=day, sentiment=sentiment)
        cls.opinion = cls._create_opinion(
            date='2026-01-01',
            measure="A second counter",
            date_measure='2026-03-31',
            state='measure',
            user_id=cls.user_service.id,
        )

    def test_effect_one_period_later(self):
        self.assertEqual(self.opinion.date_effect, date(2026, 4, 30))
        with freeze_time('2026-04-29'), self.assertRaisesRegex(UserError, 'is over on 04/30/2026'):
            self.opinion.action_check_effect()
        with freeze_time('2026-04-30'):
            self.opinion.action_check_effect()
        self.assertEqual(self.opinion.state, 'checked')
        self.assertEqual((self.opinion.effect_before, self.opinion.effect_after), (3, 1))
        self.assertEqual(self.opinion.effect, 'better')
        text = self.opinion.effect_text
        for word in ("Better", "Waiting", ": 1 after", " 3 before", ": 30"):
            self.assertIn(word, text)

    def test_no_effect_and_worse(self):
        with freeze_time('2026-05-10'):
            self._create_opinion(date='2026-04-10')
            self._create_opinion(date='2026-04-11')
            self.opinion.action_check_effect()
            self.assertEqual(self.opinion.effect, 'same')
            self._create_opinion(date='2026-04-12')
            self.opinion.action_check_effect()
            self.assertEqual(self.opinion.effect, 'worse')

    def test_other_companies_do_not_count(self):
        other = self.env['res.company'].create({'name': "Other"})
        self._create_opinion(date='2026-04-10', company_id=other.id)
        with freeze_time('2026-04-30'):
            self.opinion.action_check_effect()
        self.assertEqual(self.opinion.effect_after, 1)

    def test_owner_is_told_once(self):
        def count():
            return len(self.opinion.activity_ids)

        early = date(2026, 4, 29)
        due = date(2026, 4, 30)
        Opinion = self.env['aftersales.opinion']
        self.assertNotIn(self.opinion, Opinion._claim_due_effects(early))
        with (
            patch.object(self.registry['ir.cron'], '_commit_progress', lambda *args, **kw: 60),
            freeze_time(due),
        ):
            Opinion._cron_remind_effects()
            self.assertEqual(count(), 1)
            self.assertEqual(self.opinion.activity_ids.user_id, self.user_service)
            self.assertEqual(self.opinion.activity_ids.summary, "Did the measure help?")
            Opinion._cron_remind_effects()
            self.assertEqual(count(), 1)
            self.opinion.with_user(self.user_service).action_check_effect()
            self.assertEqual(count(), 0)

    def test_many_are_told_in_one_go(self):
        """The number of queries does not grow with the number of measures."""

        def remind(number):
            opinions = self.opinion.browse()
            for _number in range(number):
                opinions |= self.opinion.copy(
                    {
                        'measure': "Any",
                        'date_measure': '2026-03-31',
                        'date_effect': '2026-04-30',
                        'state': 'measure',
                        'user_id': self.user_service.id,
                    }
                )
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            opinions._claim_due_effects(date(2026, 4, 30))._schedule_effect_checks()
            self.env.flush_all()
            return self.env.cr.sql_log_count - before

        remind(1)
        self.assertLessEqual(remind(20), remind(5) + 1)

    def test_another_measure_is_another_effect(self):
        with freeze_time('2026-05-10'):
            self.opinion.action_check_effect()
        self.opinion.effect_reminded = True
        self.opinion.date_measure = '2026-04-20'
        self.assertFalse(self.opinion.effect or self.opinion.effect_reminded)
        self.assertEqual(self.opinion.date_effect, date(2026, 5, 20))


@tagged('post_install', '-at_install')
class TestOpinionAccess(OpinionCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user_sale = cls._create_user('voice_sale', 'sales_team.group_sale_salesman')
        cls.opinions = {
            visibility: cls._create_opinion(visibility=visibility)
            for visibility in ('all', 'service', 'confidential')
        }

    def _visible(self, user):
        ids = [opinion.id for opinion in self.opinions.values()]
        found = self.env['aftersales.opinion'].with_user(user).search([('id', 'in', ids)])
        return set(found.mapped('visibility'))

    def test_visibility(self):
        self.assertEqual(self._visible(self.user_service), {'all'})
        self.user_service.group_ids += self.env.ref('crm_customer.group_note_service')
        self.assertEqual(self._visible(self.user_service), {'all', 'service'})
        self.user_service.group_ids += self.env.ref('crm_customer.group_note_confidential')
        self.assertEqual(self._visible(self.user_service), {'all', 'service'}, "only on screens")

    def test_technician(self):
        opinion = self.opinions['all']
        self.assertEqual(self._visible(self.user_technician), {'all'}, "of nobody yet")
        opinion.user_id = self.user_service
        self.assertFalse(self._visible(self.user_technician))
        opinion.user_id = self.user_technician
        opinion.with_user(self.user_technician).answer = "Sorry"
        self.opinions['service'].user_id = self.user_technician
        self.assertEqual(self._visible(self.user_technician), {'all', 'service'})

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_sales(self):
        self.assertFalse(self._visible(self.user_sale))
        self.customer_company.user_id = self.user_sale
        self.assertEqual(self._visible(self.user_sale), {'all'})
        with self.assertRaises(AccessError):
            self.opinions['all'].with_user(self.user_sale).answer = "Mine"
        own = (
            self.env['aftersales.opinion']
            .with_user(self.user_sale)
            .create({'text': "Said at the fair", 'source': 'meeting'})
        )
        own.sentiment = 'positive'

    def test_other_company(self):
        self.opinions['all'].sudo().write(
            {'company_id': self.company_2.id, 'theme_id': self.theme.id}
        )
        self.assertFalse(self._visible(self.user_manager))

    @mute_logger('odoo.addons.base.models.ir_model')
    def test_customers_and_others(self):
        plain = self._create_user('voice_plain', 'base.group_user')
        for user in (self.user_customer, plain):
            with self.subTest(user.login), self.assertRaises(AccessError):
                self._visible(user)


@tagged('post_install', '-at_install')
class TestOpinionConversation(HttpCase, OpinionCommon):
    def test_of_a_confidential_one(self):
        """Its conversation stays empty, instead of showing what was said anywhere else."""
        self.user_manager.group_ids += self.env.ref('crm_customer.group_note_confidential')
        self.authenticate(self.user_manager.login, self.user_manager.login)
        opinion = self._create_opinion(partner_id=False)
        opinion.message_post(body="About this one")
        self.customer.message_post(body="About the customer")
        for visibility, shown in (('all', opinion.message_ids.ids), ('confidential', [])):
            opinion.visibility = visibility
            params = {'thread_model': opinion._name, 'thread_id': opinion.id}
            found = self.make_jsonrpc_request('/mail/thread/messages', params)
            with self.subTest(visibility):
                self.assertEqual(found['messages'], shown)


@tagged('post_install', '-at_install')
class TestOpinionCustomer(OpinionCommon):
    """Opinions in the customer's file."""

    def test_button_and_time_line(self):
        opinion = self._create_opinion(date='2026-03-02')
        colleague = self.customer_company
        self.assertEqual(colleague.aftersales_opinion_count, 1)
        action = self.customer.action_view_aftersales_opinions()
        self.assertIn(opinion, opinion.search(action['domain']))
        entries = self.customer.get_customer_timeline(sources=['aftersales.opinion'])['entries']
        self.assertEqual([entry['title'] for entry in entries], ["Waiting"])

    def test_merge(self):
        opinion = self._create_opinion(partner_id=self.stranger.id)
        twin = self.env['res.partner'].create({'name': "Stranger", 'email': self.stranger.email})
        self.env['base.partner.merge.automatic.wizard']._merge(
            (twin | self.stranger).ids, dst_partner=twin
        )
        self.assertEqual(opinion.partner_id, twin)

    def test_personal_data(self):
        opinion = self._create_opinion(
            partner_id=self.stranger.id,
            text="Mr Stranger was angry",
            answer="Dear Mr Stranger",
            measure="A second counter, as Stranger said",
        )
        data = self.stranger._get_personal_data_sources()
        [source] = [source for source in data if source.key == 'aftersales.opinion']
        self.assertEqual(self.stranger._get_personal_records(source), opinion)
        self.stranger._erase_personal_data()
        self.assertNotIn("Stranger", f'{opinion.text}{opinion.answer}{opinion.measure}')
        self.assertIn("counter", opinion.measure)
        self.assertEqual(opinion.theme_id, self.theme)


@tagged('post_install', '-at_install')
class TestOpinionImport(JobCase):
    def test_file(self):
        self.env['aftersales.opinion.theme'].create({'name': "Corridor"})
        text = (
            "External ID,Customer Name,Customer Email,Date,Source,Theme,Sentiment,Opinion\n"
            "O-t1,Op Wang,op.wang@example.com,2026/3/14,Visit,Corridor,Negative,Too dark\n"
            "O-t2,Op Wang,op.wang@example.com,,,,,Nice people\n"
            "O-t3,Op Wang,op.wang@example.com,,,,,\n"
        )
        record = self.env['crm.import'].create(
            {'template': 'opinions', 'file': base64.b64encode(text.encode()), 'file_name': 'a.csv'}
        )
        record.action_import()
        self.run_job(record.job_id)
        self.assertEqual(record.state, 'done', record.job_id.result)
        opinions = self.env.ref('__import__.O-t1') | self.env.ref('__import__.O-t2')
        self.assertEqual(opinions.mapped('source'), ['visit', 'call'])
        self.assertEqual(opinions[0].theme_id.name, "Corridor")
        self.assertEqual(opinions.partner_id.email, 'op.wang@example.com')
