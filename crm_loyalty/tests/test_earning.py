from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import ValidationError
from odoo.fields import Command, Date, Datetime
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..earning import Flow, cut_points
from ..models.loyalty_card_ledger import Movement
from .common import LoyaltyCommon


class EarningCommon(LoyaltyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product.write({'taxes_id': False, 'invoice_policy': 'order'})

    def rows(self, card):
        return [(row.kind, row.qty) for row in card.history_ids.sorted('id')]

    def confirm(self, amount=100, **values):
        order = self.create_order(amount, **values)
        order.action_confirm()
        return order

    def invoice(self, order):
        invoice = order._create_invoices()
        invoice.action_post()
        return invoice

    def pay(self, invoice):
        wizard = self.env['account.payment.register'].with_context(
            active_model='account.move', active_ids=invoice.ids
        )
        return wizard.create({})._create_payments()

    def credit(self, invoice, quantity=None, price=None):
        credit = invoice._reverse_moves()
        line = credit.invoice_line_ids.filtered('sale_line_ids')
        if quantity is not None:
            line.quantity = quantity
        if price is not None:
            line.price_unit = price
        credit.action_post()
        return credit


@tagged('post_install', '-at_install')
class TestEarningRules(EarningCommon):
    """How much an order gives."""

    def taxed(self):
        tax = self.env['account.tax'].create(
            {'name': f"VAT {self.program.earn_base}", 'amount': 13}
        )
        return self.create_order(
            lines=[
                {
                    'product_id': self.product.id,
                    'price_unit': 99.99,
                    'tax_ids': [Command.set(tax.ids)],
                }
            ]
        )

    def test_v1_base_with_and_without_taxes(self):
        self.taxed().action_confirm()
        self.program.earn_base = 'excl'
        self.taxed().action_confirm()
        self.assertEqual(self.rows(self.get_card()), [('earn', 112.99), ('earn', 99.99)])

    def test_v2_cut_to_two_decimals(self):
        self.program.rule_ids.reward_point_amount = 0.5
        self.confirm(33.33)
        self.assertEqual(self.get_card().points, 16.66)
        self.assertEqual(cut_points(Decimal('16.665')), Decimal('16.66'))

    def test_v2_of_several_rules_once(self):
        """Core cuts each rule: 0.33 + 0.33."""
        self.program.rule_ids = [
            Command.clear(),
            *[
                Command.create({'reward_point_mode': 'money', 'reward_point_amount': 0.335})
                for _rule in range(2)
            ],
        ]
        self.confirm(1)
        self.assertEqual(self.get_card().points, 0.67)

    def test_v5_foreign_currency(self):
        """Core gives 15,000 points for 15,000 yen."""
        yen = self.env.ref('base.JPY')
        yen.active = True
        self.program.currency_id = self.env.company.currency_id
        self.assertNotEqual(self.program.currency_id, yen)
        yen.rate_ids.unlink()
        for day, rate in (('2026-03-01', 150), ('2026-03-20', 160)):
            self.env['res.currency.rate'].create(
                {
                    'currency_id': yen.id,
                    'name': day,
                    'rate': rate,
                    'company_id': self.env.company.id,
                }
            )
        pricelist = self.env['product.pricelist'].create({'name': "JP", 'currency_id': yen.id})
        with freeze_time('2026-03-05'):
            order = self.confirm(15000, pricelist_id=pricelist.id)
        card = self.get_card()
        self.assertEqual(card.points, 100)
        self.assertAlmostEqual(card.history_ids.rate, 1 / 150, 8)
        self.assertEqual(card.history_ids.base_amount, 15000)
        with freeze_time('2026-03-25'):
            self.credit(self.invoice(order))
        self.assertEqual(self.rows(card), [('earn', 100), ('unearn', -100)])

    def test_v16_multiplier_then_rounded(self):
        with patch.object(
            self.registry['loyalty.program'],
            '_get_earning_multiplier',
            lambda program, card: Decimal('1.5'),
        ):
            order = self.confirm(33.33)
        card = self.get_card()
        self.assertEqual(card.points, 49.99)
        self.assertEqual(card.history_ids.multiplier, 1.5)
        # what goes back goes back as it was given, though the multiplier is gone
        order.order_line.price_unit = 11.11
        self.assertEqual(card.points, 16.66)

    def test_multiplier_of_the_tier(self):
        self.silver.points_multiplier = 1.5
        self.basic.points_multiplier = 1.2
        # the first order is of somebody who is no member yet
        self.confirm(10)
        card = self.get_card()
        self.assertEqual(card.points, 12)
        card.sudo().tier_id = self.silver
        order = self.confirm(33.33)
        self.assertEqual(self.rows(card)[-1], ('earn', 49.99))
        self.assertEqual(card.history_ids[0].multiplier, 1.5)
        self.assertEqual(card.quote_earning(100)['points'], 150)
        # the order keeps what it was confirmed with
        self.silver.points_multiplier = 3
        card.sudo().tier_id = self.gold
        order.order_line.price_unit = 11.11
        self.assertEqual(card.points, 12 + 16.66)
        order._action_cancel()
        self.assertEqual(card.points, 12)
        self.assert_balanced(card)

    def test_multiplier_of_the_tier_in_the_statement(self):
        self.silver.points_multiplier = 1.5
        card = self.create_card()
        card.sudo().tier_id = self.silver
        self.confirm(10)
        [row] = card.get_statement()['movements']
        self.assertEqual((row['multiplier'], row['points']), (1.5, 15))
        page = card._get_statement_page()
        dialog = self.env['ir.qweb']._render('crm_loyalty.statement_dialog', page)
        self.assertIn("1.50", str(dialog))

    def test_multiplier_is_above_zero(self):
        for value in (0, -1, 1001):
            with (
                self.assertRaises(IntegrityError),
                mute_logger('odoo.sql_db'),
                self.env.cr.savepoint(),
            ):
                self.silver.points_multiplier = value
                self.env.flush_all()

    def test_v24_ten_times_a_tenth(self):
        """Core has 0.9999999999999999, and the reward is out of reach."""
        self.reward.required_points = 1
        self.program.rule_ids.reward_point_amount = 0.1
        for _order in range(10):
            self.confirm(1)
        card = self.get_card()
        self.assertEqual(card.points, 1.0)
        self.assertEqual(card.search([('id', '=', card.id), ('points', '>=', 1)]), card)
        order = self.create_order(50)
        order._update_programs_and_rewards()
        self.assertIn(self.reward, order._get_claimable_rewards()[card])

    def test_part_paid_by_points(self):
        card = self.create_card(points=150)
        self.program.earn_on_redeemed = False
        order = self.create_order(500)
        order._update_programs_and_rewards()
        order._apply_program_reward(self.reward, card)
        order.action_confirm()
        self.assertEqual(self.rows(card)[1:], [('earn', 490), ('burn', -100)])

    def test_who_earns(self):
        self.program.earn_partner_domain = "[('name', '=', 'Somebody else')]"
        card = self.create_card(points=1)
        self.confirm()
        self.assertEqual(card.points, 1)
        with self.assertRaises(ValidationError):
            self.program.earn_partner_domain = "[('no_such_field', '=', 1)]"

    def test_bonus(self):
        today = Date.today()
        other = self.env['product.product'].create({'name': "Other", 'taxes_id': False})
        self.program.bonus_ids = [
            Command.create(
                {
                    'name': "Double",
                    'date_from': today - timedelta(days=3),
                    'date_to': today + timedelta(days=3),
                    'multiplier': 2,
                    'extra_points': 7,
                    'product_domain': f"[('id', '=', {other.id})]",
                }
            ),
            Command.create(
                {
                    'name': "Over",
                    'date_from': today - timedelta(days=9),
                    'date_to': today - timedelta(days=5),
                    'multiplier': 5,
                }
            ),
        ]
        lines = [{'product_id': p.id, 'price_unit': 10} for p in (self.product, other)]
        order = self.confirm(lines=lines)
        card = self.get_card()
        self.assertEqual(card.points, 10 + 20 + 7)
        self.program.bonus_ids.unlink()
        order.order_line[1].product_uom_qty = 0
        self.assertEqual(card.points, 10, "the goods of the bonus take its points along")

    def test_v23_caps(self):
        self.program.cap_day = 200
        first, second = self.confirm(150), self.confirm(120)
        card = self.get_card()
        self.assertEqual(self.rows(card), [('earn', 150), ('earn', 50)])
        self.credit(self.invoice(first))
        second._loyalty_true_up()
        self.assertEqual(card.points, 50)
        with freeze_time(Datetime.now() + timedelta(days=1, hours=1)):
            self.confirm(30)
        self.assertEqual(card.points, 80)

    def test_cap_of_order_and_member(self):
        self.program.write({'cap_order': 60, 'cap_member': 100})
        order = self.confirm(100)
        card = self.get_card()
        self.assertEqual(card.points, 60)
        order.order_line.price_unit = 70
        self.assertEqual(card.points, 60, "points above the limit go first")
        order.order_line.price_unit = 20
        self.assertEqual(card.points, 20)
        order.order_line.price_unit = 100
        self.confirm(100)
        self.assertEqual(card.points, 100)

    def test_order_that_becomes_larger_keeps_the_limits(self):
        self.program.cap_day = 200
        first, second = self.confirm(30), self.confirm(150)
        card = self.get_card()
        first.order_line.price_unit = 150
        self.assertEqual(card.points, 200, "20 were left of the day")
        second.order_line.price_unit = 10
        first.order_line.price_unit = 200
        self.assertEqual(card.points, 60, "what goes back frees nothing for others")
        second.order_line.price_unit = 150
        self.assertEqual(card.points, 200)
        with freeze_time(Datetime.now() + timedelta(days=1, hours=1)):
            first.order_line.price_unit = 250
            self.assertEqual(card.points, 200, "the day of the order counts")
            self.confirm(30)
        self.assertEqual(card.points, 230)

    def test_limits_of_a_batch(self):
        self.program.cap_day = 200
        (self.create_order(150) | self.create_order(120)).action_confirm()
        self.assertEqual(self.get_card().points, 200)

    def test_flow(self):
        def flow(**values):
            return Flow(**{name: Decimal(value) for name, value in values.items()})

        # returned before it was invoiced: there will be no credit note
        back = flow(ordered=3, delivered=3, returned=1, invoiced=2, paid=2)
        for event in ('confirm', 'delivered', 'invoiced', 'paid'):
            self.assertEqual(back.get_counted(event), 2, event)
        both = flow(ordered=3, delivered=3, returned=1, invoiced=3, paid=3, credited=1)
        for event in ('confirm', 'delivered', 'invoiced', 'paid'):
            self.assertEqual(both.get_counted(event), 2, event)
        unpaid = flow(ordered=3, invoiced=3, credited=1)
        self.assertEqual(unpaid.get_counted('paid'), 0)
        # what was not delivered was credited
        short = flow(ordered=3, delivered=2, invoiced=3, paid=3, credited=1)
        for event in ('confirm', 'delivered', 'invoiced', 'paid'):
            self.assertEqual(short.get_counted(event), 2, event)


@tagged('post_install', '-at_install')
class TestEarningEvents(EarningCommon):
    """Every event brings the points of an order to what they should be, and only once."""

    def test_full_credit_note(self):
        """Core leaves the points."""
        order = self.confirm()
        self.credit(self.invoice(order))
        card = self.get_card()
        self.assertEqual(self.rows(card), [('earn', 100), ('unearn', -100)])
        self.assert_balanced(card)

    def test_invoiced_again_after_a_credit_note(self):
        """A wrong invoice that is replaced takes no points for good."""
        order = self.confirm()
        self.credit(self.invoice(order))
        self.invoice(order)
        card = self.get_card()
        self.assertEqual(self.rows(card), [('earn', 100), ('unearn', -100), ('earn', 100)])

    def test_edited_and_credited_is_once(self):
        lines = [{'product_id': self.product.id, 'product_uom_qty': 10, 'price_unit': 10}]
        order = self.confirm(lines=lines)
        invoice = self.invoice(order)
        order.order_line.write({'product_uom_qty': 6, 'price_unit': 10})
        self.credit(invoice, quantity=4)
        self.assertEqual(self.get_card().points, 60)

    def test_credit_note_for_an_invoice_never_paid(self):
        """It takes nothing from another invoice that is paid."""
        self.program.earn_on = 'paid'
        lines = [{'product_id': self.product.id, 'product_uom_qty': 10, 'price_unit': 10}]
        order = self.confirm(lines=lines)
        self.credit(self.invoice(order), quantity=4)
        second = self.invoice(order)
        self.pay(second)
        self.assertEqual(self.get_card().points, 40)

    def test_v12_points_per_order_go_in_proportion(self):
        self.program.rule_ids.write({'reward_point_mode': 'order', 'reward_point_amount': 50})
        order = self.confirm(
            lines=[{'product_id': self.product.id, 'product_uom_qty': 4, 'price_unit': 25}]
        )
        invoice = self.invoice(order)
        card = self.get_card()
        self.assertEqual(card.points, 50)
        self.credit(invoice, quantity=1)
        self.assertEqual(card.points, 37.5)
        self.credit(invoice, quantity=3)
        self.assertEqual(card.points, 0)
        self.assert_balanced(card)

    def test_v3_credited_one_by_one(self):
        self.program.rule_ids.write({'reward_point_mode': 'order', 'reward_point_amount': 100})
        order = self.confirm(
            lines=[{'product_id': self.product.id, 'product_uom_qty': 3, 'price_unit': 33.33}]
        )
        invoice = self.invoice(order)
        for _piece in range(3):
            self.credit(invoice, quantity=1)
        self.assertEqual(
            [row.qty for row in self.get_card().history_ids.sorted('id')],
            [100, -33.34, -33.33, -33.33],
        )

    def test_invoiced(self):
        self.program.earn_on = 'invoiced'
        order = self.confirm()
        card = self.get_card()
        self.assertEqual(card.points, 0)
        invoice = self.invoice(order)
        self.assertEqual(card.points, 100)
        invoice.button_draft()
        self.assertEqual(card.points, 0)
        invoice.action_post()
        self.assertEqual(card.points, 100)
        self.assert_balanced(card)

    def test_paid(self):
        self.program.earn_on = 'paid'
        order = self.confirm()
        card = self.get_card()
        invoice = self.invoice(order)
        self.assertEqual(card.points, 0)
        payment = self.pay(invoice)
        self.assertEqual(card.points, 100)
        payment.move_id.line_ids.remove_move_reconcile()
        self.assertEqual(card.points, 0, "the cheque bounced")
        self.assert_balanced(card)

    def test_paid_without_an_entry(self):
        self.program.earn_on = 'paid'
        card = self.create_card()
        invoice = self.invoice(self.confirm())
        payment = self.env['account.payment'].create(
            {'amount': 100, 'payment_type': 'inbound', 'partner_id': self.member.id}
        )
        payment.outstanding_account_id = False
        invoice.matched_payment_ids += payment
        payment.action_post()
        self.assertFalse(payment.move_id)
        self.assertEqual(card.points, 100)
        payment.action_draft()
        self.assertEqual(card.points, 0)

    def test_delivered_by_hand(self):
        self.program.earn_on = 'delivered'
        self.product.type = 'service'
        order = self.confirm(
            lines=[{'product_id': self.product.id, 'product_uom_qty': 4, 'price_unit': 25}]
        )
        order.order_line.qty_delivered = 1
        self.assertEqual(self.get_card().points, 25)

    def test_edit_of_a_confirmed_order(self):
        order = self.confirm()
        card = self.get_card()
        order.order_line.product_uom_qty = 2
        self.assertEqual(card.points, 200)
        order.write(
            {'order_line': [Command.create({'product_id': self.product.id, 'price_unit': 50})]}
        )
        self.assertEqual(card.points, 250)
        order.order_line[0].price_unit = 60
        self.assertEqual(card.points, 170)
        order._action_cancel()
        self.assertEqual(card.points, 0)
        self.assert_balanced(card)

    def test_settings_are_those_of_the_confirmation(self):
        order = self.confirm()
        self.program.write({'earn_on': 'paid', 'earn_base': 'excl', 'cap_order': 5})
        self.program.rule_ids.reward_point_amount = 3
        order.order_line.product_uom_qty = 2
        self.assertEqual(self.get_card().points, 200)

    def test_same_event_again(self):
        order = self.confirm()
        invoice = self.invoice(order)
        for _time in range(3):
            order._loyalty_true_up()
            invoice._loyalty_true_up()
        self.assertEqual(self.rows(self.get_card()), [('earn', 100)])

    def test_accountant(self):
        order = self.confirm()
        user = self.env['res.users'].create(
            {
                'name': "Accountant",
                'login': 'loyalty-accountant',
                'group_ids': [Command.set(self.env.ref('account.group_account_invoice').ids)],
            }
        )
        invoice = order._create_invoices()
        invoice.with_user(user).action_post()
        self.credit(invoice.with_user(user))
        self.assertEqual(self.get_card().points, 0)

    def test_order_of_before_with_one_row_for_both(self):
        """An invoice of an order that core had confirmed moves nothing."""
        order = self.create_past_order(100)
        card = self.create_card(points=20)
        order.write({'coupon_point_ids': [Command.create({'coupon_id': card.id, 'points': 100})]})
        self.env.cr.execute(
            "INSERT INTO loyalty_history (card_id, description, issued, used, qty, kind, date,"
            " order_model, order_id, remaining) VALUES (%s, 'x', 100, 30, 70, 'earn', now(),"
            " 'sale.order', %s, 0)",
            [card.id, order.id],
        )
        reward = order.order_line.filtered('points_cost')
        self.assertFalse(reward)
        self.program.earn_on = 'paid'
        order._loyalty_true_up()
        self.assertEqual([row for row in self.rows(card) if row[0] == 'unearn'], [])


@tagged('post_install', '-at_install')
class TestPending(EarningCommon):
    """Points held back as long as goods may come back."""

    def release(self):
        for shard in (0, 1):
            self.env['loyalty.pending']._cron_release(shard, 2)

    def test_v4_deferral(self):
        self.program.write({'earn_on': 'paid', 'release_delay_days': 14})
        with freeze_time('2026-03-01 12:00:00'):
            order = self.confirm()
            invoice = self.invoice(order)
            self.pay(invoice)
            card = self.get_card()
            self.assertEqual((card.points, card.points_pending), (0, 100))
            [pending] = card._get_pending_points()[card.id]
            self.assertEqual((pending.qty, pending.day), (100, Date.to_date('2026-03-15')))
        with freeze_time('2026-03-10 12:00:00'):
            self.credit(invoice, price=40)
            self.assertEqual((card.points, card.points_pending), (0, 60))
        with freeze_time('2026-03-14 12:00:00'):
            self.release()
            self.assertEqual(card.points, 0)
        with freeze_time('2026-03-15 12:00:00'):
            self.release()
            self.release()
        self.assertEqual((card.points, card.points_pending), (60, 0))
        row = card.history_ids
        self.assertEqual((row.kind, row.order_id), ('earn', order.id))
        self.assertEqual(row.date, Datetime.to_datetime('2026-03-15 12:00:00'))
        self.assertEqual((row.rate, row.multiplier), (1, 1))
        self.assertEqual(row.document_company_id, order.company_id)
        self.assert_balanced(card)
        self.credit(invoice, price=60)
        self.assertEqual(self.rows(card), [('earn', 60), ('unearn', -60)])

    def test_released_like_other_points(self):
        """A debt is paid first, and the last day counts from the release."""
        with freeze_time('2026-03-01 12:00:00'):
            self.program.write({'release_delay_days': 14, 'expire_after': 30})
            self.silver.min_value = 50
            self.confirm()
            card = self.get_card()
            owing = self.create_card(self.create_partner("Owing"))
            owing._post([Movement(owing.id, -30, 'unearn')])
            self.create_order(100, partner=owing.partner_id).action_confirm()
        with freeze_time('2026-03-15 12:00:00'):
            self.release()
        for one, left in ((card, 100), (owing, 70)):
            self.assertEqual(one.points, left)
            row = one.history_ids.filtered(lambda row: row.kind == 'earn')
            self.assertEqual((row.qty, row.remaining, row.unfolded), (100, left, False))
            self.assertEqual(row.expire_on, Date.to_date('2026-04-14'))
            self.assertTrue(row.origin)
            self.assertEqual(one.tier_id, self.silver)
            self.assert_balanced(one)

    def test_cancelled_while_pending(self):
        self.program.release_delay_days = 14
        order = self.confirm()
        card = self.get_card()
        self.assertEqual(card.points_pending, 100)
        order._action_cancel()
        self.assertEqual(card.points_pending, 0)
        self.assertFalse(card.history_ids)
        order.action_draft()
        order.action_confirm()
        order.order_line.product_uom_qty = 2
        self.assertEqual(card.points_pending, 200)

    def test_not_spent_on_the_same_order(self):
        card = self.create_card(points=40)
        order = self.create_order(100)
        order._update_programs_and_rewards()
        self.assertIn(self.reward, order._get_claimable_rewards().get(card, ()))
        self.program.release_delay_days = 14
        self.assertNotIn(self.reward, order._get_claimable_rewards().get(card, ()))

    def test_merged_contacts(self):
        self.program.release_delay_days = 14
        self.confirm()
        other = self.create_partner("王小明")
        card = self.create_card(other)
        wizard = self.env['base.partner.merge.automatic.wizard']
        wizard._merge([self.member.id, other.id], other)
        self.assertEqual(card.points_pending, 100)
