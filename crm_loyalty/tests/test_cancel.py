from odoo.exceptions import AccessError
from odoo.tests import new_test_user, tagged

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestCancel(LoyaltyCommon):
    """Core lets nobody but administrators cancel an order that earned points."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.salesperson = new_test_user(
            cls.env, login='salesperson', groups='sales_team.group_sale_salesman_all_leads'
        )

    def _earn(self):
        order = self.env['sale.order'].create(
            {
                'partner_id': self.member.id,
                'order_line': [(0, 0, {'product_id': self.product.id, 'product_uom_qty': 2})],
            }
        )
        order._update_programs_and_rewards()
        order.action_confirm()
        return order

    def test_salesperson_cancels_an_order_that_earned(self):
        order = self._earn()
        card = self.env['loyalty.card'].search(
            [('partner_id', '=', self.member.id), ('program_id', '=', self.program.id)]
        )
        self.assertGreater(card.points, 0)
        order.with_user(self.salesperson)._action_cancel()
        self.assertEqual(order.state, 'cancel')
        self.assertFalse(order.coupon_point_ids)
        self.assertAlmostEqual(card.points, 0)

    def test_salesperson_cannot_delete_the_points_of_a_confirmed_order(self):
        order = self._earn()
        with self.assertRaises(AccessError):
            order.coupon_point_ids.with_user(self.salesperson).unlink()
