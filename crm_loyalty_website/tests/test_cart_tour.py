from odoo.tests import tagged

from .common import CartCommon


@tagged('post_install', '-at_install')
class TestCartTour(CartCommon):
    """The cart in a browser."""

    def test_cart(self):
        self.product.name = "Points Kettle"
        self.start_tour(
            '/shop?search=Points Kettle', 'crm_loyalty_website_cart', login='shop_member'
        )
        order = self.env['sale.order'].search([], order='id desc', limit=1)
        self.assertEqual((order.partner_id, order.amount_total), (self.user.partner_id, 196))
        self.assertEqual(order.order_line.filtered('points_cost').points_cost, 40)
