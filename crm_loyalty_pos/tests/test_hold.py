from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch
from uuid import uuid4

from freezegun import freeze_time

from odoo.exceptions import ConcurrencyError
from odoo.fields import Datetime
from odoo.tests import tagged

from odoo.addons.crm_loyalty.models.loyalty_card_lock import Free

from .common import TillCommon


@tagged('post_install', '-at_install')
class TestTillHold(TillCommon):
    """A till that is connected holds the points while the customer pays."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program.redeem_earned = False
        cls.card = cls.create_card(points=100)
        cls.order_uuid = str(uuid4())

    def test_v10_till_holds_before_the_web_claims(self):
        self.assertEqual(self.hold(self.card), {'successful': True})
        self.assertEqual((self.card.points, self.card.points_free), (100, 0))
        order = self.create_order(200)
        order._update_programs_and_rewards()
        self.assertFalse(order._get_claimable_rewards().get(self.card))
        self.assertIn('error', order._apply_program_reward(self.reward, self.card))
        self.env['loyalty.hold'].search([('card_id', '=', self.card.id)]).expires_at = (
            Datetime.now() - timedelta(minutes=1)
        )
        self.card.invalidate_recordset()
        self.assertEqual(self.card.points_free, 100)

    def test_only_holds_of_the_order_are_found(self):
        self.hold(self.card, order_uuid='order_1')
        orders = self.env['pos.order']
        self.assertEqual(len(orders._get_till_holds('order_1')), 1)
        self.assertFalse(orders._get_till_holds('order'))
        self.assertFalse(orders._get_till_holds('%'))
        self.assertFalse(orders._get_till_holds('order11'))

    def test_second_till_is_told(self):
        self.hold(self.card)
        answer = self.hold(self.card)
        self.assertFalse(answer['successful'])
        self.assertTrue(answer['message'])
        self.assertEqual(answer['updated_points'], {self.card.id: 0})

    def test_captured_with_the_order(self):
        sale = self.prepare_sale([self.prepare_line(), self.prepare_reward(self.card)])
        self.hold(self.card, order_uuid=sale['uuid'])
        order = self.send(sale)
        self.assertFalse(order.loyalty_exception)
        hold = self.env['loyalty.hold'].search([('card_id', '=', self.card.id)])
        self.assertEqual((hold.state, hold.captured_qty), ('captured', 100))
        self.assertEqual((self.card.points, self.card.points_free), (100, 100))

    def create_expiring_card(self):
        """100 points whose last day is 2027-01-31."""
        self.env.company.resource_calendar_id.tz = 'UTC'
        self.program.company_id = self.env.company
        member = self.create_partner("Li")
        with freeze_time('2027-01-01 10:00:00'):
            self.program.expire_after = 30
            card = self.create_card(member, points=100)
        card._fold()
        self.assertEqual(str(card.history_ids.expire_on), '2027-01-31')
        return card

    def pay_at(self, moment, card, sent=None):
        """Pay with 100 points of a card; the order comes at once, or later."""
        sale = self.prepare_sale(
            [self.prepare_line(), self.prepare_reward(card)],
            partner=card.partner_id,
            date_order=moment,
            uuid=self.order_uuid,
        )
        with freeze_time(sent or moment):
            return self.send(sale)

    def test_v25_held_before_midnight_and_paid_after(self):
        card = self.create_expiring_card()
        with freeze_time('2027-01-31 23:59:00'):
            self.assertTrue(self.hold(card, order_uuid=self.order_uuid)['successful'])
        order = self.pay_at('2027-02-01 00:01:00', card)
        self.assertFalse(order.loyalty_exception)
        self.assertFalse(card._get_own()['captured'])
        self.assert_balanced(card)

    def test_paid_before_midnight_and_sent_after(self):
        card = self.create_expiring_card()
        order = self.pay_at('2027-01-31 23:50:00', card, '2027-02-01 00:30:00')
        self.assertFalse(order.loyalty_exception)
        self.assert_balanced(card)

    def test_paid_before_midnight_and_sent_after_the_job(self):
        """The same whether or not the job was faster, and no more than the order lacks."""
        card = self.create_expiring_card()
        with freeze_time('2027-02-01 00:02:00'):
            self.env['loyalty.expiry']._cron_expire_points()
        self.assertEqual(card.points, 0)
        order = self.pay_at('2027-01-31 20:00:00', card, '2027-02-01 09:00:00')
        self.assertFalse(order.loyalty_exception)
        self.assertEqual(
            self.get_kinds(card)[1:],
            [('expire', -100), ('expire', 100), ('earn', 100), ('burn', -100)],
        )
        card._fold()
        self.assertEqual((card.points, card.points_free), (100, 100))
        self.assert_balanced(card)
        again = card._return_expired(Datetime.to_datetime('2027-01-31 21:00:00'), 50, 'again')
        self.assertEqual(again, 0)

    def test_paid_after_midnight(self):
        """What was over is not spent, held by nobody and not taken by the job yet."""
        card = self.create_expiring_card()
        order = self.pay_at('2027-02-01 00:01:00', card)
        self.assertEqual((order.loyalty_exception, order.loyalty_shortfall), ('shortfall', 100))
        self.assertIn(('expire', -100), self.get_kinds(card))
        self.assertEqual(card.points_debt, 0)
        self.assertEqual(card.points, 0)
        self.assert_balanced(card)

    def test_points_that_expire_at_this_moment(self):
        """What the job does with them this transaction does not see: it is run again."""
        free = {self.card.id: Free(Decimal(100), Decimal(0), Decimal(100))}
        with (
            patch.object(self.registry['loyalty.card'], '_read_free_now', lambda self: free),
            self.assertRaises(ConcurrencyError),
        ):
            self.sell(self.prepare_line(), self.prepare_reward(self.card))

    def create_other_card(self):
        return self.create_card(points=100, program=self.create_program("Other"))

    def test_refused_as_a_whole(self):
        """Of two cards one has too few points: neither is held, and what was held stays."""
        other = self.create_other_card()
        self.hold(other, 50, self.order_uuid)
        answer = (
            self.env['pos.order']
            .with_user(self.cashier)
            .hold_loyalty_points(
                self.order_uuid,
                [
                    {'card_id': self.card.id, 'cost': 60, 'won': 0},
                    {'card_id': other.id, 'cost': 200, 'won': 0},
                ],
            )
        )
        self.assertFalse(answer['successful'])
        self.assertEqual(answer['updated_points'], {self.card.id: 100, other.id: 100})
        self.env.invalidate_all()
        self.assertEqual((self.card.points_free, other.points_free), (100, 50))

    def test_paid_with_money_after_all(self):
        self.hold(self.card, order_uuid=self.order_uuid)
        self.sell(uuid=self.order_uuid)
        self.env.invalidate_all()
        self.assertEqual(self.card.points_free, 200)

    def test_nobody_holds_the_points_of_all_members(self):
        """A cashier holds for so many orders at once, then sells without."""
        other = self.create_other_card()
        with patch('odoo.addons.crm_loyalty_pos.models.pos_order_hold.MAX_ORDERS', 2):
            for _time in range(3):
                self.assertTrue(self.hold(self.card, 10)['successful'])
            self.assertTrue(self.hold(other, 10)['successful'])
        self.assertEqual((self.card.points_free, other.points_free), (80, 100))

    def test_same_claim_is_the_same_hold(self):
        order_uuid = str(uuid4())
        self.hold(self.card, 50, order_uuid)
        self.hold(self.card, 50, order_uuid)
        self.hold(self.card, 100, order_uuid)
        holds = self.env['loyalty.hold'].search([('card_id', '=', self.card.id)], order='id')
        self.assertEqual(holds.mapped('state'), ['released', 'held'])
        self.hold(self.card, 0, order_uuid)
        self.assertEqual(holds.mapped('state'), ['released', 'released'])

    def test_released_with_a_deleted_order(self):
        sale = self.prepare_sale([self.prepare_line()], state='draft', payment_ids=[])
        self.hold(self.card, order_uuid=sale['uuid'])
        order = self.send(sale)
        order.with_user(self.cashier).remove_from_ui(order.ids)
        self.card.invalidate_recordset()
        self.assertEqual(self.card.points_free, 100)

    def test_points_of_the_same_order(self):
        self.program.redeem_earned = True
        self.assertTrue(self.hold(self.card, 150, won=60)['successful'])
        self.assertEqual(self.card.points_free, 10)

    def test_till_loads_free_points(self):
        self.hold(self.card, 40)
        fields = self.env['loyalty.card']._load_pos_data_fields(self.till)
        [row] = self.card.with_user(self.cashier).read(fields, load=False)
        self.assertEqual((row['points'], row['points_free']), (100, 60))
        answer = self.till.with_user(self.cashier).use_coupon_code(
            self.card.code, Datetime.to_string(Datetime.now()), self.member.id, False
        )
        self.assertEqual(answer['payload']['points'], 60)

    def test_debt_is_no_reason_to_refuse(self):
        """Core's check refuses every order of a member below zero."""
        self.card._post_balance(self.card._prepare_balance_movements(-50))
        orders = self.env['pos.order'].with_user(self.cashier)
        self.assertTrue(orders.validate_coupon_programs({str(self.card.id): 10}, [])['successful'])
        answer = orders.validate_coupon_programs({str(self.card.id): -10}, [])
        self.assertFalse(answer['successful'])
        self.assertEqual(answer['payload']['updated_points'], {self.card.id: 0})

    def test_points_of_this_order_are_told_to_the_till(self):
        [row] = self.program._load_pos_data_read(self.program, self.till)
        self.assertEqual(row['applies_on'], 'future')
        self.program.redeem_earned = True
        [row] = self.program._load_pos_data_read(self.program, self.till)
        self.assertEqual(row['applies_on'], 'both')
