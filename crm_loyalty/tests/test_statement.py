import random
from datetime import date, timedelta
from decimal import Decimal
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command, Datetime
from odoo.tests import new_test_user, tagged
from odoo.tools import SQL

from odoo.addons.crm_loyalty.ledger import Entry, Ledger, replay, to_points
from odoo.addons.crm_loyalty.models.loyalty_card_ledger import Movement
from odoo.addons.crm_loyalty.models.loyalty_card_statement import PendingPoints

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestStatement(LoyaltyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.company.resource_calendar_id.tz = 'Asia/Shanghai'
        cls.card = cls.create_card()

    def post(self, points, day, kind='earn', posted=None, **values):
        """Post points on a day at noon in UTC, entered on the same day or on ``posted``."""
        moment = Datetime.to_datetime(f'{day} 12:00:00')
        values = {'description': "Row", **values}
        movement = Movement(self.card.id, to_points(points), kind, date=moment, **values)
        with patch.object(self.registry['loyalty.card'], '_fold_after_hook'):
            row = self.card._post([movement])
        self.env.cr.execute(
            SQL(
                'UPDATE loyalty_history SET posted_at = %s WHERE id = %s',
                f'{posted or day} 12:00:00',
                row.id,
            )
        )
        return row

    def test_running_balance(self):
        self.post(100, '2026-01-10')
        self.post(-30, '2026-02-10', 'burn')
        self.post(5.5, '2026-03-10')
        statement = self.card.get_statement()
        self.assertEqual([row['balance'] for row in statement['movements']], [75.5, 70, 100])
        self.assertEqual([row['points'] for row in statement['movements']], [5.5, -30, 100])
        self.assertEqual(statement['balance'], 75.5)
        self.assertEqual((statement['opening_balance'], statement['closing_balance']), (0, 75.5))
        self.assertIsNone(statement['next'])
        self.assertEqual(statement['movements'][1]['kind_name'], "Redeemed")

    def test_period(self):
        self.post(100, '2025-12-30')
        self.post(-30, '2026-02-10', 'burn')
        self.post(20, '2027-01-03')
        statement = self.card.get_statement(date_from='2026-01-01', date_to='2026-12-31')
        self.assertEqual(statement['opening_balance'], 100)
        self.assertEqual(statement['closing_balance'], 70)
        self.assertEqual(statement['balance'], 90)
        self.assertEqual([row['balance'] for row in statement['movements']], [70])

    def test_days_of_the_program(self):
        """17:00 in UTC is the next day in Shanghai."""
        row = self.post(100, '2025-12-31')
        self.env.cr.execute(
            SQL("UPDATE loyalty_history SET date = '2025-12-31 17:00' WHERE id = %s", row.id)
        )
        self.assertFalse(self.card.get_statement(date_to='2025-12-31')['movements'])
        [movement] = self.card.get_statement(date_from='2026-01-01')['movements']
        self.assertEqual(movement['day'], date(2026, 1, 1))

    def test_as_of(self):
        self.post(100, '2026-01-10', expire_on=date(2099, 6, 30))
        self.post(-60, '2026-02-10', 'burn')
        # bought in January, but entered in March only
        self.post(50, '2026-01-20', posted='2026-03-01')
        self.assertEqual(self.card.get_balance()[0]['balance'], 90)
        balances = [
            self.card.get_balance(as_of=day)[0]['balance']
            for day in ('2026-01-09', '2026-01-31', '2026-02-28', '2026-03-01')
        ]
        self.assertEqual(balances, [0, 100, 40, 90])
        statement = self.card.get_statement(as_of='2026-01-31')
        self.assertEqual([row['points'] for row in statement['movements']], [100])
        self.assertEqual(statement['expiring'], [{'day': date(2099, 6, 30), 'points': 100}])
        self.assertIsNone(statement['free'])
        now = self.card.get_statement()
        self.assertEqual(now['expiring'], [{'day': date(2099, 6, 30), 'points': 40}])
        self.assertEqual(now['not_expiring'], 50)

    def test_what_the_ledger_gave_back_in_the_language_of_the_reader(self):
        self.env['res.lang']._activate_lang('zh_CN')
        chinese = self.card.with_context(lang='zh_CN')
        for text in (
            "Had expired before they were taken back",
            "Had been redeemed before they expired",
        ):
            with self.subTest(text=text):
                self.card._post([Movement(self.card.id, 5, 'grant', text)])
                row = chinese.history_ids.sorted('id')[-1]
                self.assertEqual(row.description, text)
                self.assertNotEqual(row.text, text)

    def test_order_in_the_language_of_the_reader(self):
        self.env['res.lang']._activate_lang('zh_CN')
        orders = self.create_order(100) | self.create_order(100)
        orders[0].action_confirm()
        orders[1].with_context(lang='zh_CN').action_confirm()
        self.card._post([Movement(self.card.id, 5, 'grant')])
        chinese = self.card.with_context(lang='zh_CN')
        self.assertNotEqual(chinese.env._("Order %s", 1), "Order 1")
        for card in (chinese, self.card):
            texts = {row['text'] for row in card.get_statement()['movements']}
            kinds = dict(card.history_ids._fields['kind']._description_selection(card.env))
            expected = {card.env._("Order %s", order.name) for order in orders}
            self.assertEqual(texts, expected | {kinds['grant']})
            self.assertEqual(set(card.history_ids.mapped('text')), texts, "on the card, too")

    def test_dialog_opens_without_a_calendar_over_it(self):
        arch = self.env['loyalty.statement'].get_view(view_type='form')['arch']
        self.assertIn('disable_autofocus="1"', arch)

    @freeze_time('2026-10-01 12:00:00')
    def test_v6_what_expires_when(self):
        for points, day in ((100, '2027-01-31'), (80, '2026-12-31'), (50, '2027-06-30')):
            self.post(points, '2026-01-10', expire_on=date.fromisoformat(day))
        self.post(-120, '2026-02-10', 'burn')
        expected = [
            {'day': date(2027, 1, 31), 'points': 60},
            {'day': date(2027, 6, 30), 'points': 50},
        ]
        statement = self.card.get_statement()
        self.assertEqual((statement['expiring'], statement['not_expiring']), (expected, 0))

    def test_not_folded_yet(self):
        """Between a commit and its fold the statement says the same as after it."""
        self.post(100, '2026-01-10', expire_on=date(2099, 6, 30))
        with patch.object(self.registry['loyalty.card'], '_fold_later'):
            self.card._post([Movement(self.card.id, to_points(-30), 'burn', "Row")])
        before = self.card.get_statement()
        self.card._fold()
        after = self.card.get_statement()
        self.assertEqual(before, after)
        self.assertEqual(after['expiring'], [{'day': date(2099, 6, 30), 'points': 70}])

    def test_replay(self):
        """Matched anew from the first row, what remains is what the fold left."""
        chance = random.Random(7)
        posted = self.env['loyalty.history']
        for _index in range(120):
            burns = posted.filtered(lambda row: row.qty < 0 and row.kind == 'burn')
            draw = chance.random()
            if draw < 0.15 and burns:
                burn = chance.choice(burns)
                row = self.post(-burn.qty / 2, '2026-02-01', 'unburn', reversed_id=burn.id)
            elif draw < 0.3 and posted:
                award = chance.choice(posted)
                row = self.post(-7, '2026-02-01', 'unearn', award_id=award.id)
            elif draw < 0.55:
                points = min(self.card.points, chance.randint(1, 60))
                row = self.post(-points if points > 0 else 5, '2026-02-01', 'burn')
            else:
                day = date(2099, 6, 1) + timedelta(days=chance.randint(0, 5))
                row = self.post(chance.randint(1, 40), '2026-01-10', expire_on=day)
            posted |= row
        rows = self.card.history_ids.sorted('id')
        entries = [
            Entry(
                row.id,
                to_points(row.qty),
                Decimal(0),
                row.expire_on or None,
                row.award_id.id,
                row.reversed_id.id,
            )
            for row in rows
        ]
        found = {entry.id: entry.remaining for entry in replay(entries).values()}
        stored = {row.id: to_points(row.remaining) for row in rows if row.remaining}
        self.assertEqual(found, stored)
        ledger = Ledger({})
        ledger.apply(entries)
        self.assertEqual(found, {e.id: e.remaining for e in entries if e.remaining})

    def test_v8_debt(self):
        self.post(100, '2026-01-10')
        self.post(-90, '2026-02-10', 'burn')
        self.post(-100, '2026-02-11', 'unearn')
        self.assertEqual(self.card.points_debt, 90)
        statement = self.card.get_statement()
        self.assertEqual((statement['balance'], statement['debt']), (-90, 90))
        self.assertEqual((statement['free'], statement['not_expiring']), (0, 0))
        self.post(60, '2026-03-10')
        self.assertEqual(self.card.points_debt, 30)
        Card = self.env['loyalty.card']
        for domain, found in (
            ([('points_debt', '>', 0)], True),
            ([('points_debt', '>=', 30)], True),
            ([('points_debt', '>', 30)], False),
            ([('points_debt', '<=', 30)], True),
            ([('points_debt', '<', 30)], False),
        ):
            cards = Card.search([('program_id', '=', self.program.id), *domain])
            self.assertEqual(bool(cards), found, domain)
        self.post(60, '2026-04-10')
        self.assertFalse(Card.search([('points_debt', '>', 0)]) & self.card)
        self.assertEqual(self.card.get_balance()[0]['debt'], 0)

    def test_documents(self):
        order = self.create_order(80)
        order.action_confirm()
        self.post(5, '2020-01-10', 'grant')
        movements = self.card.get_statement()['movements']
        document = movements[0]['document']
        self.assertEqual((document['model'], document['id']), ('sale.order', order.id))
        self.assertEqual(document['name'], order.name)
        self.assertIsNone(movements[1]['document'])
        # who sees members but no orders gets no link
        user = new_test_user(self.env, 'l_books', 'crm_loyalty.group_all')
        if not order.with_user(user).has_access('read'):
            [first, _second] = self.card.with_user(user).get_statement()['movements']
            self.assertIsNone(first['document'])

    def test_paging(self):
        rows = [
            Movement(self.card.id, to_points(index + 1), 'earn', "Row", date=self.get_date(index))
            for index in range(25)
        ]
        with patch.object(self.registry['loyalty.card'], '_fold_after_hook'):
            self.card._post(rows)
        everything = self.card.get_statement(limit=100)['movements']
        pages, before = [], None
        while True:
            page = self.card.get_statement(limit=7, before=before)
            pages += page['movements']
            before = page['next']
            if not before:
                break
        self.assertEqual(pages, everything)
        self.assertEqual(len(pages), 25)
        self.assertEqual(everything[-1]['balance'], everything[-1]['points'])
        for text in ('x', '2026-01-01', "1|2|3", '2026-01-01|x'):
            with self.assertRaises(ValidationError):
                self.card.get_statement(before=text)
        with self.assertRaises(ValidationError):
            self.card.get_statement(as_of='yesterday')

    def get_date(self, index):
        # several rows of one moment, and not in the order they were entered
        return Datetime.to_datetime('2026-01-10') - timedelta(days=index // 3)

    def test_constant_queries(self):
        """A card of ten thousand movements costs as many queries as one of ten."""
        self.program._get_timezone()  # companies know it by heart from now on
        self.env['loyalty.history']._get_read_texts([])  # as they do the words of the ledger
        counts = []
        for size in (10, 10_000):
            card = self.create_card(self.create_partner(f"Member {size}"))
            self.env.flush_all()
            self.env.cr.execute(
                SQL(
                    """INSERT INTO loyalty_history (card_id, description, qty, issued, used, kind,
                                                    date, posted_at, remaining)
                       SELECT %s, 'Row', 1, 1, 0, 'earn', %s::timestamp - n * interval '1 hour',
                              %s::timestamp, 1
                         FROM generate_series(1, %s) n""",
                    card.id,
                    Datetime.now(),
                    Datetime.now(),
                    size,
                )
            )
            self.env.cr.execute(
                SQL('UPDATE loyalty_card SET points = %s WHERE id = %s', size, card.id)
            )
            for call in (card.get_statement, lambda c=card: c.get_statement(as_of='2999-01-01')):
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                statement = call()
                counts.append(self.env.cr.sql_log_count - before)
                self.assertEqual(statement['movements'][0]['balance'], size)
        self.assertEqual(counts[:2], counts[2:])
        self.assertLessEqual(max(counts), 12)

    def test_balances_at_once(self):
        cards = [self.create_card(self.create_partner(f"M {n}"), points=n + 1) for n in range(30)]
        cards = self.env['loyalty.card'].union(*cards)
        self.program._get_timezone()  # companies know it by heart from now on
        counts = []
        for some in (cards[:3], cards):
            for as_of in (None, '2999-01-01'):
                self.env.invalidate_all()
                before = self.env.cr.sql_log_count
                balances = some.get_balance(as_of)
                counts.append(self.env.cr.sql_log_count - before)
                self.assertEqual([row['balance'] for row in balances[:3]], [1, 2, 3])
        self.assertEqual(counts[:2], counts[2:])

    def test_pending_and_held(self):
        self.post(100, '2026-01-10')
        self.card._hold_points(30, 'till:1')
        pending = {self.card.id: [PendingPoints(Decimal(40), date(2026, 3, 15), "S00042")]}
        with patch.object(
            self.registry['loyalty.card'], '_get_pending_points', lambda cards: pending
        ):
            statement = self.card.get_statement()
        self.assertEqual((statement['pending'], statement['held']), (40, 30))
        self.assertEqual(statement['free'], 70)
        self.assertEqual(
            statement['pending_points'],
            [{'day': date(2026, 3, 15), 'points': 40, 'text': "S00042"}],
        )

    def test_v4_pending_rows(self):
        self.env['loyalty.pending'].create(
            {
                'key': 'test:1',
                'card_id': self.card.id,
                'qty': 60,
                'description': "S00042",
                'release_at': '2026-03-14 17:00:00',
            }
        )
        statement = self.card.get_statement()
        self.assertEqual((statement['pending'], statement['balance']), (60, 0))
        self.assertEqual(
            statement['pending_points'],
            [{'day': date(2026, 3, 15), 'points': 60, 'text': "S00042"}],
        )

    def test_gift_cards(self):
        """Cards without a ledger have a statement that ends with core's balance."""
        program = self.create_program("Wallet", managed=False)
        card = self.create_card(points=30, program=program)
        card.history_ids.create({'card_id': card.id, 'description': "Top up", 'issued': 20})
        statement = card.get_statement()
        self.assertEqual(statement['closing_balance'], 30)
        self.assertEqual([row['balance'] for row in statement['movements']], [30])
        self.assertEqual((statement['opening_balance'], statement['debt']), (10, 0))

    # ------------------------------------------------------------
    # WHO
    # ------------------------------------------------------------

    def test_access(self):
        self.post(100, '2026-01-10')
        foreign = self.create_card(self.partner, points=5)
        own = new_test_user(self.env, 'l_own', 'crm_loyalty.group_own')
        everything = new_test_user(self.env, 'l_all', 'crm_loyalty.group_all')
        employee = new_test_user(self.env, 'l_employee', 'base.group_user')
        portal = new_test_user(self.env, 'l_portal', 'base.group_portal')
        self.member.user_id = own
        mine = self.create_card(portal.partner_id, points=7)
        calls = ('get_balance', 'get_statement', 'quote_redemption')
        for user, readable, refused in (
            (own, self.card, foreign),
            (everything, self.card | foreign | mine, self.env['loyalty.card']),
            (employee, self.env['loyalty.card'], self.card),
            (portal, mine, self.card),
        ):
            for call in calls:
                for card in readable:
                    getattr(card.with_user(user), call)()
                for card in refused:
                    with self.subTest(user=user.login, call=call), self.assertRaises(AccessError):
                        getattr(card.with_user(user), call)()
        with self.assertRaises(AccessError):
            (mine | self.card).with_user(portal).get_balance()
        self.assertEqual(mine.with_user(portal).get_balance()[0]['balance'], 7)

    def test_companies(self):
        company = self.env['res.company'].create({'name': "Second"})
        user = new_test_user(
            self.env,
            'l_second',
            'crm_loyalty.group_all',
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        self.program.company_id = self.env.company
        with self.assertRaises(AccessError):
            self.card.with_user(user).get_statement()

    # ------------------------------------------------------------
    # WHAT IF
    # ------------------------------------------------------------

    def test_quote_earning(self):
        quote = self.card.quote_earning(33.335)
        self.assertEqual((quote['points'], quote['balance_after']), (33.33, 33.33))
        self.assertFalse(quote['has_other_rules'])
        self.program.rule_ids = [
            Command.create({'reward_point_mode': 'order', 'reward_point_amount': 50}),
            Command.create({'reward_point_mode': 'unit', 'product_ids': self.product.ids}),
            Command.create({'reward_point_mode': 'order', 'minimum_amount': 1000}),
        ]
        quote = self.card.quote_earning(20)
        self.assertEqual(quote['points'], 70)
        self.assertTrue(quote['has_other_rules'])
        with self.assertRaises(ValidationError):
            self.card.quote_earning(-1)
        with self.assertRaises(ValidationError):
            self.card.quote_earning("many")
        with self.assertRaises(ValidationError):
            self.card.quote_earning(10, currency='XYZ')

    def test_quote_is_what_an_order_earns(self):
        order = self.create_order(99.5)
        quote = self.card.quote_earning(order.amount_total)
        order.action_confirm()
        self.assertEqual(self.card.points, quote['points'])

    def test_quote_for_whom(self):
        with patch.object(
            self.registry['loyalty.program'],
            '_get_earning_multiplier',
            lambda program, card: Decimal('1.5'),
        ):
            self.assertEqual(self.card.quote_earning(33.33)['points'], 49.99)
        self.program.earn_partner_domain = "[('id', '=', 0)]"
        self.assertEqual(self.card.quote_earning(100)['points'], 0)

    def test_quote_redemption(self):
        self.post(250, '2026-01-10')
        quote = self.card.quote_redemption()
        [reward] = quote['rewards']
        self.assertEqual((reward['times'], reward['value'], quote['worth']), (2, 10, 20))
        self.assertEqual((quote['points'], quote['is_enough']), (250, True))
        quote = self.card.quote_redemption(300)
        self.assertEqual((quote['worth'], quote['is_enough']), (30, False))
        self.reward.write({'discount_mode': 'per_point', 'discount': 0.1, 'required_points': 1})
        self.assertEqual(self.card.quote_redemption(250)['worth'], 25)

    def test_quote_what_no_number_can_hold(self):
        for quote in (self.card.quote_redemption, self.card.quote_earning):
            with self.assertRaises(ValidationError):
                quote(1e300)
