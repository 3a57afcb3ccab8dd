from odoo.exceptions import UserError
from odoo.http import request, route

from odoo.addons.website_sale_loyalty.controllers.main import WebsiteSale


class WebsiteSalePoints(WebsiteSale):
    """Redeeming points in the cart."""

    @route('/shop/points', type='http', auth='user', methods=['POST'], website=True, sitemap=False)
    def shop_redeem_points(self, reward_id='', points='', product_id='', **post):
        """Redeem a number of the customer's points; 0 takes the reward away."""
        if order_sudo := request.cart:
            try:
                with request.env.cr.savepoint():
                    order_sudo._redeem_in_cart(
                        int(reward_id) if reward_id.isdecimal() else 0,
                        points.strip(),
                        int(product_id) if product_id.isdecimal() else 0,
                    )
            except UserError as error:
                request.session['error_promo_code'] = str(error)
        return request.redirect(post.get('r', '/shop/cart') + '#o_loyalty_points')

    @route()
    def shop_payment_validate(self, sale_order_id=None, **post):
        """Show the cart, and no error, to who pays with points alone when they are gone."""
        order_sudo = request.cart
        if order_sudo and not order_sudo.amount_total and order_sudo._drop_uncovered_rewards():
            request.session['error_promo_code'] = request.env._(
                "Your points were used elsewhere meanwhile. Please check your order again."
            )
            return request.redirect('/shop/cart')
        return super().shop_payment_validate(sale_order_id=sale_order_id, **post)
