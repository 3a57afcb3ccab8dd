from datetime import timedelta
from uuid import uuid4

from odoo.fields import Datetime
from odoo.tests import tagged

from .common import TillCommon


@tagged('post_install', '-at_install')
class TestTillHold(TillCommon):
    """A till that is connected holds the points while the customer pays."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.program.redeem_earned = False
        cls.card = cls.create_card(points=100)

    def hold(self, cost=100, order_uuid=None, won=0):
        orders = self.env['pos.order'].with_user(self.cashier)
        return orders.hold_loyalty_points(
            order_uuid or str(uuid4()), [{'card_id': self.card.id, 'cost': cost, 'won': won}]
        )

    def test_v10_till_holds_before_the_web_claims(self):
        self.assertEqual(self.hold(), {'successful': True})
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
        self.hold(order_uuid='order_1')
        orders = self.env['pos.order']
        self.assertEqual(len(orders._get_till_holds('order_1')), 1)
        self.assertFalse(orders._get_till_holds('order'))
        self.assertFalse(orders._get_till_holds('%'))
        self.assertFalse(orders._get_till_holds('order11'))

    def test_second_till_is_told(self):
        self.hold()
        answer = self.hold()
        self.assertFalse(answer['successful'])
        self.assertTrue(answer['message'])
        self.assertEqual(answer['updated_points'], {self.card.id: 0})

    def test_captured_with_the_order(self):
        sale = self.prepare_sale([self.prepare_line(), self.prepare_reward(self.card)])
        self.hold(order_uuid=sale['uuid'])
        order = self.send(sale)
        self.assertFalse(order.loyalty_exception)
        hold = self.env['loyalty.hold'].search([('card_id', '=', self.card.id)])
        self.assertEqual((hold.state, hold.captured_qty), ('captured', 100))
        self.assertEqual((self.card.points, self.card.points_free), (100, 100))

    def test_same_claim_is_the_same_hold(self):
        order_uuid = str(uuid4())
        self.hold(50, order_uuid)
        self.hold(50, order_uuid)
        self.hold(100, order_uuid)
        holds = self.env['loyalty.hold'].search([('card_id', '=', self.card.id)], order='id')
        self.assertEqual(holds.mapped('state'), ['released', 'held'])
        self.hold(0, order_uuid)
        self.assertEqual(holds.mapped('state'), ['released', 'released'])

    def test_released_with_a_deleted_order(self):
        sale = self.prepare_sale([self.prepare_line()], state='draft', payment_ids=[])
        self.hold(order_uuid=sale['uuid'])
        order = self.send(sale)
        order.with_user(self.cashier).remove_from_ui(order.ids)
        self.card.invalidate_recordset()
        self.assertEqual(self.card.points_free, 100)

    def test_points_of_the_same_order(self):
        self.program.redeem_earned = True
        self.assertTrue(self.hold(150, won=60)['successful'])
        self.assertEqual(self.card.points_free, 10)

    def test_till_loads_free_points(self):
        self.hold(40)
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
