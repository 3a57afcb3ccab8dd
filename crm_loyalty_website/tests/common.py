import re

from odoo.http import Request
from odoo.tests import HttpCase, new_test_user

from odoo.addons.crm_loyalty.tests.common import LoyaltyCommon


class CartCommon(LoyaltyCommon, HttpCase):
    """A member with 500 points in the web shop; 20 points and their multiples are 1.00 each 10."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.website = cls.env['website'].get_current_website()
        cls.program.redeem_earned = False
        cls.reward.write({'discount_mode': 'per_point', 'discount': 0.1, 'required_points': 20})
        cls.product.write({'is_published': True, 'taxes_id': False, 'type': 'service'})
        cls.user = new_test_user(
            cls.env, 'shop_member', 'base.group_portal', name="Member", email='m@example.com'
        )
        cls.user.partner_id.write(
            {
                'street': "1 Main Street",
                'city': "Buffalo",
                'zip': '14201',
                'country_id': cls.env.ref('base.us').id,
                'state_id': cls.env.ref('base.state_us_27').id,
                'phone': '+1 555 555 5555',
            }
        )
        cls.card = cls.create_card(cls.user.partner_id, points=500)

    def log_in(self):
        self.authenticate('shop_member', 'shop_member')

    def fill_cart(self, qty=1):
        """Put goods for 100.00 a piece into the cart; return it."""
        self.make_jsonrpc_request(
            '/shop/cart/add',
            {
                'product_template_id': self.product.product_tmpl_id.id,
                'product_id': self.product.id,
                'quantity': qty,
            },
        )
        return self.env['sale.order'].search([], order='id desc', limit=1)

    def open_cart(self):
        """Return the text of the cart as it is shown, with single spaces."""
        return self.to_text(self.url_open('/shop/cart').text)

    def to_text(self, page):
        return re.sub(r'\s+', ' ', re.sub(r'<[^>]*>', ' ', page))

    def redeem(self, points, reward=None, **values):
        """Send the form of the cart; return what is shown after it."""
        values = {
            'csrf_token': Request.csrf_token(self),
            'reward_id': (reward or self.reward).id,
            'points': points,
            **values,
        }
        answer = self.url_open('/shop/points', data=values)
        self.env.invalidate_all()
        return self.to_text(answer.text)
