from odoo.fields import Datetime
from odoo.tests import HttpCase, new_test_user, tagged

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

    def test_home(self):
        self.make_member()
        self.authenticate('l_member', 'l_member')
        page = self.url_open('/my/home').text
        self.assertIn('/my/membership', page)
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
