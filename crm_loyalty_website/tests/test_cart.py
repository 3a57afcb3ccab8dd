from datetime import timedelta
from functools import partial
from unittest.mock import patch

from freezegun import freeze_time

from odoo.fields import Command, Datetime
from odoo.http import Request
from odoo.tests import tagged

from odoo.addons.crm_loyalty.models.loyalty_card_ledger import Movement

from .common import CartCommon


@tagged('post_install', '-at_install')
class TestCart(CartCommon):
    """Points in the cart."""

    def spend_elsewhere(self):
        self.env['loyalty.card']._post([Movement(self.card.id, -self.card.points_free, 'burn')])
        self.env.flush_all()

    # ------------------------------------------------------------
    # WHAT IS SHOWN
    # ------------------------------------------------------------

    def test_member_sees_his_points(self):
        foreign = self.create_card(points=77)
        self.card._hold_points(100, 'till:1')
        self.log_in()
        self.fill_cart()
        page = self.open_cart()
        for text in (
            "Club 400 Points",
            "Held for other orders 100 Points",
            "This order will earn 100 Points",
            "In steps of 20 Points, at most 400 Points.",
        ):
            self.assertIn(text, page)
        self.assertNotIn(foreign.code, self.url_open('/shop/cart').text)
        self.assertNotIn("77 Points", page)

    def test_no_more_than_the_order_needs(self):
        self.earn(self.card, 9000, Datetime.now())
        self.log_in()
        self.fill_cart()
        self.assertIn("at most 1,000 Points.", self.open_cart())

    def count_queries(self, function):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        function()
        return self.env.cr.sql_log_count - before

    def test_many_rewards(self):
        """How often the database is asked does not grow with rewards to choose from."""
        self.program.expire_after = 90
        self.log_in()
        order = self.fill_cart().sudo()
        counts = []
        for number in (2, 2, 8):
            self.program.reward_ids[1:].unlink()
            for _reward in range(number - 1):
                self.reward.copy()
            offers = []
            look = partial(order._prepare_points_offer, self.card)
            counts.append(self.count_queries(lambda o=offers, look=look: o.append(look())))
            self.assertEqual(len(offers[0].choices), number)
        self.assertEqual(counts[1], counts[2])

    def test_visitor_of_a_shop_with_many_programs(self):
        """How often the database is asked does not grow with programs that tell what they give."""
        self.authenticate(None, None)
        order = self.fill_cart()
        public = patch.object(self.registry['sale.order'], '_allow_nominative_programs')
        public.start().return_value = False
        self.addCleanup(public.stop)
        counts = []
        for number in (2, 2, 6):
            self.program.search([('id', '!=', self.program.id)]).active = False
            for _program in range(number - 1):
                self.create_program("Other")
            told = []
            counts.append(self.count_queries(lambda o=told: o.append(order._get_visitor_points())))
            self.assertEqual(told, [["100 Points"] * number])
        self.assertEqual(counts[1], counts[2])

    def test_points_worth_less_than_a_cent(self):
        self.reward.discount = 0.004
        self.log_in()
        self.fill_cart()
        self.assertIn("at most 500 Points.", self.open_cart())

    def test_limits_of_the_program(self):
        self.program.cap_order = 30
        self.program.redeem_max_percent = 25
        self.log_in()
        order = self.fill_cart()
        page = self.open_cart()
        self.assertIn("This order will earn 30 Points", page)
        self.assertIn("at most 240 Points.", page)
        self.redeem('240')
        self.assertEqual(order.amount_total, 76)
        self.assertIn("at most 240 Points.", self.open_cart())

    def test_who_looks_waits_for_nobody(self):
        """Nor do others wait for him: what an order will earn is an estimate."""
        self.program.cap_day = 30
        self.log_in()
        order = self.fill_cart()
        cards = self.registry['loyalty.card']
        with (
            patch.object(cards, '_is_in_test', lambda self: False),
            patch.object(cards, '_lock', side_effect=AssertionError),
        ):
            self.assertEqual(order._get_points_to_earn(order.coupon_point_ids.coupon_id), 30)

    def test_minimum_order(self):
        """Core offers rewards of programs for future orders whatever their program allows."""
        self.program.write({'applies_on': 'future', 'redeem_minimum_amount': 150})
        fixed = self.reward.copy({'discount_mode': 'per_order', 'discount': 10})
        self.log_in()
        order = self.fill_cart()
        self.assertIn("are for orders of at least", self.open_cart())
        self.assertNotIn('claim_reward', self.url_open('/shop/cart').text)
        self.redeem('100')
        token = Request.csrf_token(self)
        for reward in (self.reward, fixed):
            data = {'csrf_token': token, 'reward_id': reward.id, 'code': self.card.code}
            self.url_open('/shop/claimreward', data=data)
        self.env.invalidate_all()
        self.assertEqual(order.amount_total, 100)
        self.fill_cart()
        self.assertIn('claim_reward', self.url_open('/shop/cart').text)

    def test_visitor(self):
        """He learns what members earn, and has points from the moment he logs in."""
        self.authenticate(None, None)
        order = self.fill_cart()
        page = self.open_cart()
        self.assertIn("With this order members earn 100 Points", page)
        self.assertNotIn("Points to redeem", page)
        self.assertNotIn("500 Points", page)
        self.assertIn("login?redirect=%2Fshop%2Fcart", self.url_open("/shop/cart").text)
        answer = self.url_open(
            '/shop/points',
            data={
                'csrf_token': Request.csrf_token(self),
                'reward_id': self.reward.id,
                'points': '100',
            },
        )
        self.assertIn('/web/login', answer.url)
        self.assertFalse(order.order_line.reward_id)

    # ------------------------------------------------------------
    # WHAT IS DONE
    # ------------------------------------------------------------

    def test_redeem_as_many_as_he_likes(self):
        self.log_in()
        order = self.fill_cart()
        for points, total in (('100', 90), ('40', 96), ('0', 100), ('500', 50)):
            self.redeem(points)
            self.assertEqual(order.amount_total, total)
        self.fill_cart(2)
        self.assertEqual(order.amount_total, 250, "the number stays when the cart changes")
        self.assertEqual(self.card.points, 500)

    def test_numbers_that_are_none(self):
        self.log_in()
        order = self.fill_cart()
        self.redeem('100')
        refused = {
            'abc': "Give a number",
            '': "Give a number",
            'nan': "Give a number",
            '-20': "not negative",
            '30': "in steps of",
            '20.5': "in steps of",
            '520': "less than",
            '1e300': "too many points",
        }
        for points, message in refused.items():
            with self.subTest(points=points):
                self.assertIn(message, self.redeem(points))
                self.assertEqual(order.amount_total, 90, "what he chose before is kept")

    def test_rewards_of_others(self):
        """Only what the cart offers to him can be claimed, and only by its own form."""
        other = self.create_program("Others", ecommerce_ok=False)
        self.create_card(self.user.partner_id, points=500, program=other)
        self.create_card(points=500, program=other)
        self.log_in()
        order = self.fill_cart()
        for reward_id in (other.reward_ids.id, 0, 'x', 2**40):
            self.assertIn("not offered", self.redeem('100', reward_id=reward_id))
        self.redeem('100', csrf_token='wrong')
        self.assertEqual(order.amount_total, 100)

    def test_free_products(self):
        """Which of them, and how many; core takes as many as there are points."""
        tag = self.env['product.tag'].create({'name': "Gifts"})
        cup, plate = self.env['product.product'].create(
            [
                {'name': name, 'list_price': 5, 'taxes_id': False, 'product_tag_ids': tag.ids}
                for name in ("Cup", "Plate")
            ]
        )
        self.reward.write(
            {
                'reward_type': 'product',
                'reward_product_tag_id': tag.id,
                'required_points': 100,
            }
        )
        self.log_in()
        order = self.fill_cart()
        self.open_cart()
        self.redeem('200', product_id=plate.id)
        line = order.order_line.filtered('reward_id')
        self.assertEqual((line.product_id, line.product_uom_qty), (plate, 2))
        self.assertNotIn(cup, order.order_line.product_id)

    # ------------------------------------------------------------
    # WHAT HAPPENS MEANWHILE
    # ------------------------------------------------------------

    def test_paid_with_points_alone(self):
        """When they are gone the cart is shown, not an error."""
        self.earn(self.card, 500, Datetime.now())
        self.log_in()
        order = self.fill_cart()
        self.redeem('1000')
        self.assertEqual(order.amount_total, 0)
        self.spend_elsewhere()
        answer = self.url_open('/shop/payment/validate')
        self.assertEqual(answer.status_code, 200)
        self.assertTrue(answer.url.endswith('/shop/cart'))
        self.assertIn("used elsewhere", self.to_text(answer.text))
        self.env.invalidate_all()
        self.assertEqual((order.state, order.amount_total), ('draft', 100))

    def test_two_carts(self):
        """Of two carts with the same points the first to pay has them."""
        self.log_in()
        order = self.fill_cart()
        self.redeem('500')
        self.card._hold_points(500, 'till:1')
        self.assertIn("Club 0 Points", self.open_cart())
        self.env.invalidate_all()
        self.assertEqual(order.amount_total, 100)

    def test_abandoned_cart_holds_nothing(self):
        """Carts are computed again after some days; their points stay free."""
        self.program.hold_when = 'claimed'
        self.log_in()
        order = self.fill_cart()
        self.redeem('500')
        self.assertEqual(self.card.points_free, 0)
        order.applied_coupon_ids = [Command.link(self.card.id)]
        self.env.flush_all()
        with freeze_time(Datetime.now() + timedelta(days=6)):
            self.env.invalidate_all()
            self.assertEqual(self.card.points_free, 500)
            self.env['sale.order']._gc_abandoned_coupons()
            self.env.invalidate_all()
            self.assertEqual(self.card.points_free, 500)
