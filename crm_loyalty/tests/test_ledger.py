from unittest.mock import patch

from freezegun import freeze_time

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Datetime
from odoo.tests import tagged

from ..models.loyalty_card_ledger import Movement
from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestLedger(LoyaltyCommon):
    """Every way core moves points leaves a row with quantity, kind and date."""

    def rows(self, card):
        return [(row.kind, row.qty) for row in card.history_ids.sorted('id')]

    def claim(self, order):
        """Redeem the reward on an order."""
        order._update_programs_and_rewards()
        order._apply_program_reward(self.reward, self.get_card(order.partner_id))

    def test_confirm(self):
        order = self.create_order(120.5)
        with freeze_time('2026-03-01 10:00:00'):
            order.action_confirm()
        card = self.get_card()
        self.assertEqual(self.rows(card), [('earn', 120.5)])
        self.assertEqual(card.history_ids.order_id, order.id)
        self.assertEqual(card.history_ids.date, Datetime.to_datetime('2026-03-01 10:00:00'))
        self.assertTrue(card.history_ids.posted_at)
        self.assert_balanced(card)

    def test_confirm_earning_and_redeeming(self):
        card = self.create_card(points=150)
        order = self.create_order(500)
        self.claim(order)
        order.action_confirm()
        # core has one row for both, and what is left of it
        self.assertEqual(self.rows(card), [('opening', 150), ('earn', 500), ('burn', -100)])
        self.assertEqual(order.loyalty_data['issued'], 500)
        self.assertEqual(order.loyalty_data['cost'], 100)
        self.assertEqual(card.qualifying_value, 500)
        self.assert_balanced(card)

    def test_redeem_only(self):
        self.program.rule_ids.minimum_amount = 1000
        card = self.create_card(points=150)
        order = self.create_order(500)
        self.claim(order)
        order.action_confirm()
        self.assertEqual(self.rows(card), [('opening', 150), ('burn', -100)])
        self.assert_balanced(card)

    def test_cancel(self):
        order = self.create_order(200)
        order.action_confirm()
        card = self.get_card()
        order._action_cancel()
        self.assertEqual(card.points, 0)
        self.assertEqual(self.rows(card), [('earn', 200), ('unearn', -200)])
        self.assertEqual(card.history_ids.mapped('remaining'), [0, 0])
        self.assertEqual(card.qualifying_value, 0, "as of the last evaluation")
        self.assert_balanced(card)

    def test_v9_confirm_cancel_draft_confirm(self):
        order = self.create_order(100)
        order.action_confirm()
        for _time in range(3):
            order._loyalty_true_up()
        card = self.get_card()
        self.assertEqual(self.rows(card), [('earn', 100)])
        order._action_cancel()
        order.action_draft()
        order.action_confirm()
        order._loyalty_true_up()
        self.assertEqual(self.rows(card), [('earn', 100), ('unearn', -100), ('earn', 100)])
        self.assert_balanced(card)

    def test_v10_batch_of_quotations(self):
        """Core confirms both, and the card has -80 points."""
        card = self.create_card(points=100)
        orders = self.create_order(10) | self.create_order(10)
        for order in orders:
            self.claim(order)
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            orders.action_confirm()
        self.assertEqual(set(orders.mapped('state')), {'draft'})
        self.assertEqual(card.points, 100)
        orders[0].action_confirm()
        self.assertEqual(card.points, 10)
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            orders[1].action_confirm()
        self.assert_balanced(card)

    def test_batch_without_rewards(self):
        orders = self.create_order(10) | self.create_order(20)
        orders.action_confirm()
        self.assertEqual(self.rows(self.get_card()), [('earn', 10), ('earn', 20)])

    def test_reward_wizard_on_a_confirmed_order_then_cancelled(self):
        """Core: 500 more on a confirmed order, the wizard opened, the order cancelled: -500."""
        order = self.create_order(100)
        order.action_confirm()
        order.order_line.price_unit = 600
        order._update_programs_and_rewards()
        card = self.get_card()
        self.assertEqual(self.rows(card), [('earn', 100), ('earn', 500)])
        order._action_cancel()
        self.assertEqual(card.points, 0)
        self.assert_balanced(card)

    def test_v7_given_back_to_the_same_awards(self):
        card = self.create_card(points=100)
        order = self.create_order(500)
        self.claim(order)
        order.action_confirm()
        opening = card.history_ids.filtered(lambda row: row.kind == 'opening')
        self.assertEqual(opening.remaining, 0)
        order._action_cancel()
        self.assertEqual(opening.remaining, 100)
        self.assertEqual(card.points, 100)
        self.assert_balanced(card)

    def test_v8_taken_back_after_it_was_spent(self):
        card = self.create_card()
        order = self.create_order(100)
        order.action_confirm()
        self.env['loyalty.card']._post([Movement(card.id, -90, 'burn')])
        order._action_cancel()
        self.assertEqual(card.points, -90)
        self.assertEqual(card.history_ids.filtered(lambda r: r.kind == 'unearn').remaining, -90)
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.env['loyalty.card']._post([Movement(card.id, -1, 'burn')])
        self.create_order(60).action_confirm()
        self.assertEqual(card.points, -30)
        self.create_order(60).action_confirm()
        self.assertEqual(card.points, 30)
        self.assertEqual(card.history_ids[0].remaining, 30)
        self.assert_balanced(card)

    def test_rows_stay_as_they_are(self):
        order = self.create_order(200)
        order.action_confirm()
        row = self.get_card().history_ids
        with self.assertRaises(UserError):
            row.description = "Something else"
        with self.assertRaises(UserError):
            row.with_user(self.env.ref('base.user_admin')).unlink()
        row.sudo().unlink()
        self.assertTrue(row.exists(), "as core does when its addons are uninstalled")

    def test_what_nothing_explains(self):
        """A row of other code that moves no points moves none."""
        card = self.create_card(points=10)
        row = self.env['loyalty.history'].create(
            {'card_id': card.id, 'description': "x", 'issued': 5}
        )
        self.assertEqual((row.issued, row.qty), (5, 0))
        self.assertEqual(card.points, 10)
        self.assert_balanced(card)

    def test_row_of_both_directions(self):
        card = self.create_card(points=100)
        self.env['loyalty.history'].create(
            {'card_id': card.id, 'description': "x", 'issued': 50, 'used': 80}
        )
        card.points -= 30
        self.assertEqual(sorted(self.rows(card)[1:]), [('adjust', 50), ('burn', -80)])
        self.assert_balanced(card)

    def test_reward_on_confirmed_order(self):
        card = self.create_card(points=150)
        order = self.create_order(500)
        order.action_confirm()
        self.claim(order)
        self.assertEqual(card.points, 550)
        self.assert_balanced(card)

        order.order_line.filtered('reward_id').points_cost = 80
        self.assertEqual(card.points, 570)
        self.assert_balanced(card)

        lines = order.order_line.filtered('reward_id')
        with patch.object(
            self.registry['sale.order.line'], '_check_line_unlink', lambda lines: lines.browse()
        ):
            lines.unlink()
        self.assertEqual(card.points, 650)
        self.assertEqual(card.history_ids.sorted('id')[-1].kind, 'unburn')
        self.assertEqual(card.history_ids.sorted('id')[-1].order_id, order.id)
        self.assert_balanced(card)

        order._action_cancel()
        self.assertEqual(card.points, 150)
        self.assert_balanced(card)

    def test_reward_on_order_without_row(self):
        card = self.create_card(points=150)
        order = self.create_past_order(500)
        order._apply_program_reward(self.reward, card)
        self.assertEqual(self.rows(card), [('opening', 150), ('burn', -100)])
        self.assert_balanced(card)

    def test_points_added_to_confirmed_order(self):
        order = self.create_past_order(500)
        card = self.create_card()
        order._add_points_for_coupon({card: 40})
        self.assertEqual(self.rows(card), [('earn', 40)])
        self.assertEqual(card.history_ids.order_id, order.id)
        self.assert_balanced(card)

    def test_update_balance_wizard(self):
        card = self.create_card(points=100)
        for balance in (130, 90):
            self.env['loyalty.card.update.balance'].create(
                {'card_id': card.id, 'new_balance': balance, 'description': "Counted again"}
            ).action_update_card_point()
        self.assertEqual(self.rows(card), [('opening', 100), ('adjust', 30), ('adjust', -40)])
        self.assert_balanced(card)

    def test_generate_wizard(self):
        cards = (
            self.env['loyalty.generate.wizard']
            .create(
                {
                    'program_id': self.program.id,
                    'mode': 'selected',
                    'customer_ids': [Command.set(self.member.ids)],
                    'points_granted': 25,
                }
            )
            .generate_coupons()
        )
        self.assertEqual(self.rows(cards), [('grant', 25)])
        self.assert_balanced(cards)

    def test_import(self):
        fields = ['id', 'partner_id/.id', 'program_id/.id', 'points', 'code']
        row = ['__import__.card', str(self.member.id), str(self.program.id), '75.5', 'C-1']
        result = self.env['loyalty.card'].load(fields, [row])
        self.assertFalse(result['messages'])
        card = self.get_card()
        self.assertEqual(self.rows(card), [('opening', 75.5)])
        row[3] = '60'
        self.env['loyalty.card'].load(fields, [row])
        self.assertEqual(self.rows(card), [('opening', 75.5), ('adjust', -15.5)])
        self.assert_balanced(card)

    def test_balance_first_and_row_after(self):
        """The point of sale changes the balance and enters the movement afterwards."""
        card = self.create_card(points=100)
        self.env.cr.flush()
        for amount, values in ((10, {'issued': 10}), (-30, {'used': 30})):
            card.points += amount
            self.env['loyalty.history'].create(
                {'card_id': card.id, 'description': "Sold", 'order_model': 'pos.order', **values}
            )
            self.env.cr.flush()
            self.assert_balanced(card)
        self.assertEqual(self.rows(card), [('opening', 100), ('earn', 10), ('burn', -30)])
        self.assertEqual(card.points, 80)

        # a row that says something else explains nothing
        card.points += 25
        self.env['loyalty.history'].create(
            {'card_id': card.id, 'description': "Sold", 'issued': 20, 'order_model': 'pos.order'}
        )
        self.env.cr.flush()
        self.assertEqual(self.rows(card)[-2:], [('adjust', 25), ('earn', 0)])
        self.assert_balanced(card)

    def test_row_first_and_balance_after(self):
        card = self.create_card(points=100)
        card.points += 1
        self.env['loyalty.history'].create(
            {'card_id': card.id, 'description': "Sold", 'issued': 20}
        )
        card.points += 20
        self.env.cr.flush()
        self.assertEqual(self.rows(card), [('opening', 100), ('adjust', 1), ('adjust', 20)])
        self.assert_balanced(card)

    def test_floats_become_points(self):
        card = self.create_card()
        for _i in range(10):
            card.points += 0.1
        self.assertEqual(card.points, 1.0)
        self.assert_balanced(card)

    def test_new_card_has_two_decimals(self):
        card = self.create_card(points=10.129)
        self.assertEqual(card.points, 10.13)
        self.assertEqual(self.rows(card), [('opening', 10.13)])
        self.assert_balanced(card)

    def test_order_and_unit_modes_are_cut_to_two_decimals(self):
        self.program.rule_ids.write({'reward_point_mode': 'unit', 'reward_point_amount': 0.333})
        order = self.create_order(
            lines=[{'product_id': self.product.id, 'product_uom_qty': 2, 'price_unit': 10}]
        )
        order.action_confirm()
        self.assertEqual(self.get_card().points, 0.66)
        self.assert_balanced(self.get_card())

    def test_unmanaged_program_is_left_to_core(self):
        program = self.create_program("Old", managed=False)
        card = self.create_card(points=10.005, program=program)
        card.points = 20.005
        self.assertEqual(card.points, 20.005)
        self.assertFalse(card.history_ids)

    def test_switch_on(self):
        program = self.create_program("Old", managed=False)
        card = self.create_card(points=10, program=program)
        archived = self.create_card(self.partner, points=5, program=program)
        archived.active = False
        program.action_manage_ledger()
        self.assertEqual(self.rows(card), [('opening', 10)])
        self.assertEqual(self.rows(archived), [('opening', 5)])
        program.managed = False
        program.managed = True
        self.assert_balanced(card, archived)
        self.assertEqual(len(card.history_ids), 1)

    def test_self_check_finds_drift(self):
        card = self.create_card(points=10)
        self.env.flush_all()
        self.env.cr.execute('UPDATE loyalty_card SET points = 11 WHERE id = %s', [card.id])
        ok, message, count = self.env['crm.selfcheck']._check_loyalty_balance()
        self.assertFalse(ok)
        self.assertEqual(count, 1)
        self.assertIn(card.code, message)

    def test_one_card_per_member(self):
        card = self.create_card()
        with self.assertRaisesRegex(ValidationError, card.code), self.env.cr.savepoint():
            self.create_card()
        card.active = False
        self.create_card()
        self.assertGreaterEqual(len(card.code), 19, "64 random bits")

    def test_second_cards_are_merged_when_the_ledger_begins(self):
        program = self.create_program("Old", managed=False)
        first, second = (self.create_card(points=n, program=program) for n in (10, 25.5))
        quotation = self.create_order(50)
        quotation.write(
            {'coupon_point_ids': [Command.create({'coupon_id': second.id, 'points': 5})]}
        )
        program.action_manage_ledger()
        self.assertEqual((first.points, first.active, second.active), (35.5, True, False))
        self.assertEqual(quotation.coupon_point_ids.coupon_id, first)
        self.assert_balanced(first, second)

    def test_keyed_rows(self):
        card = self.create_card()
        movement = Movement(card.id, 5, 'grant', key='test:1')
        self.assertTrue(card._post([movement]))
        self.assertFalse(card._post([movement]))
        self.assertEqual(card.points, 5)

    def test_points_not_folded_yet_are_read(self):
        card = self.create_card(points=10)
        with patch.object(self.registry['loyalty.card'], '_fold_later'):
            card._post([Movement(card.id, 5, 'grant')])
        self.env.flush_all()
        self.env.cr.execute('SELECT points FROM loyalty_card WHERE id = %s', [card.id])
        self.assertEqual(self.env.cr.fetchone(), (10,))
        self.assertEqual(card.points, 15)
        self.assertEqual(card.search([('points', '=', 15), ('id', '=', card.id)]), card)
        sums = card._read_group([('id', '=', card.id)], aggregates=['points:sum'])
        self.assertEqual(sums, [(15,)])
        card._cron_fold()
        self.env.cr.execute('SELECT points FROM loyalty_card WHERE id = %s', [card.id])
        self.assertEqual(self.env.cr.fetchone(), (15,))
        self.assert_balanced(card)
