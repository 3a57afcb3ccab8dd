from decimal import Decimal

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged

from odoo.addons.crm_loyalty.models.loyalty_card_ledger import Movement

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestRedeeming(LoyaltyCommon):
    """How many points, on which order, and for which share of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product.taxes_id = False
        cls.per_point = cls.create_program(
            "By the point",
            sequence=2,
            applies_on='future',
            rule_ids=[Command.create({'reward_point_mode': 'money', 'reward_point_amount': 1})],
            reward_ids=[
                Command.create(
                    {
                        'reward_type': 'discount',
                        'discount_mode': 'per_point',
                        'discount': 0.1,
                        'discount_applicability': 'order',
                        'required_points': 50,
                    }
                )
            ],
        )
        cls.by_point = cls.per_point.reward_ids
        cls.program.active = False
        cls.card = cls.create_card(points=520, program=cls.per_point)

    def start(self, amount=200, **values):
        order = self.create_order(amount, **values)
        order._update_programs_and_rewards()
        return order

    def get_line(self, order):
        return order.order_line.filtered('reward_id')

    # ------------------------------------------------------------
    # AS MANY AS THE CUSTOMER LIKES
    # ------------------------------------------------------------

    def test_all_without_a_choice(self):
        order = self.start()
        order._apply_program_reward(self.by_point, self.card)
        self.assertEqual((self.get_line(order).points_cost, order.amount_total), (500, 150))

    def test_chosen_points_stay_chosen(self):
        order = self.start()
        order._redeem_points(self.by_point, self.card, 150)
        line = self.get_line(order)
        self.assertEqual((line.points_cost, order.amount_total), (150, 185))
        order.order_line[0].price_unit = 400
        order._update_programs_and_rewards()
        self.assertEqual((self.get_line(order).points_cost, order.amount_total), (150, 385))
        order._redeem_points(self.by_point, self.card, 300)
        self.assertEqual((self.get_line(order).points_cost, order.amount_total), (300, 370))
        order.action_confirm()
        self.assertEqual(self.card.points, 520 - 300 + 400)
        self.assert_balanced(self.card)

    def test_cost_below_zero(self):
        """Points from nothing, on quotations and on orders that are confirmed."""
        order = self.start()
        values = {
            'product_id': self.by_point.discount_line_product_id.id,
            'reward_id': self.by_point.id,
            'coupon_id': self.card.id,
            'name': "Points",
            'points_cost': -1000,
            'price_unit': 0,
        }
        order.order_line = [Command.create(values)]
        self.assertEqual(order._get_usable_points(self.card), 520)
        order.action_confirm()
        self.env['sale.order.line'].create({**values, 'order_id': order.id})
        order.order_line.filtered('reward_id').write({'points_cost': -3000})
        self.assertEqual(self.card.points, 520 + 200)
        self.assert_balanced(self.card)

    def test_none_takes_the_reward_away(self):
        order = self.start()
        order._redeem_points(self.by_point, self.card, 150)
        order._redeem_points(self.by_point, self.card, 0)
        self.assertFalse(self.get_line(order))
        order._apply_program_reward(self.by_point, self.card)
        self.assertEqual(self.get_line(order).points_cost, 500, "an old choice is forgotten")

    def test_wrong_choices(self):
        order = self.start()
        for points in (-50, 25, 75, 550):
            with self.subTest(points), self.assertRaises(UserError), self.env.cr.savepoint():
                order._redeem_points(self.by_point, self.card, points)
        self.assertFalse(self.get_line(order))

    def test_wizard(self):
        order = self.start()
        action = order.action_open_reward_wizard()
        self.assertEqual(action['res_model'], 'sale.loyalty.reward.wizard', "there is a choice")
        Wizard = self.env['sale.loyalty.reward.wizard'].with_context(active_id=order.id)
        form = Form(Wizard)
        form.selected_reward_id = self.by_point
        self.assertEqual((form.points_to_redeem, form.points_max, form.points_step), (500, 500, 50))
        form.points_to_redeem = 100
        form.save().action_apply()
        self.assertEqual(self.get_line(order).points_cost, 100)

    def test_wizard_asks_at_once_and_again(self):
        """The only reward is chosen; opened again, the dialog changes the number."""
        order = self.start()
        wizard = self.env['sale.loyalty.reward.wizard'].with_context(active_id=order.id)
        for before, points in ((500, 100), (100, 300), (300, 0)):
            action = order.action_open_reward_wizard()
            self.assertEqual(action['res_model'], 'sale.loyalty.reward.wizard')
            form = Form(wizard)
            self.assertEqual(form.selected_reward_id, self.by_point)
            self.assertEqual((form.points_to_redeem, form.points_max), (before, 500))
            form.points_to_redeem = points
            form.save().action_apply()
            self.assertEqual(sum(self.get_line(order).mapped('points_cost')), points)

    def test_one_number_for_one_reward(self):
        gifts = self.env['product.product'].create(
            [{'name': name, 'list_price': 5} for name in ("Bag", "Cap")]
        )
        tag = self.env['product.tag'].create({'name': "Gifts", 'product_product_ids': gifts.ids})
        reward = self.env['loyalty.reward'].create(
            {
                'program_id': self.per_point.id,
                'reward_type': 'product',
                'reward_product_tag_id': tag.id,
                'required_points': 50,
            }
        )
        bag, cap = gifts
        order = self.start()
        for product, points in ((bag, 50), (cap, 150), (bag, 100)):
            order._apply_program_reward(reward, self.card, points=points, product=product)
            order._update_programs_and_rewards()
        lines = self.get_line(order)
        costs = {line.product_id: line.points_cost for line in lines}
        self.assertEqual((costs, len(lines)), ({bag: 150, cap: 150}, 2))

    def test_too_many_before_wrong_steps(self):
        order = self.start()
        with self.assertRaisesRegex(UserError, "520"):
            order._redeem_points(self.by_point, self.card, 99999)

    def test_wizard_offers_what_the_order_takes(self):
        """What is there may be worth more than the order; nobody redeems that much."""
        order = self.start(amount=20)
        wizard = self.env['sale.loyalty.reward.wizard'].with_context(active_id=order.id)
        form = Form(wizard)
        form.selected_reward_id = self.by_point
        self.assertEqual((form.points_to_redeem, form.points_max), (200, 200))
        form.save().action_apply()
        self.assertEqual(self.get_line(order).points_cost, 200)

    def test_wizard_of_fixed_rewards(self):
        self.program.active = True
        self.per_point.active = False
        card = self.create_card(points=250)
        order = self.start()
        self.assertIs(order.action_open_reward_wizard(), True)
        self.assertEqual(self.get_line(order).points_cost, 100)
        with self.assertRaises(UserError):
            order._redeem_points(self.reward, card, 200)

    def test_free_products(self):
        gift = self.env['product.product'].create({'name': "Gift", 'list_price': 5})
        reward = self.env['loyalty.reward'].create(
            {
                'program_id': self.per_point.id,
                'reward_type': 'product',
                'reward_product_id': gift.id,
                'required_points': 100,
            }
        )
        order = self.start()
        order._redeem_points(reward, self.card, 200)
        line = self.get_line(order)
        self.assertEqual((line.points_cost, line.product_uom_qty), (200, 2))

    # ------------------------------------------------------------
    # LIMITS
    # ------------------------------------------------------------

    def test_minimum_order(self):
        self.per_point.redeem_minimum_amount = 100
        order = self.start(99)
        self.assertFalse(order._get_claimable_rewards())
        with self.assertRaises(UserError), self.env.cr.savepoint():
            order._apply_program_reward(self.by_point, self.card)
        order.order_line.price_unit = 100
        self.assertEqual(order._get_claimable_rewards(), {self.card: self.by_point})
        order._redeem_points(self.by_point, self.card, 500)
        self.assertEqual(order.amount_total, 50, "before what points pay for")
        order.order_line[0].price_unit = 99
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            order.action_confirm()
        order._update_programs_and_rewards()
        self.assertFalse(self.get_line(order), "computed again, it is gone")
        order.action_confirm()

    def test_share_of_the_order(self):
        self.per_point.redeem_max_percent = 20
        order = self.start(100)
        order._apply_program_reward(self.by_point, self.card)
        self.assertEqual((self.get_line(order).points_cost, order.amount_total), (200, 80))
        order._update_programs_and_rewards()
        self.assertEqual((self.get_line(order).points_cost, order.amount_total), (200, 80))
        order.order_line[0].price_unit = 40
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            order.action_confirm()
        order._update_programs_and_rewards()
        self.assertEqual((self.get_line(order).points_cost, order.amount_total), (50, 35))
        order.action_confirm()
        self.assertEqual(self.card.points, 520 - 50 + 40)

    def test_share_with_points_worth_less_than_a_cent(self):
        self.per_point.redeem_max_percent = 20
        self.by_point.discount = 0.005
        order = self.start(10)
        order._apply_program_reward(self.by_point, self.card)
        self.assertEqual((self.get_line(order).points_cost, order.amount_total), (400, 8))

    def test_share_with_taxes(self):
        tax = self.env['account.tax'].create({'name': "13 %", 'amount': 13})
        self.per_point.redeem_max_percent = 10
        order = self.start(
            lines=[{'product_id': self.product.id, 'price_unit': 100, 'tax_ids': tax.ids}]
        )
        order._apply_program_reward(self.by_point, self.card)
        self.assertAlmostEqual(order.amount_total, 113 - 10)
        order.action_confirm()
        self.assertEqual(order.state, 'sale')

    def test_share_of_a_fixed_discount(self):
        self.by_point.write({'discount_mode': 'per_order', 'discount': 30})
        self.per_point.redeem_max_percent = 20
        order = self.start(100)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            order._apply_program_reward(self.by_point, self.card)
        order.order_line.price_unit = 150
        self.assertFalse(order._apply_program_reward(self.by_point, self.card))
        order.action_confirm()
        self.assertEqual(order.amount_total, 120)

    def test_too_small_for_one_step(self):
        self.per_point.redeem_max_percent = 20
        order = self.start(20)
        self.assertFalse(order._get_claimable_rewards())

    # ------------------------------------------------------------
    # POINTS OF THE SAME ORDER
    # ------------------------------------------------------------

    def open_club(self, points):
        self.program.active = True
        self.per_point.active = False
        return self.create_card(points=points)

    def test_v11_both(self):
        """Balance 40, the order earns 100, the reward costs 100."""
        card = self.open_club(40)
        order = self.start(110)
        self.assertEqual(order._get_claimable_rewards(), {card: self.reward})
        order._apply_program_reward(self.reward, card)
        order._update_programs_and_rewards()
        order.action_confirm()
        earned = order.coupon_point_ids.points
        self.assertEqual(card.points, 40 + earned - 100)
        order._action_cancel()
        self.assertEqual(card.points, 40)
        self.assert_balanced(card)

    def test_v11_future(self):
        card = self.open_club(40)
        self.program.applies_on = 'future'
        order = self.start(110)
        self.assertFalse(order._get_claimable_rewards())
        self.assertIn('error', order._apply_program_reward(self.reward, card))

    def test_v11_the_program_says_no(self):
        """As core's future orders, without its mail for each of them."""
        card = self.open_club(40)
        self.program.redeem_earned = False
        order = self.start(110)
        self.assertFalse(order._get_claimable_rewards())
        self.assertIn('error', order._apply_program_reward(self.reward, card))
        order.action_confirm()
        self.assertEqual(card.points, 150)

    def test_v11_the_program_says_no_after_it_was_claimed(self):
        card = self.open_club(40)
        order = self.start(110)
        order._apply_program_reward(self.reward, card)
        self.program.redeem_earned = False
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            order.action_confirm()

    def test_debt_redeems_nothing(self):
        card = self.open_club(0)
        card.points = -30
        order = self.start(1000)
        self.assertFalse(order._get_claimable_rewards())
        self.assertIn('error', order._apply_program_reward(self.reward, card))
        order.action_confirm()
        self.assertEqual(card.points, 970, "but it buys and earns")
        self.assert_balanced(card)

    def test_small_order_of_a_member_in_debt(self):
        """Core refuses to confirm it once its rewards were looked at."""
        card = self.open_club(0)
        card.points = -30
        order = self.start(10)
        order.action_confirm()
        self.assertEqual(card.points, -20)

    # ------------------------------------------------------------
    # REWARDS THAT ARE CREDITED
    # ------------------------------------------------------------

    def redeem_and_invoice(self, points=200):
        order = self.start()
        order._redeem_points(self.by_point, self.card, points)
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        self.assertEqual(self.card.points, 520 - points + 200)
        return order, invoice

    def test_credited_reward(self):
        """The whole invoice is credited, the credit note set to draft and deleted."""
        _order, invoice = self.redeem_and_invoice()
        credit = invoice._reverse_moves()
        credit.action_post()
        self.assertEqual(self.card.points, 520)
        row = self.card.history_ids.filtered(lambda row: row.kind == 'unburn')
        self.assertEqual(row.qty, 200)
        credit.button_draft()
        self.assertEqual(self.card.points, 520 - 200 + 200)
        burns = self.card.history_ids.filtered(lambda row: row.kind in ('burn', 'unburn'))
        self.assertEqual(sorted(burns.mapped('qty')), [-200, -200, 200])
        self.assert_balanced(self.card)

    def test_reward_credited_in_part(self):
        order, invoice = self.redeem_and_invoice()
        credit = invoice._reverse_moves()
        goods, reward = credit.invoice_line_ids.sorted('price_unit', reverse=True)
        goods.price_unit = 100
        reward.price_unit = -5
        credit.action_post()
        row = self.card.history_ids.filtered(lambda row: row.kind == 'unburn')
        self.assertEqual((row.qty, row.order_id), (50, order.id))
        self.assert_balanced(self.card)

    def test_credited_goods_keep_the_reward_redeemed(self):
        _order, invoice = self.redeem_and_invoice()
        credit = invoice._reverse_moves()
        credit.invoice_line_ids.filtered(lambda line: line.price_unit < 0).unlink()
        credit.action_post()
        self.assertFalse(self.card.history_ids.filtered(lambda row: row.kind == 'unburn'))

    def test_credited_and_invoiced_again(self):
        order, invoice = self.redeem_and_invoice()
        invoice._reverse_moves().action_post()
        again = order._create_invoices()
        again.action_post()
        burns = self.card.history_ids.filtered(lambda row: row.kind in ('burn', 'unburn'))
        self.assertEqual(sorted(burns.mapped('qty')), [-200, -200, 200])
        self.assert_balanced(self.card)

    def test_credited_reward_of_several_without_a_code(self):
        """Imported lines may have none: each goes by itself."""
        order = self.start()
        order._redeem_points(self.by_point, self.card, 200)
        other = self.create_card(self.create_partner("Other"), 300, self.per_point)
        line = order.order_line.filtered('points_cost')
        order.action_confirm()
        twin = line.copy({'order_id': order.id, 'coupon_id': other.id, 'points_cost': 200})
        (line | twin).reward_identifier_code = False
        order._loyalty_true_up()
        invoice = order._create_invoices()
        invoice.action_post()
        self.assertEqual(other.points, 100)
        credit = invoice._reverse_moves()
        credit.invoice_line_ids.filtered(
            lambda row: row.sale_line_ids != line and row.price_unit < 0
        ).unlink()
        credit.action_post()
        given_back = (self.card | other).history_ids.filtered(lambda row: row.kind == 'unburn')
        self.assertEqual((given_back.card_id, given_back.qty), (self.card, 200))

    def test_credited_free_products(self):
        gift = self.env['product.product'].create({'name': "Gift", 'list_price': 5})
        gift.invoice_policy = 'order'
        reward = self.env['loyalty.reward'].create(
            {
                'program_id': self.per_point.id,
                'reward_type': 'product',
                'reward_product_id': gift.id,
                'required_points': 100,
            }
        )
        order = self.start()
        order._redeem_points(reward, self.card, 200)
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.action_post()
        credit = invoice._reverse_moves()
        lines = credit.invoice_line_ids
        lines.filtered(lambda line: line.product_id == gift).quantity = 1
        lines.filtered(lambda line: line.product_id == self.product).unlink()
        credit.action_post()
        row = self.card.history_ids.filtered(lambda row: row.kind == 'unburn')
        self.assertEqual(row.qty, 100)

    def test_credit_note_taken_back_after_its_points_were_spent(self):
        """Accountants are not stopped; the balance falls below zero."""
        _order, invoice = self.redeem_and_invoice(500)
        credit = invoice._reverse_moves()
        credit.action_post()
        self.assertEqual(self.card.points, 520)
        other = self.start()
        other._redeem_points(self.by_point, self.card, 500)
        other.action_confirm()
        credit.button_draft()
        # each order takes 500 and gives 200
        self.assertEqual(self.card.points, 520 - 2 * 500 + 2 * 200)
        self.assert_balanced(self.card)

    def test_context_of_a_client_skips_no_check(self):
        card = self.create_card(points=10)
        burn = Movement(card.id, Decimal(-50), 'burn')
        orders = self.env['sale.order'].with_context(loyalty_by_invoice=True)
        self.assertFalse(orders._finish_movements([burn])[0].is_final)
