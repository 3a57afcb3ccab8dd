import json
from datetime import date

from odoo import SUPERUSER_ID, api
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Datetime
from odoo.tests import HttpCase, new_test_user, tagged

from ..models.loyalty_card_ledger import Movement
from .common import LoyaltyCommon
from .workers import WorkersCase

GROUPS = 'base.group_user,crm_loyalty.group_points_interface'


@tagged('post_install', '-at_install')
class TestApi(LoyaltyCommon):
    """Other systems move points under keys of their own; asked again, nothing moves twice."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.card = cls.create_card(points=100)
        cls.user = new_test_user(cls.env, 'points_interface', GROUPS)
        cls.api = cls.env['loyalty.card'].with_user(cls.user)

    def test_earn(self):
        answer = self.api.api_earn(
            self.card.code, 12.5, 'k1', origin="TILL/7", date='2026-05-09 14:30:00'
        )
        self.assertEqual(
            (answer['points'], answer['balance'], answer['free']), (12.5, 112.5, 112.5)
        )
        row = self.env['loyalty.history'].browse(answer['movement_id'])
        self.assertEqual((row.kind, row.origin, row.qty), ('earn', "TILL/7", 12.5))
        self.assertEqual(row.date, Datetime.to_datetime('2026-05-09 14:30:00'))
        self.assert_balanced(self.card)

    def test_same_key_same_answer(self):
        first = self.api.api_earn(self.card.code, 10, 'k1')
        self.api.api_earn(self.card.code, 5, 'k2')
        self.assertEqual(self.api.api_earn(self.card.id, 10.0, 'k1'), first, "also by number")
        self.assertEqual(self.card.points, 115)

    def test_same_key_other_content(self):
        self.api.api_earn(self.card.code, 10, 'k1')
        for call in (
            lambda: self.api.api_earn(self.card.code, 11, 'k1'),
            lambda: self.api.api_earn(self.card.code, 10, 'k1', origin="X"),
            lambda: self.api.api_hold(self.card.code, 10, 'k1'),
        ):
            with self.assertRaisesRegex(UserError, 'k1'), self.env.cr.savepoint():
                call()
        self.assertEqual(self.card.points, 110)

    def test_hold_capture_release(self):
        held = self.api.api_hold(self.card.code, 60, 'h1', minutes=10)
        self.assertEqual((held['held'], held['balance'], held['free']), (60, 100, 40))
        self.assertIsNone(held['movement_id'])
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.api.api_hold(self.card.code, 60, 'h2')
        captured = self.api.api_capture('h1', 'c1', points=50, origin="TILL/8")
        self.assertEqual((captured['points'], captured['balance'], captured['free']), (-50, 50, 50))
        self.assertEqual(self.api.api_capture('h1', 'c1', points=50, origin="TILL/8"), captured)
        row = self.env['loyalty.history'].browse(captured['movement_id'])
        self.assertEqual((row.kind, row.origin), ('burn', "TILL/8"))
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.api.api_capture('h1', 'c2', points=10)
        self.api.api_hold(self.card.code, 50, 'h3')
        released = self.api.api_release('h3', 'r1')
        self.assertEqual((released['held'], released['free']), (0, 50))
        self.assertEqual(self.api.api_release('h3', 'r1'), released)
        self.assertEqual(self.api.api_hold(self.card.code, 60, 'h1', minutes=10), held)
        self.assert_balanced(self.card)

    def test_reverse_earned_in_parts(self):
        self.api.api_earn(self.card.code, 30, 'k1')
        self.assertEqual(self.api.api_reverse('k1', 'b1', points=10)['points'], -10)
        self.assertEqual(self.api.api_reverse('k1', 'b1', points=10)['balance'], 120)
        with self.assertRaisesRegex(UserError, '20'), self.env.cr.savepoint():
            self.api.api_reverse('k1', 'b2', points=20.01)
        self.assertEqual(self.api.api_reverse('k1', 'b3')['points'], -20)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self.api.api_reverse('k1', 'b4')
        self.assertEqual(self.card.points, 100)
        self.assert_balanced(self.card)

    def test_reverse_earned_that_is_spent(self):
        self.api.api_earn(self.card.code, 30, 'k1')
        self.api.api_hold(self.card.code, 130, 'h1')
        self.api.api_capture('h1', 'c1')
        self.assertEqual(self.api.api_reverse('k1', 'b1')['balance'], -30)
        self.assert_balanced(self.card)

    def test_reverse_redeemed(self):
        award = self.card.history_ids
        self.api.api_hold(self.card.code, 60, 'h1')
        self.api.api_capture('h1', 'c1')
        self.assertEqual(award.remaining, 40)
        self.assertEqual(self.api.api_reverse('c1', 'b1', points=20)['points'], 20)
        self.assertEqual(award.remaining, 60)
        self.api.api_reverse('c1', 'b2')
        self.assertEqual((award.remaining, self.card.points), (100, 100))
        self.assert_balanced(self.card)

    def test_redeemed_before_a_merge(self):
        """What is given back is usable as long as it was."""
        self.program.expire_after = 100
        member = self.create_partner("Wang")
        card = self.create_card(member)
        card._post([Movement(card.id, 30, 'grant', expire_on=date(2099, 6, 30))])
        self.api.api_hold(card.code, 30, 'h1')
        self.api.api_capture('h1', 'c1')
        self.env['base.partner.merge.automatic.wizard'].create({})._merge(
            [member.id, self.member.id], self.member
        )
        self.api.api_reverse('c1', 'b1')
        row = self.card.history_ids.filtered(lambda row: row.kind == 'unburn')
        self.assertEqual((row.remaining, row.expire_on), (30, date(2099, 6, 30)))
        self.assert_balanced(self.card, card)

    def test_merged_card(self):
        self.api.api_earn(self.card.code, 30, 'k1')
        other = self.create_partner("B")
        other_card = self.create_card(other)
        wizard = self.env['base.partner.merge.automatic.wizard'].create({})
        wizard._merge((self.member | other).ids, other)
        self.api.api_reverse('k1', 'b1')
        self.assertEqual(other_card.points, 100)
        self.assert_balanced(other_card)

    def test_bad_input(self):
        code = self.card.code
        for points in (0, -1, float('nan'), float('inf'), '5', True, None, 0.001, 1e15):
            with self.subTest(points=points), self.assertRaises(ValidationError):
                self.api.api_earn(code, points, 'k')
        for day in ('soon', '2999-01-01 00:00:00', 7):
            with self.subTest(date=day), self.assertRaises(ValidationError):
                self.api.api_earn(code, 1, 'k', date=day)
        for card in ('', 'nobody', 0, None, [1], self.env['loyalty.card']):
            with self.subTest(card=card), self.assertRaises(UserError):
                self.api.api_earn(card, 1, 'k')
        for key in ('', ' ', None, 5, 'k' * 256, 'k\0'):
            with self.subTest(key=key), self.assertRaises(UserError):
                self.api.api_earn(code, 1, key)
        for method in ('api_capture', 'api_release', 'api_reverse'):
            with self.subTest(method), self.assertRaises(UserError):
                getattr(self.api, method)('nothing', 'k')
        for minutes in (0, -1, float('nan'), '5', True, 60 * 24 * 3660, 1e11):
            with self.subTest(minutes=minutes), self.assertRaises(ValidationError):
                self.api.api_hold(code, 1, 'k', minutes=minutes)
        self.assertFalse(self.card.hold_ids)

    def test_longest_hold_and_key(self):
        answer = self.api.api_hold(self.card.code, 1, 'k' * 255, minutes=60 * 24 * 3650)
        self.assertEqual(answer['held'], 1)
        self.assertEqual(self.api.api_release('k' * 255, 'r')['held'], 0)

    def test_keys_are_named_as_they_were_given(self):
        with self.assertRaisesRegex(UserError, 'the key nothing'):
            self.api.api_capture('nothing', 'k')

    def test_rights(self):
        for groups in ('base.group_user', 'crm_loyalty.group_manager'):
            user = new_test_user(self.env, f'api_{groups[-4:]}', groups)
            cards = self.env['loyalty.card'].with_user(user)
            for call in (
                lambda cards=cards: cards.api_earn(self.card.code, 1, 'k'),
                lambda cards=cards: cards.api_hold(self.card.code, 1, 'k'),
                lambda cards=cards: cards.api_capture('h', 'k'),
                lambda cards=cards: cards.api_release('h', 'k'),
                lambda cards=cards: cards.api_reverse('h', 'k'),
            ):
                with self.assertRaises(AccessError):
                    call()
        with self.assertRaises(AccessError):
            self.card.with_user(self.user).write({'points': 5})

    def test_company(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.api.api_hold(self.card.code, 10, 'h1')
        self.api.api_earn(self.card.code, 10, 'k1')
        self.program.company_id = other
        with self.assertRaises(UserError):
            self.api.api_earn(self.card.code, 1, 'k2')
        with self.assertRaises(AccessError):
            self.api.api_capture('h1', 'c1')
        with self.assertRaises(AccessError):
            self.api.api_reverse('k1', 'b1')

    def test_each_company_has_keys_of_its_own(self):
        other = self.env['res.company'].create({'name': "Other"})
        self.program.company_id = False
        self.user.company_ids = [(4, other.id)]
        self.api.api_earn(self.card.code, 10, 'k1')
        self.api.with_company(other).api_earn(self.card.code, 20, 'k1')
        self.assertEqual(self.card.points, 130)


@tagged('post_install', '-at_install')
class TestApiHttp(LoyaltyCommon, HttpCase):
    """Through the front door, with an API key."""

    def call(self, method, token, **params):
        response = self.url_open(
            f'/json/2/loyalty.card/{method}',
            data=json.dumps(params),
            headers={'Authorization': f'Bearer {token}', 'Content-Type': 'application/json'},
        )
        return response.status_code, response.json()

    def create_api_key(self, login, groups):
        user = new_test_user(self.env, login, groups)
        keys = self.env['res.users.apikeys'].with_user(user).sudo()
        return keys._generate('rpc', 'points', Datetime.add(Datetime.now(), days=1))

    def test_calls(self):
        card = self.create_card(points=100)
        key = self.create_api_key('till', GROUPS)
        status, earned = self.call('api_earn', key, card=card.code, points=10, key='k1')
        self.assertEqual((status, earned['balance']), (200, 110))
        self.assertEqual(
            self.call('api_earn', key, card=card.code, points=10, key='k1'), (200, earned)
        )
        status, error = self.call('api_earn', key, card=card.code, points=11, key='k1')
        self.assertEqual(status, 422)
        self.assertIn('k1', error['message'])
        self.assertEqual(
            self.call('api_hold', key, card=card.code, points=60, key='h1')[1]['free'], 50
        )
        self.assertEqual(self.call('api_capture', key, hold='h1', key='c1')[1]['balance'], 50)
        self.assertEqual(self.call('api_reverse', key, movement='c1', key='b1')[1]['balance'], 110)
        self.call('api_hold', key, card=card.code, points=60, key='h2')
        self.assertEqual(self.call('api_release', key, hold='h2', key='r1')[1]['free'], 110)
        self.assertEqual(self.call('api_earn', key, card='nobody', points=1, key='k')[0], 422)

    def test_others_are_refused(self):
        card = self.create_card(points=100)
        key = self.create_api_key('clerk', 'base.group_user')
        self.assertEqual(self.call('api_earn', key, card=card.code, points=10, key='k1')[0], 403)
        self.assertEqual(
            self.call('api_earn', 'wrong', card=card.code, points=10, key='k1')[0], 401
        )
        self.assertEqual(card.points, 100)


@tagged('post_install', '-at_install')
class TestApiAtOnce(WorkersCase):
    """The same call from several connections at once moves points once."""

    def setUp(self):
        super().setUp()
        self.addCleanup(self.forget_calls)
        [partner_id] = self.create_members(1, points=100)
        with self.open_environment() as env:
            card = env['loyalty.card'].search([('partner_id', '=', partner_id)])
            self.code = card.code
            env.ref('crm_loyalty.group_points_interface').user_ids = [(4, SUPERUSER_ID)]

    def forget_calls(self):
        self.query("DELETE FROM loyalty_api_call WHERE key LIKE '%%:at-once-%%'")
        with self.open_environment() as env:
            env.ref('crm_loyalty.group_points_interface').user_ids = [(3, SUPERUSER_ID)]

    def call(self, env, method, record_id):
        cards = api.Environment(env.cr, SUPERUSER_ID, {})['loyalty.card']
        key = f'at-once-{method}-{record_id}'
        if method == 'api_earn':
            cards.api_earn(self.code, 10, key)
        elif method == 'api_hold':
            cards.api_hold(self.code, 30, key)
        elif method == 'api_reverse':
            cards.api_reverse('at-once-api_earn-1', key)

    def get_card(self, env):
        return env['loyalty.card'].search([('code', '=', self.code)])

    def test_same_key(self):
        results = self.run_workers([('api_earn', 1)] * 8, workers=8)
        self.assertEqual([error for _seconds, error in results], [None] * 8)
        with self.open_environment() as env:
            self.assertEqual(self.get_card(env).points, 110)

    def test_holds(self):
        results = self.run_workers([('api_hold', n % 5) for n in range(10)], workers=8)
        refused = [error for _seconds, error in results if error]
        with self.open_environment() as env:
            card = self.get_card(env)
            self.assertEqual((card.points, card.points_held), (100, 90))
        self.assertTrue(refused, "three times 30 of 100 can be held")

    def test_reversals(self):
        self.run_workers([('api_earn', 1)], workers=1)
        results = self.run_workers([('api_reverse', n) for n in range(6)], workers=6)
        self.assertEqual(sum(error is None for _seconds, error in results), 1)
        with self.open_environment() as env:
            self.assertEqual(self.get_card(env).points, 100)
