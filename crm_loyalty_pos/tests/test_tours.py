from unittest.mock import patch

from odoo import api
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import HttpCase, tagged

from .common import TillCommon


@tagged('post_install', '-at_install')
class TestTillTours(TillCommon, HttpCase):
    """The till as cashiers see it: what the patches of its JavaScript are for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shelf = cls.env['pos.category'].create({'name': "Kitchen"})
        cls.goods.write({'list_price': 100, 'pos_categ_ids': [Command.set(shelf.ids)]})
        # nothing of the demo data: a till that opens quickly
        cls.till.write(
            {'limit_categories': True, 'iface_available_categ_ids': [Command.set(shelf.ids)]}
        )
        cls.cashier.password = cls.cashier.login
        cls.member.name = "Tilda Member"
        cls.program.redeem_earned = False

    def play(self, tour):
        self.start_tour(f'/pos/ui/{self.till.id}', tour, login=self.cashier.login, timeout=300)

    def get_last_order(self):
        return self.till.current_session_id.order_ids.sorted('id')[-1]

    def pay_per_point(self):
        """Let 10 points pay for 1.00, as often as the member likes."""
        self.reward.write({'discount_mode': 'per_point', 'discount': 0.1, 'required_points': 10})

    def add_code(self):
        """Let a code give 50 points."""
        self.program.rule_ids = [
            Command.create(
                {
                    'mode': 'with_code',
                    'code': 'kettle-day',
                    'reward_point_mode': 'order',
                    'reward_point_amount': 50,
                }
            )
        ]

    def create_sale(self):
        """Let a code take 30 % off."""
        self.create_program(
            "Sale",
            program_type='promotion',
            applies_on='current',
            trigger='with_code',
            rule_ids=[Command.create({'mode': 'with_code', 'code': 'summer-sale'})],
            reward_ids=[
                Command.create(
                    {
                        'discount': 30,
                        'discount_mode': 'percent',
                        'discount_applicability': 'order',
                        'required_points': 1,
                    }
                )
            ],
        )

    def test_points_are_chosen(self):
        """Free points are shown, as many as the member likes are redeemed, the receipt tells."""
        self.pay_per_point()
        self.add_code()
        self.program.redeem_max_percent = 25
        # which tills know nothing of
        self.basic.points_multiplier = 2
        card = self.create_card(points=2000)
        card.sudo()._hold_points(300, 'quotation', minutes=60)
        self.play('crm_loyalty_pos_choose')
        order = self.get_last_order()
        self.assertFalse(order.loyalty_exception)
        self.assertEqual(order.amount_total, 170)
        self.assertEqual(self.get_kinds(card)[1:], [('earn', 500), ('burn', -300)])

    def test_order_of_another_till(self):
        """What the member chose stays when another till goes on with the order."""
        self.pay_per_point()
        card = self.create_card(points=2000)
        self.play('crm_loyalty_pos_left_open')
        self.play('crm_loyalty_pos_gone_on_with')
        self.assertEqual(self.get_last_order().amount_total, 295)
        self.assertIn(('burn', -50), self.get_kinds(card))

    def test_small_order(self):
        """No reward below the minimum, neither at first nor when goods are taken off again."""
        self.program.redeem_minimum_amount = 150
        self.create_card(points=500)
        self.play('crm_loyalty_pos_minimum')

    def test_other_discount(self):
        """Minimum and share are those of the order as it is without what others take off."""
        self.pay_per_point()
        self.program.write({'redeem_max_percent': 25, 'redeem_minimum_amount': 75})
        card = self.create_card(points=2000)
        self.create_sale()
        self.play('crm_loyalty_pos_discount')
        order = self.get_last_order()
        self.assertEqual((order.amount_total, order.loyalty_exception), (105, False))
        self.assertIn(('burn', -350), self.get_kinds(card))

    def test_spent_meanwhile(self):
        """What another till takes is not paid with here, and nobody takes what is held here."""
        card = self.create_card(points=150)
        self.play('crm_loyalty_pos_meanwhile')
        order = self.get_last_order()
        self.assertFalse(order.loyalty_exception)
        self.assertEqual(self.get_kinds(card)[1:], [('earn', 100), ('burn', -100)])

    def test_server_refuses(self):
        """Only where there is no connection an order is paid without holding anything."""
        card = self.create_card(points=150)
        message = "Out of order"

        @api.model
        def hold_loyalty_points(orders, order_uuid, claims):
            raise UserError(message)

        with patch.object(self.registry['pos.order'], 'hold_loyalty_points', hold_loyalty_points):
            self.play('crm_loyalty_pos_refused')
        order = self.get_last_order()
        self.assertEqual((order.state, order.loyalty_exception), ('paid', False))
        self.assertEqual(self.get_kinds(card)[1:], [('earn', 100), ('burn', -100)])

    def test_code_taken_off(self):
        """A code that was saved with the order, and taken off again, gives nothing."""
        self.add_code()
        # without tills offer no way to take codes off
        self.create_sale()
        self.play('crm_loyalty_pos_code_off')
        order = self.get_last_order()
        self.assertFalse(order.loyalty_rule_ids)
        self.assertEqual(order.loyalty_points[0]['won'], 100)

    def test_refund(self):
        card = self.create_card(points=100)
        order = self.sell(self.prepare_line(), self.prepare_reward(card))
        self.assertEqual(card.points, 100)
        self.play('crm_loyalty_pos_refund')
        self.assertEqual(card.points, 100)
        self.assertEqual(self.get_last_order().lines.refunded_orderline_id.order_id, order)

    def test_code(self):
        """Codes of cards and of rules, and one of two rewards."""
        self.pay_per_point()
        self.reward.copy({'discount_mode': 'percent', 'discount': 5})
        self.add_code()
        card = self.create_card(points=100)
        card.code = 'tilda-card'
        self.play('crm_loyalty_pos_code')
        order = self.get_last_order()
        self.assertEqual(order.loyalty_rule_ids.code, 'kettle-day')
        self.assertEqual(self.get_kinds(card)[1:], [('earn', 150), ('burn', -50)])
