from unittest.mock import patch

from freezegun import freeze_time

from odoo.fields import Command, Datetime
from odoo.tests import tagged

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
        row = card.history_ids.filtered('order_id')
        # one row in core: what it redeemed must not count against what it earned
        self.assertEqual((row.kind, row.issued, row.used), ('earn', 500, 100))
        self.assertEqual(row.qty, 400)
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
        self.assertFalse(card.history_ids)
        self.assertEqual(card.qualifying_value, 0)
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
        self.assertEqual(card.history_ids[0].kind, 'unburn')
        self.assertEqual(card.history_ids[0].order_id, order.id)
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

        # a movement that says less than the balance leaves the rest
        card.points += 25
        self.env['loyalty.history'].create(
            {'card_id': card.id, 'description': "Sold", 'issued': 20, 'order_model': 'pos.order'}
        )
        self.env.cr.flush()
        self.assertEqual(self.rows(card)[-2:], [('earn', 20), ('adjust', 5)])
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

    def test_self_check_finds_two_cards(self):
        check = self.env['crm.selfcheck']
        card = self.create_card()
        self.create_card(self.partner)
        self.assertNotIn(self.member.name, check._check_loyalty_card()[1])
        before = check._check_loyalty_card()[2]
        self.create_card()
        ok, message, count = check._check_loyalty_card()
        self.assertFalse(ok)
        self.assertEqual(count, before + 1)
        self.assertIn(self.member.name, message)
        card.active = False
        self.assertEqual(check._check_loyalty_card()[2], before)

    def test_keyed_rows(self):
        card = self.create_card()
        vals = {'card_id': card.id, 'description': "x", 'issued': 5, 'key': 'test:1'}
        row = self.env['loyalty.history']._insert_keyed([vals])
        self.assertEqual((row.qty, row.kind), (5, 'adjust'))
        self.assertFalse(self.env['loyalty.history']._insert_keyed([vals]))
