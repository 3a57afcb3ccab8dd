from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from ..models.loyalty_card_ledger import Movement
from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestPayment(LoyaltyCommon):
    """Orders paid online: what the customer saw when he paid is what he pays and redeems."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reward.write({'discount_mode': 'per_point', 'discount': 0.1, 'required_points': 10})
        cls.card = cls.create_card(points=100)
        cls.salesperson = cls.env.ref('base.user_admin')
        cls.provider = cls.env['payment.provider'].create({'name': "Test", 'code': 'none'})
        # no journals, as these payments are looked at from the order's side
        cls.classPatch(
            cls.env.registry['payment.transaction'],
            '_create_payment',
            lambda transaction, **_values: transaction.env['account.payment'],
        )

    def claim(self, amount=100, points=None):
        order = self.create_order(amount, require_payment=True, user_id=self.salesperson.id)
        order._update_programs_and_rewards()
        self.assertFalse(order._apply_program_reward(self.reward, self.card, points=points))
        return order

    def pay(self, order):
        return self.env['payment.transaction'].create(
            {
                'provider_id': self.provider.id,
                'payment_method_id': self.env.ref('payment.payment_method_unknown').id,
                'reference': order.name,
                'amount': order.amount_total,
                'currency_id': order.currency_id.id,
                'partner_id': order.partner_id.id,
                'sale_order_ids': [Command.set(order.ids)],
            }
        )

    def process(self, payment):
        """Process a payment as the request after the provider's does."""
        self.env.invalidate_all()
        payment._post_process()

    def spend_elsewhere(self, order):
        """Let the hold of an order end, and somebody else spend all points."""
        self.env['loyalty.hold']._get_of_documents(order)[order.id]._release()
        self.env['loyalty.card']._post([Movement(self.card.id, -self.card.points, 'burn')])

    def test_paid_with_points_that_are_gone(self):
        """The provider is not refused, the order waits for the rest, and staff is told."""
        self.program.redeem_earned = False
        for state in ('pending', 'done'):
            with self.subTest(state=state):
                self.env['loyalty.card']._post([Movement(self.card.id, 100, 'grant')])
                order = self.claim(points=100)
                self.assertEqual(order.amount_total, 90)
                payment = self.pay(order)
                self.spend_elsewhere(order)
                getattr(payment, f'_set_{state}')()
                self.process(payment)
                self.assertTrue(payment.is_post_processed)
                self.assertIn(order.state, ('draft', 'sent'))
                self.assertEqual(order.amount_total, 100)
                self.assertEqual(self.card.points, 0)
                self.assertEqual(order.activity_ids.user_id, order.user_id)
                self.assert_balanced(self.card)

    def test_paid_after_the_card_was_closed(self):
        """What the provider says is noted, whatever became of card or points."""
        order = self.claim(points=100)
        payment = self.pay(order)
        payment._set_pending()
        self.env['loyalty.hold']._get_of_documents(order)[order.id]._release()
        self.card.active = False
        payment._set_done()
        self.assertEqual(payment.state, 'done')
        self.process(payment)
        self.assertTrue(payment.is_post_processed)
        self.assertEqual((order.state, order.amount_total), ('draft', 100))
        self.assertEqual(self.card.points, 100)
        self.assertEqual(order.activity_ids.user_id, order.user_id)

    def test_staff_is_told_of_orders_without_salesperson(self):
        """Those of web shops: the sales team's leader, else who answers for the points."""
        order = self.claim()
        order.write({'user_id': False, 'team_id': False})
        self.program.ledger_user_id = manager = new_test_user(
            self.env, 'points-manager', 'crm_loyalty.group_manager'
        )
        order._tell_rewards_dropped()
        self.assertEqual(order.activity_ids.user_id, manager)
        order.activity_ids.unlink()
        leader = new_test_user(self.env, 'team-leader', 'sales_team.group_sale_salesman')
        order.team_id = self.env['crm.team'].create({'name': "Web", 'user_id': leader.id})
        order.user_id = False
        order._tell_rewards_dropped()
        self.assertEqual(order.activity_ids.user_id, leader)

    def test_staff_of_other_companies_is_not_told(self):
        """Nor is who left; and whoever is told reads it in his language."""
        order = self.claim()
        self.env['res.lang']._activate_lang('zh_CN')
        managers = self.env['res.users'].union(
            *(
                new_test_user(
                    self.env,
                    name,
                    'crm_loyalty.group_manager',
                    company_id=company.id,
                    company_ids=[Command.set(company.ids)],
                    lang='zh_CN',
                )
                for name, company in (
                    ('manager-here', order.company_id),
                    ('manager-there', self.env['res.company'].create({'name': "Elsewhere"})),
                )
            )
        )
        left = new_test_user(self.env, 'left', 'sales_team.group_sale_salesman')
        leader = new_test_user(self.env, 'team-leader', 'sales_team.group_sale_salesman')
        team = self.env['crm.team'].create({'name': "Web", 'user_id': leader.id})
        order.write({'user_id': left.id, 'team_id': team.id})
        left.active = False
        order._tell_rewards_dropped()
        self.assertEqual(order.activity_ids.user_id, leader)
        order.activity_ids.unlink()
        order.write({'user_id': False, 'team_id': False})
        order._tell_rewards_dropped()
        self.assertIn(managers[0], order.activity_ids.user_id)
        self.assertNotIn(managers[1], order.activity_ids.user_id)
        self.assertNotIn(managers[1].partner_id, order.message_partner_ids)
        activity = order.activity_ids.filtered(lambda one: one.user_id == managers[0])
        self.assertNotIn("Points redeemed", activity.note)

    def test_nobody_is_left_to_be_told(self):
        """The note on the order stays; a payment is refused for nothing."""
        order = self.claim()
        order.write({'user_id': False, 'team_id': False})
        self.env['ir.model.data'].search(
            [('module', '=', 'base'), ('name', '=', 'user_admin')]
        ).unlink()
        programs, nobody = self.registry['loyalty.program'], self.env['res.users']
        with patch.object(programs, '_get_ledger_users', lambda _program: nobody):
            order._tell_rewards_dropped()
        self.assertIn("Points redeemed", order.message_ids[0].body)
        self.assertFalse(order.activity_ids)

    def test_imported_rewards_without_a_code(self):
        """Two of them are not one claim."""
        order = self.claim()
        line = order.order_line.filtered('points_cost')
        other = self.reward.copy()
        line.copy({'order_id': order.id, 'reward_id': other.id})
        order.order_line.filtered('points_cost').reward_identifier_code = False
        order._fix_claimed_points()
        chosen = {f'{reward.id}:{self.card.id}' for reward in self.reward | other}
        self.assertEqual(set(order.loyalty_chosen_points), chosen)

    def test_paid_late_while_the_points_are_there(self):
        order = self.claim()
        payment = self.pay(order)
        self.env['loyalty.hold']._get_of_documents(order)[order.id]._release()
        payment._set_done()
        self.process(payment)
        self.assertEqual((order.state, order.amount_total), ('sale', 80))
        self.assertFalse(order.activity_ids)

    def test_points_that_come_in_meanwhile_stay(self):
        """What is claimed without a number is what there was when the payment began."""
        self.program.redeem_earned = False
        order = self.claim(amount=200)
        payment = self.pay(order)
        self.env['loyalty.card']._post([Movement(self.card.id, 900, 'grant')])
        payment._set_done()
        self.process(payment)
        self.assertEqual((order.state, order.amount_total), ('sale', 190))
        self.assertEqual(self.card.points, 1100)

    def test_limits_changed_while_paying(self):
        order = self.claim(points=100)
        payment = self.pay(order)
        self.program.redeem_minimum_amount = 500
        payment._set_done()
        self.process(payment)
        self.assertEqual((order.state, order.amount_total), ('draft', 100))

    def test_payment_does_not_begin_without_the_points(self):
        order = self.claim(points=100)
        self.card._hold_points(100, 'till:1')
        self.program.redeem_earned = False
        with self.assertRaisesRegex(Exception, "less than"), self.env.cr.savepoint():
            self.pay(order)

    def test_number_of_a_card_as_a_code(self):
        """What a card holds is told to nobody who has its number only."""
        order = self.create_order(partner=self.partner)
        wrong = order._try_apply_code('0440000000000000000')
        other = order._try_apply_code(self.card.code)
        expected = wrong['error'].replace('0440000000000000000', self.card.code)
        self.assertEqual(other['error'], expected)
        self.assertTrue(other['not_found'])
        own = self.create_order()._try_apply_code(self.card.code)
        self.assertNotIn('not_found', own)
        self.assertIn("needs no code", own['error'])
