import html
import re
from datetime import date, timedelta

from odoo.fields import Datetime
from odoo.tests import HttpCase, new_test_user, tagged

from odoo.addons.crm_loyalty.controllers.portal import STATEMENT_ROWS, CustomerPortalMembership
from odoo.addons.crm_loyalty.ledger import to_points
from odoo.addons.crm_loyalty.models.loyalty_card_ledger import Movement

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestPortal(LoyaltyCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(cls.env, 'l_member', 'base.group_portal', name="Member")
        cls.env.company.main_loyalty_program_id = cls.program
        cls.foreign = cls.create_card(cls.partner, points=77)

    def open_membership(self, path='/my/membership'):
        self.authenticate('l_member', 'l_member')
        return self.url_open(path)

    def make_member(self):
        card = self.create_card(self.user.partner_id)
        self.earn(card, 1250, Datetime.now())
        card._evaluate_tiers()
        return card

    def test_membership(self):
        card = self.make_member()
        page = self.open_membership().text
        for text in (card.code, "Silver", "1,250 Points", "1,750 Points to Gold", "Bought"):
            self.assertIn(text, page)
        self.assertIn('aria-valuenow="41"', page)
        self.assertEqual(self.url_open(f'/my/membership/{card.id}').status_code, 200)

    def test_statement(self):
        card = self.make_member()
        self.earn(card, 300, '2025-03-03 04:00:00')
        self.env['loyalty.card']._post(
            [Movement(card.id, to_points(40), 'grant', "Gift", expire_on=date(2199, 12, 31))]
        )
        page = self.open_membership('/my/points').text
        for text in ("1,590 Points", "+1,250", "12/31/2199", "Gift", "300"):
            self.assertIn(text, page)
        page = self.url_open(f'/my/points/{card.id}?year=2025').text
        self.assertIn("+300", page)
        self.assertNotIn("+1,250", page)
        page = self.url_open(f'/my/points/{card.id}?as_of=2001-01-01').text
        self.assertIn("As it was counted on", page)
        self.assertIn("No points have moved in this time.", page)

    def test_older_movements(self):
        card = self.create_card(self.user.partner_id)
        for number in range(STATEMENT_ROWS + 3):
            self.earn(card, number + 1, f'2025-01-01 {number // 60:02}:{number % 60:02}:00')
        page = self.open_membership('/my/points?year=2025').text
        older = html.unescape(re.search(r'href="([^"]*before=[^"]*)"', page).group(1))
        self.assertNotIn(">+3<", page)
        page = self.url_open(older).text
        for text in (">+3<", ">+1<", "Newest"):
            self.assertIn(text, page)
        self.assertNotIn(">+4<", page)
        self.assertNotIn("Older", page)

    def test_addresses_changed_by_hand(self):
        card = self.make_member()
        self.authenticate('l_member', 'l_member')
        days = ('as_of=x', 'as_of=9999-12-31', 'as_of=0001-01-01')
        for query in ('year=abc', 'year=99999', *days, 'before=1', 'before=x|y'):
            response = self.url_open(f'/my/points/{card.id}?{query}')
            self.assertEqual(response.status_code, 200, query)
            self.assertIn(card.code, response.text)

    def test_pdf(self):
        card = self.make_member()
        self.authenticate('l_member', 'l_member')
        with self.allow_pdf_render():
            response = self.url_open(f'/my/points/{card.id}/pdf?year=2026')
            self.assertEqual(response.headers['Content-Type'], 'application/pdf')
            self.assertIn(card.code, response.headers['Content-Disposition'])
            response = self.url_open(f'/my/points/{self.foreign.id}/pdf')
        self.assertNotEqual(response.headers['Content-Type'], 'application/pdf')
        self.assertNotIn(self.foreign.code, response.text)

    def test_readonly(self):
        """The pages write nothing: they can be read from a copy of the database."""
        for method in ('portal_my_membership', 'portal_my_statement'):
            routing = getattr(CustomerPortalMembership, method).original_routing
            self.assertTrue(routing['readonly'], method)

    def test_external_api(self):
        """Other programs read the same by JSON-2, with the rights of the key's owner."""
        card = self.make_member()
        own = new_test_user(self.env, 'l_books', 'crm_loyalty.group_own')
        self.user.partner_id.user_id = own
        keys = self.env['res.users.apikeys'].with_user(own)
        key = keys._generate('rpc', "Test", Datetime.now() + timedelta(days=1))
        for card_id, status in ((card.id, 200), (self.foreign.id, 403)):
            for method, values in (
                ('get_balance', {}),
                ('get_statement', {'as_of': '2999-12-31', 'limit': 5}),
                ('quote_earning', {'amount': 10}),
                ('quote_redemption', {}),
            ):
                response = self.url_open(
                    f'/json/2/loyalty.card/{method}',
                    json={'ids': [card_id], **values},
                    headers={'Authorization': f'Bearer {key}'},
                )
                self.assertEqual(response.status_code, status, f'{method} {response.text[:300]}')
                if method == 'get_statement' and status == 200:
                    self.assertEqual(response.json()['movements'][0]['balance'], 1250)

    def test_home(self):
        self.make_member()
        self.authenticate('l_member', 'l_member')
        page = self.url_open('/my/home').text
        self.assertIn('/my/points', page)
        self.assertIn("1,750 Points to Gold", page)

    def test_no_member(self):
        self.assertIn("your first order", self.open_membership().text)

    def test_foreign_card(self):
        self.make_member()
        response = self.open_membership(f'/my/membership/{self.foreign.id}')
        self.assertNotIn(self.foreign.code, response.text)
        self.assertTrue(response.url.rstrip('/').endswith(('/my', '/my/home')))

    def test_core_history_page(self):
        card = self.make_member()
        self.earn(card, 20, '2020-02-03 04:00:00')
        page = self.open_membership(f'/my/loyalty_card/{card.id}/history').text
        self.assertIn('2/3/20', page)

    def test_anonymous(self):
        self.assertIn('/web/login', self.url_open('/my/membership').url)
