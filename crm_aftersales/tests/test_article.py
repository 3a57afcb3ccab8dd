import re

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, tagged
from odoo.tools import SQL, mute_logger

from .common import AftersalesCommon


class ArticleCommon(AftersalesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['aftersales.article'].search([]).active = False
        cls.fault, cls.other_fault = cls.env['aftersales.code'].create(
            [{'kind': 'fault', 'code': code, 'name': code} for code in ('TF1', 'TF2')]
        )
        cls.cause = cls.env['aftersales.code'].create(
            {'kind': 'cause', 'code': 'TC1', 'name': "Seal"}
        )
        cls.other_product = cls.env['product.product'].create({'name': "Lamp"})

    @classmethod
    def _create_article(cls, name, **values):
        return cls.env['aftersales.article'].create(
            {'name': name, 'solution': "<p>Do it</p>", 'state': 'published', **values}
        )

    def _public(self, words='', product=None, **values):
        Article = self.env['aftersales.article'].with_context(allowed_company_ids=self.company.ids)
        return Article._search_public(product or self.env['product.product'], words, **values)


@tagged('post_install', '-at_install')
class TestArticleSearch(ArticleCommon):
    def test_ranked(self):
        template = self.product.product_tmpl_id
        word = self._create_article("Strange rattling")
        product = self._create_article("Pumps", product_tmpl_ids=template.ids)
        fault = self._create_article("Fault", fault_code_id=self.fault.id)
        both = self._create_article(
            "Rattling", product_tmpl_ids=template.ids, fault_code_id=self.fault.id
        )
        self._create_article("Unlike", fault_code_id=self.other_fault.id)
        self._create_article(
            "Rattling lamps", product_tmpl_ids=self.other_product.product_tmpl_id.ids
        )
        request = self._create_request(name="It is rattling", fault_code_id=self.fault.id)
        found = self.env['aftersales.article']._search_solutions(request)
        self.assertEqual(found[0], both)
        self.assertEqual(set(found), {word, product, fault, both})
        self.assertEqual(found[-1], word)

    def test_at_most_five(self):
        for number in range(7):
            self._create_article(f"Rattling {number}", is_public=True)
        self.assertEqual(len(self._public("rattling")), 5)
        self.assertEqual(len(self._public("rattling", limit=100)), 5)
        self.assertEqual(len(self._public("rattling", limit=2)), 2)

    def test_category_with_those_below(self):
        above = self.env['product.category'].create({'name': "Machines"})
        below = self.env['product.category'].create({'name': "Pumps", 'parent_id': above.id})
        self.product.categ_id = below
        article = self._create_article("Machines", categ_ids=above.ids, is_public=True)
        self.assertEqual(self._public(product=self.product), article)
        self.assertFalse(self._public(product=self.other_product))

    def test_chinese(self):
        article = self._create_article("滑板车续航变短怎么办", is_public=True)
        self.assertEqual(self._public("我的车续航不行"), article)
        self.assertFalse(self._public("空调不制冷"))

    def test_words_of_another_language(self):
        self.env['res.lang']._activate_lang('zh_CN')
        article = self._create_article("Rattling", is_public=True)
        article.with_context(lang='zh_CN').name = "异响"
        self.assertEqual(self._public("有异响"), article)
        self.assertEqual(self._public("rattling"), article)

    def test_words_that_say_nothing(self):
        self._create_article("This and that", is_public=True)
        for words in ("this and that", "", "%%%%", "___"):
            self.assertFalse(self._public(words), words)

    def test_public_ones_only(self):
        public = self._create_article("Rattling", is_public=True)
        self._create_article("Rattling for staff")
        self._create_article("Rattling draft", state='draft', is_public=True)
        self._create_article("Rattling old", state='outdated', is_public=True)
        self._create_article("Rattling elsewhere", is_public=True, company_id=self.company_2.id)
        self.assertEqual(self._public("rattling"), public)
        for user in (self.user_customer, self.env.ref('base.public_user')):
            Article = self.env['aftersales.article'].with_user(user)
            found = Article._search_public(self.product.with_user(user), "rattling")
            self.assertEqual(found.read(['name', 'symptom', 'solution'])[0]['name'], "Rattling")

    def test_offered_at_intake(self):
        article = self._create_article(
            "Rattling", fault_code_id=self.fault.id, cause_code_id=self.cause.id
        )
        request = self.env['aftersales.request'].new({'name': "It is rattling"})
        self.assertEqual(request.suggested_article_ids._origin, article)
        request = self._create_request(name="It is rattling").with_user(self.user_service)
        self.assertEqual(request.suggested_article_ids, article)
        article.with_user(self.user_service).with_context(
            aftersales_request_id=request.id
        ).action_use_on_request()
        self.assertEqual(request.article_id, article)
        self.assertEqual((request.fault_code_id, request.cause_code_id), (self.fault, self.cause))
        self.assertEqual(article.used_count, 1)
        request.action_close()
        self.assertFalse(request.suggested_article_ids)

    def test_words_are_found_by_an_index(self):
        """Candidates are not looked for in all articles."""
        self.env.cr.execute('SET LOCAL enable_seqscan = off')
        match = self.env['aftersales.article']._get_match_sql('name', 'rattling')
        rows = self.env.execute_query(
            SQL('EXPLAIN SELECT id FROM aftersales_article WHERE %s', match)
        )
        self.assertIn('aftersales_article__name_index', str(rows))

    def test_one_statement(self):
        for number in range(30):
            self._create_article(f"Rattling {number}")
        request = self._create_request(name="It is rattling loudly in the night")
        self.env.flush_all()
        request.suggested_article_ids  # noqa: B018  warm
        request.invalidate_recordset(['suggested_article_ids'])
        before = self.env.cr.sql_log_count
        self.assertEqual(len(request.suggested_article_ids), 5)
        self.assertLessEqual(self.env.cr.sql_log_count - before, 2)


@tagged('post_install', '-at_install')
class TestArticle(ArticleCommon):
    def test_from_a_solved_request(self):
        request = self._create_request(
            name="Wang Fang: pump P 1 rattles, call +86 138 0013 8000 or wang@sunrise.example.com",
            description="<p>Mrs Wang from Sunrise Hotel says it rattles</p>",
            fault_code_id=self.fault.id,
            cause_code_id=self.cause.id,
        )
        with self.assertRaises(UserError):
            request.action_write_article()
        request.action_resolve()
        action = request.with_user(self.user_service).action_write_article()
        article = request.written_article_ids
        self.assertEqual(action['res_id'], article.id)
        self.assertRecordValues(
            article,
            [
                {
                    'state': 'draft',
                    'is_public': False,
                    'product_tmpl_ids': self.product.product_tmpl_id.ids,
                    'fault_code_id': self.fault.id,
                    'cause_code_id': self.cause.id,
                }
            ],
        )
        text = f'{article.name}{article.symptom}{article.solution}'
        for personal in ("Wang", "Fang", "138", "@", "Sunrise", "P 1"):
            self.assertNotIn(personal, text)
        self.assertIn("rattles", text)
        self.assertEqual(request.action_write_article()['res_id'], article.id, "one of each")

    def test_publish(self):
        article = self._create_article("Empty", state='draft', solution=False)
        with self.assertRaises(UserError):
            article.action_publish()
        article.solution = "<p>Do it</p>"
        article.with_user(self.user_service).action_publish()
        self.assertEqual(article.state, 'published')

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_technicians_write_drafts(self):
        Article = self.env['aftersales.article'].with_user(self.user_technician)
        own = Article.create({'name': "Mine"})
        own.symptom = "Noise"
        for vals in ({'state': 'published'}, {'is_public': True}):
            with self.assertRaises(AccessError):
                own.write(vals)
            with self.assertRaises(AccessError):
                Article.create({'name': "Mine", **vals})
        own.sudo().write({'state': 'published', 'solution': "<p>Do it</p>"})
        self.assertTrue(own.name)
        with self.assertRaises(AccessError):
            own.name = "Changed"
        foreign = self._create_article("Theirs", state='draft')
        self.assertFalse(Article.search([('id', '=', foreign.id)]))

    @mute_logger('odoo.addons.base.models.ir_rule', 'odoo.addons.base.models.ir_model')
    def test_customers(self):
        public = self._create_article(
            "Public", is_public=True, request_id=self._create_request().id
        )
        internal = self._create_article("Internal")
        for user in (self.user_customer, self.env.ref('base.public_user')):
            Article = self.env['aftersales.article'].with_user(user)
            self.assertTrue(Article.browse(public.id).name)
            with self.assertRaises(AccessError):
                Article.browse(internal.id).read(['name'])
            with self.assertRaises(AccessError):
                Article.browse(public.id).read(['request_id'])
            with self.assertRaises(AccessError):
                Article.browse(public.id).name = "Mine"

    @mute_logger('odoo.addons.base.models.ir_rule')
    def test_companies(self):
        other = self._create_article("Elsewhere", company_id=self.company_2.id)
        with self.assertRaises(AccessError):
            other.with_user(self.user_manager).read(['name'])

    def test_votes_are_rows(self):
        article = self._create_article("Helps")
        article.with_user(self.user_service).action_vote_helpful()
        article.with_user(self.user_service).action_vote_helpful()
        article.with_user(self.user_technician).action_vote_unhelpful()
        self.assertEqual((article.helpful_count, article.unhelpful_count), (1, 1))
        article.with_user(self.user_technician).action_vote_helpful()
        self.assertEqual((article.helpful_count, article.unhelpful_count), (2, 0))
        votes = self.env['aftersales.article.vote'].search([('article_id', '=', article.id)])
        self.assertEqual(len(votes), 2)
        self.assertNotIn(self.user_service.login, str(votes.read()))
        self.assertNotIn('create_uid', votes._fields)

    def test_merged_requests(self):
        request, survivor = self._create_request(), self._create_request()
        article = self._create_article("Helps", request_id=request.id)
        request._merge_into(survivor)
        self.assertEqual(article.request_id, survivor)


@tagged('post_install', '-at_install')
class TestHelpPage(ArticleCommon, HttpCase):
    def setUp(self):
        super().setUp()
        self.env['crm.rate.limit'].sudo().search([]).unlink()
        self.public = self._create_article("Rattling", is_public=True)
        self.internal = self._create_article("Rattling for staff")
        self.authenticate('aftersales_customer', 'aftersales_customer')

    def _vote(self, article, **form):
        page = self.url_open('/my/help')
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text).group(1)
        return self.url_open(f'/my/help/{article.id}/vote', data={'csrf_token': token, **form})

    def test_search(self):
        for path in ('/my/help', '/my/help?words=it+is+rattling'):
            page = self.url_open(path)
            self.assertEqual(page.status_code, 200)
            self.assertIn("Rattling", page.text)
            self.assertNotIn("for staff", page.text)
        page = self.url_open('/my/help?words=zzzzz').text
        self.assertIn("Nothing fits", page)
        self.assertIn('href="/my/requests/new"', page, "the page says to raise a request")
        self.assertIn('href="/my/help"', self.url_open('/my/home').text)

    def test_vote(self):
        for helpful, counts in (('1', (1, 0)), ('1', (1, 0)), ('0', (0, 1))):
            self.assertEqual(self._vote(self.public, helpful=helpful).status_code, 200)
            self.env.invalidate_all()
            self.assertEqual((self.public.helpful_count, self.public.unhelpful_count), counts)

    @mute_logger('odoo.http')
    def test_vote_on_what_is_not_for_customers(self):
        for article in (self.internal, self.public.browse(self.public.id + 10**6)):
            self.assertEqual(self._vote(article, helpful='1').status_code, 404)
        self.assertFalse(self.internal.helpful_count)
        response = self.url_open(f'/my/help/{self.public.id}/vote', data={'helpful': '1'})
        self.assertEqual(response.status_code, 400, "without the token of the page")
        response = self.url_open(f'/my/help/{self.public.id}/vote')
        self.assertIn(response.status_code, (404, 405), "opening a link votes for nothing")
        self.assertFalse(self.public.helpful_count)

    def test_visitors_have_to_log_in(self):
        self.logout()
        self.assertIn('/web/login', self.url_open('/my/help').url)
