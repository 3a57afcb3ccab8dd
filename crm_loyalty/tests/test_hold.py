from decimal import Decimal
from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command, Date, Datetime
from odoo.tests import new_test_user, tagged

from odoo.addons.crm_customer.client_call import WEB_CLIENT, ClientCall

from ..models.loyalty_card_ledger import Movement
from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestHold(LoyaltyCommon):
    """Points somebody is about to pay with are nobody else's."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.card = cls.create_card(points=100)
        cls.Card = cls.env['loyalty.card']

    def claim(self, order):
        order._update_programs_and_rewards()
        return order._apply_program_reward(self.reward, self.card)

    def get_holds(self, order):
        holds = self.env['loyalty.hold']._get_of_documents(order)
        return holds.get(order.id, self.env['loyalty.hold']).sudo()

    # ------------------------------------------------------------
    # FOR ANY CHANNEL
    # ------------------------------------------------------------

    def test_v10_held_at_a_till_then_claimed_in_the_web(self):
        with freeze_time('2026-03-01 10:00:00'):
            self.card._hold_points(100, 'till:1', minutes=15)
        order = self.create_order(10)
        with freeze_time('2026-03-01 10:14:59'):
            self.assertIn('error', self.claim(order))
            self.assertFalse(order._get_claimable_rewards())
            self.assertEqual((self.card.points_held, self.card.points_free), (100, 0))
        self.env.invalidate_all()
        with freeze_time('2026-03-01 10:15:00'):
            self.assertEqual(self.card.points_free, 100, "free without any job")
            self.assertFalse(self.claim(order))
        self.assertEqual(self.card.points, 100)
        with freeze_time('2026-03-01 10:20:00'):
            self.env['loyalty.hold']._cron_expire()
        self.assertEqual(self.env['loyalty.hold']._get_by_key('till:1').state, 'expired')

    def test_the_same_key_is_the_same_hold(self):
        hold = self.card._hold_points(60, 'till:1')
        self.assertEqual(self.card._hold_points(60, 'till:1'), hold)
        for again in (
            lambda: self.card._hold_points(50, 'till:1'),
            lambda: self.create_card(self.partner, points=100)._hold_points(60, 'till:1'),
            lambda: self.card._hold_points(60, 'till:1', origin=self.member),
        ):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                again()
        self.assertEqual(self.card.points_free, 40)
        with self.assertRaises(ValidationError):
            self.card._hold_points(50, 'till:2')

    def test_nothing_to_hold(self):
        unmanaged = self.create_program("Unmanaged", managed=False)
        for card, qty in (
            (self.card, 0),
            (self.card, -5),
            (self.create_card(points=100, program=unmanaged), 5),
        ):
            with self.subTest(qty=qty), self.assertRaises(UserError):
                card._hold_points(qty, 'x')
        for call in (self.Card._capture_points, self.Card._release_points):
            with self.assertRaises(UserError):
                call('unknown')

    def test_captured_twice_is_once(self):
        self.card._hold_points(60, 'till:1')
        for _time in range(2):
            hold = self.Card._capture_points('till:1', description="Till 1")
        self.assertEqual(hold.state, 'captured')
        self.assertEqual(self.card.points, 40)
        self.assertEqual(self.card.history_ids[0].description, "Till 1")
        for call in (
            lambda: self.Card._capture_points('till:1', 50),
            lambda: self.Card._release_points('till:1'),
        ):
            with self.assertRaises(UserError):
                call()
        self.assert_balanced(self.card)

    def test_captured_in_part(self):
        self.card._hold_points(60, 'till:1')
        with self.assertRaises(UserError):
            self.Card._capture_points('till:1', 70)
        self.Card._capture_points('till:1', 25)
        self.assertEqual(self.card.points_free, 75)
        self.assert_balanced(self.card)

    def test_captured_too_late(self):
        """As long as nobody else spent the points meanwhile."""
        with freeze_time('2026-03-01 10:00:00'):
            self.card._hold_points(100, 'till:1', minutes=15)
        with freeze_time('2026-03-01 11:00:00'):
            self.card._hold_points(100, 'till:2', minutes=15)
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.Card._capture_points('till:1')
            self.Card._release_points('till:2')
            self.Card._capture_points('till:1')
        self.assertEqual(self.card.points, 0)
        self.assert_balanced(self.card)

    def test_released(self):
        self.card._hold_points(100, 'till:1')
        for _time in range(2):
            self.Card._release_points('till:1')
        self.assertEqual(self.card.points_free, 100)
        with self.assertRaises(UserError):
            self.Card._capture_points('till:1')

    def test_rolled_back_savepoint(self):
        """What the transaction did before it is still known, what was undone is not."""
        kept = self.Card._post([Movement(self.card.id, 5, 'grant')])
        hold = self.card._hold_points(60, 'till:1')
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            self.Card._post([Movement(self.card.id, 7, 'grant')])
            self.Card._capture_points('till:1')
            self.assertEqual(len(self.Card._get_own()['rows']), 3)
            raise ZeroDivisionError
        own = self.Card._get_own()
        self.assertEqual(own['rows'], {kept.id: self.card.id})
        self.assertEqual((own['holds'], own['captured']), ({hold.id}, {}))

    def test_captured_before_something_else_is_undone(self):
        """Points that were held are not over, whatever happens before they are posted."""
        self.env.company.resource_calendar_id.tz = 'UTC'
        self.program.company_id = self.env.company
        for forget in (self.undo_savepoint, self.env.clear):
            with self.subTest(forget=forget):
                with freeze_time('2027-01-31 23:59:00'):
                    card = self.create_card(self.create_partner("李四"))
                    last_day = Date.to_date('2027-01-31')
                    self.Card._post([Movement(card.id, 60, 'grant', expire_on=last_day)])
                    hold = card._hold_points(60, f'till:{card.id}', minutes=15)
                with freeze_time('2027-02-01 00:05:00'):
                    hold._capture({card.id: Decimal(60)})
                    forget()
                    self.Card._post([Movement(card.id, -60, 'burn')])
                self.assertEqual(card.history_ids.mapped('kind'), ['burn', 'grant'])

    def undo_savepoint(self):
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            raise ZeroDivisionError

    def test_only_what_clients_call_itself_begins_anew(self):
        """What calls our methods may have done something before."""
        calls = {
            ('sale.order', 'action_confirm'): True,
            ('loyalty.card', 'api_hold'): True,
            ('project.task', 'action_confirm'): False,
            ('sale.order', 'api_hold'): False,
        }
        for call, is_direct in calls.items():
            with patch(
                'odoo.addons.crm_loyalty.models.loyalty_card_lock.get_client_call',
                return_value=ClientCall(WEB_CLIENT, *call),
            ):
                self.assertIs(self.Card._is_called_directly(), is_direct)

    def test_held_points_cannot_be_spent_in_any_way(self):
        self.card._hold_points(60, 'till:1')
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.Card._post([Movement(self.card.id, -41, 'burn')])
        self.Card._post([Movement(self.card.id, -40, 'burn')])
        self.assertEqual(self.card.points_free, 0)

    def test_v25_captured_after_midnight(self):
        """Held at 23:59 of their last day, the points are paid with at 00:05."""
        self.env.company.resource_calendar_id.tz = 'UTC'
        self.program.company_id = self.env.company
        with freeze_time('2027-01-01 10:00:00'):
            self.program.expire_after = 30
            card = self.create_card(self.partner, points=100)
        card._fold()
        self.assertEqual(str(card.history_ids.expire_on), '2027-01-31')
        with freeze_time('2027-01-31 23:59:00'):
            card._hold_points(60, 'till:1', minutes=15)
        with freeze_time('2027-02-01 00:05:00'):
            self.env['loyalty.expiry']._cron_expire_points()
            self.env.invalidate_all()
            self.assertEqual((card.points, card.points_free), (60, 0))
            self.Card._capture_points('till:1')
            self.env['loyalty.expiry']._cron_expire_points()
        self.env.invalidate_all()
        self.assertEqual(card.points, 0)
        kinds = card.history_ids.sorted('id').mapped(lambda row: (row.kind, row.qty))
        self.assertEqual(kinds, [('opening', 100), ('expire', -40), ('burn', -60)])
        self.assert_balanced(card)

    def test_v25_not_paid_with_after_all(self):
        """What was kept for a hold only expires with it."""
        self.env.company.resource_calendar_id.tz = 'UTC'
        self.program.company_id = self.env.company
        with freeze_time('2027-01-01 10:00:00'):
            self.program.expire_after = 30
            card = self.create_card(self.partner, points=100)
        card._fold()
        with freeze_time('2027-01-31 23:59:00'):
            card._hold_points(60, 'till:1', minutes=15)
        with freeze_time('2027-02-01 00:05:00'):
            self.env['loyalty.expiry']._cron_expire_points()
            self.Card._release_points('till:1')
            self.env.invalidate_all()
            self.assertEqual(card.points, 0)
        self.assert_balanced(card)

    def test_merged_card(self):
        self.card._hold_points(60, 'till:1')
        other = self.create_card(self.partner, points=10)
        self.card.active = False
        other._take_over(self.card)
        self.assertEqual((other.points, other.points_free), (110, 50))
        self.Card._capture_points('till:1')
        self.assertEqual(other.points, 50)
        self.assert_balanced(other, self.card)

    # ------------------------------------------------------------
    # QUOTATIONS
    # ------------------------------------------------------------

    def test_sent_quotation(self):
        order, other = self.create_order(10), self.create_order(10)
        self.claim(order)
        self.claim(other)
        self.assertEqual(self.card.points_free, 100, "a draft holds nothing")
        order.action_quotation_sent()
        hold = self.get_holds(order)
        self.assertEqual((hold.state, hold.qty, hold.description), ('held', 100, order.name))
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            other.action_quotation_sent()
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            other.action_confirm()
        order._update_programs_and_rewards()
        self.assertEqual(self.get_holds(order), hold, "it holds its own points once")
        order.action_confirm()
        self.assertEqual(hold.state, 'captured')
        self.assertEqual((self.card.points, self.card.points_held), (10, 0))
        order._action_cancel()
        self.assertEqual(self.card.points_free, 100)
        self.assert_balanced(self.card)

    def test_released_by_cancelling_removing_and_deleting(self):
        for end in (
            lambda order: order._action_cancel(),
            lambda order: order.order_line.filtered('reward_id').unlink(),
            lambda order: (order._action_cancel(), order.unlink()),
        ):
            order = self.create_order(10)
            self.claim(order)
            order.action_quotation_sent()
            self.assertEqual(self.card.points_free, 0)
            end(order)
            self.assertEqual(self.card.points_free, 100)
        self.assertEqual(set(self.card.hold_ids.mapped('state')), set())

    def test_until_the_quotation_expires(self):
        self.program.hold_hours = 48
        with freeze_time('2026-03-01 10:00:00'):
            order = self.create_order(10, validity_date='2026-03-02')
            self.claim(order)
            order.action_quotation_sent()
            hold = self.get_holds(order)
            self.assertEqual(
                hold.expires_at, self.program._to_utc(Datetime.to_datetime('2026-03-03').date())
            )
            order.validity_date = '2026-03-31'
            self.assertEqual(hold.expires_at, Datetime.to_datetime('2026-03-03 10:00:00'))

    def test_policies(self):
        for when, draft, sent in (('never', 0, 0), ('sent', 0, 100), ('claimed', 100, 100)):
            with self.subTest(when), self.env.cr.savepoint() as savepoint:
                self.program.hold_when = when
                order = self.create_order(10)
                self.claim(order)
                self.assertEqual(self.card.points_held, draft)
                order.action_quotation_sent()
                self.assertEqual(self.card.points_held, sent)
                order.action_confirm()
                self.assertEqual((self.card.points, self.card.points_held), (10, 0))
                savepoint.rollback()
                self.env.invalidate_all()

    def test_payment_under_way(self):
        order = self.create_order(10)
        self.claim(order)
        provider = self.env['payment.provider'].create({'name': "Test", 'code': 'none'})
        payment = self.env['payment.transaction'].create(
            {
                'provider_id': provider.id,
                'payment_method_id': self.env.ref('payment.payment_method_unknown').id,
                'amount': 1,
                'currency_id': order.currency_id.id,
                'partner_id': order.partner_id.id,
                'reference': 'hold-1',
                'sale_order_ids': [Command.set(order.ids)],
            }
        )
        self.assertEqual(self.card.points_free, 0)
        payment._set_pending()
        self.assertEqual(len(self.get_holds(order)), 1)
        payment._set_canceled()
        self.assertEqual(self.card.points_free, 100)

    def test_points_of_the_order_itself_are_not_held(self):
        """Balance 100, the order gives 50: 150 redeemed are 100 held."""
        self.reward.required_points = 150
        order = self.create_order(50)
        self.claim(order)
        order.action_quotation_sent()
        self.assertEqual(self.get_holds(order).qty, 100)
        order.action_confirm()
        self.assertEqual(self.card.points, 0)
        self.assert_balanced(self.card)

    # ------------------------------------------------------------
    # RIGHTS
    # ------------------------------------------------------------

    def test_rights(self):
        hold = self.card._hold_points(10, 'till:1')
        own = new_test_user(self.env, 'h_own', 'crm_loyalty.group_own')
        everybody = new_test_user(self.env, 'h_all', 'crm_loyalty.group_all')
        salesman = new_test_user(self.env, 'h_sales', 'sales_team.group_sale_salesman')
        for user, found in ((own, False), (everybody, True), (salesman, True)):
            holds = self.env['loyalty.hold'].with_user(user)
            self.assertEqual(bool(holds.search([])), found, user.login)
            for operation in ('write', 'create', 'unlink'):
                self.assertFalse(holds.has_access(operation), (user.login, operation))
        with self.assertRaises(AccessError):
            hold.with_user(own).action_release()
        self.member.user_id = own
        with self.assertRaises(AccessError):
            hold.with_user(own).action_release()
        hold.with_user(everybody).action_release()
        self.assertEqual(hold.state, 'released')
        company = self.env['res.company'].create({'name': "Second"})
        stranger = new_test_user(
            self.env,
            'h_second',
            'crm_loyalty.group_manager',
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )
        self.assertFalse(self.env['loyalty.hold'].with_user(stranger).search([]))

    def test_salesperson_sends_and_confirms(self):
        salesman = new_test_user(self.env, 'h_sales', 'sales_team.group_sale_salesman')
        order = self.create_order(10, user_id=salesman.id).with_user(salesman)
        order._update_programs_and_rewards()
        order._apply_program_reward(self.reward.with_user(salesman), self.card.with_user(salesman))
        order.action_quotation_sent()
        self.assertEqual(self.card.points_free, 0)
        order.action_confirm()
        self.assertEqual(self.card.points, 10)
