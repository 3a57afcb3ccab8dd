from datetime import timedelta
from decimal import Decimal
from functools import partial
from unittest.mock import patch

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.fields import Command, Date
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.crm_customer.privacy import Redactor
from odoo.addons.crm_customer.tests.common import TwoCursorsCase

from ..models.loyalty_card_ledger import Movement
from ..models.loyalty_card_lock import ANEW


@tagged('post_install', '-at_install')
class TestConcurrency(TwoCursorsCase):
    """Two workers at once, both having looked before either writes."""

    def setUp(self):
        super().setUp()
        env = self.env_1
        pricelist = env['product.pricelist'].create({'name': "Race"})
        self.program = env['loyalty.program'].create(
            {
                'name': "Race",
                'program_type': 'loyalty',
                'applies_on': 'both',
                'trigger': 'auto',
                'pricelist_ids': [Command.set(pricelist.ids)],  # no other order is concerned
                'rule_ids': [
                    Command.create({'reward_point_mode': 'money', 'reward_point_amount': 1})
                ],
                'reward_ids': [Command.create({'discount': 5, 'required_points': 100})],
                'tier_ids': [
                    Command.create({'name': "Basic", 'min_value': 0}),
                    Command.create({'name': "Silver", 'min_value': 50}),
                ],
            }
        )
        self.member = env['res.partner'].create({'name': "Race"})
        product = env['product.product'].create(
            {'name': "Race", 'taxes_id': False, 'type': 'service'}
        )
        self.order = env['sale.order'].create(
            {
                'partner_id': self.member.id,
                'state': 'sale',
                'pricelist_id': pricelist.id,
                'date_order': '2026-01-15 04:00:00',
                'order_line': [Command.create({'product_id': product.id, 'price_unit': 60})],
            }
        )
        line_product = self.program.reward_ids.discount_line_product_id
        env.cr.commit()
        for query, record in (
            ('DELETE FROM product_template WHERE id = %s', line_product.product_tmpl_id),
            ('DELETE FROM product_template WHERE id = %s', product.product_tmpl_id),
            ('DELETE FROM product_pricelist WHERE id = %s', pricelist),
            ('DELETE FROM res_partner WHERE id = %s', self.member),
            ('DELETE FROM loyalty_program WHERE id = %s', self.program),
            ('DELETE FROM loyalty_card WHERE program_id = %s', self.program),
            ('DELETE FROM sale_order WHERE id = %s', self.order),
        ):
            self.addCleanup(self.execute_committed, query, record.id)
        # first of all, or the deletions would wait for locks a test left
        self.addCleanup(self.env_1.cr.rollback)
        self.addCleanup(self.env_2.cr.rollback)

    def backfill(self, env):
        program = self.program.with_env(env)
        return env['loyalty.backfill.engine']._backfill_now(program, Date.to_date('2026-01-01'))

    def cards(self, env):
        return env['loyalty.card'].search([('program_id', '=', self.program.id)])

    def test_two_backfills(self):
        self.take_snapshots()
        self.assertEqual(self.backfill(self.env_1), 1)
        self.env_1.cr.commit()
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(psycopg2.errors.SerializationFailure),
        ):
            self.backfill(self.env_2)

        self.env_2.cr.rollback()  # as the job does before it tries again
        self.env_2.invalidate_all(flush=False)
        self.assertEqual(self.backfill(self.env_2), 0)
        self.env_2.cr.commit()
        self.take_snapshots()
        self.env_1.invalidate_all(flush=False)
        card = self.cards(self.env_1)
        self.assertEqual(len(card), 1)
        self.assertEqual(card.points, 60)
        self.assertEqual(len(card.history_ids), 1)

    def test_backfill_before_a_cancellation(self):
        self.check_order_and_cancellation(self.backfill, self.cancel)

    def test_backfill_after_a_cancellation(self):
        self.check_order_and_cancellation(self.cancel, self.backfill)

    def check_order_and_cancellation(self, first, second):
        """A cancelled order has no points, whichever of the two was first."""
        self.take_snapshots()
        first(self.env_1)
        self.env_1.cr.commit()
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(psycopg2.errors.SerializationFailure),
        ):
            second(self.env_2)
        self.env_2.cr.rollback()
        self.env_2.invalidate_all(flush=False)
        second(self.env_2)
        self.assertEqual(sum(self.cards(self.env_2).mapped('points')), 0)
        self.env_2.cr.commit()

    def cancel(self, env):
        self.order.with_env(env)._action_cancel()
        env.flush_all()

    def test_two_evaluations_of_one_card(self):
        with patch.object(self.registry['loyalty.card'], '_fold_after_hook'):
            self.backfill(self.env_1)
            self.env_1.cr.commit()
        self.take_snapshots()
        self.env_1.invalidate_all(flush=False)
        day = Date.to_date('2026-02-01')
        self.assertTrue(self.cards(self.env_1)._evaluate_tiers(day))
        self.env_1.cr.commit()
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(psycopg2.errors.SerializationFailure),
        ):
            self.cards(self.env_2)._evaluate_tiers(day)

        self.env_2.cr.rollback()
        self.env_2.invalidate_all(flush=False)
        card = self.cards(self.env_2)
        self.assertFalse(card._evaluate_tiers(day))
        self.assertEqual(card.tier_history_ids.mapped('new_tier_id.name'), ["Silver"])

    def test_backfill_beside_a_buying_member(self):
        """Points posted meanwhile are not lost, and nobody waits or is refused."""
        self.backfill(self.env_1)
        self.env_1.cr.commit()
        self.take_snapshots()
        self.env_1.invalidate_all(flush=False)
        card = self.cards(self.env_1)
        card.points += 5
        self.env_1.flush_all()
        other = self.cards(self.env_2)
        self.env_1.cr.commit()
        other.points += 7
        self.env_2.cr.commit()
        self.take_snapshots()
        self.env_2.invalidate_all(flush=False)
        card = self.cards(self.env_2)
        self.assertEqual(card.points, 72)
        self.assertEqual(sum(card.history_ids.mapped('qty')), 72)
        self.env_2.cr.execute('SELECT points FROM loyalty_card WHERE id = %s', [card.id])
        self.assertEqual(self.env_2.cr.fetchone(), (72,), "folded right after each commit")

    def test_expiry_beside_a_redeeming_member(self):
        """Points that somebody is about to redeem are not taken under his feet."""
        yesterday = Date.today() - timedelta(days=2)
        card = self.env_1['loyalty.card'].create(
            {'partner_id': self.member.id, 'program_id': self.program.id}
        )
        card._post([Movement(card.id, 100, 'grant', expire_on=yesterday)])
        with freeze_time(yesterday):
            card._hold_points(90, 'race:hold', minutes=7 * 24 * 60)
        self.env_1.cr.commit()

        card._lock_fresh()
        card._capture_points('race:hold')
        self.assertEqual(self.expire(card), [card.id], "somebody has the card")
        self.env_1.cr.commit()

        self.assertEqual(self.expire(card), [])
        self.assertEqual(self.expire(card), [])
        self.env_1.cr.rollback()
        self.env_1.invalidate_all(flush=False)
        rows = [(row.kind, row.qty, row.remaining) for row in card.history_ids.sorted('id')]
        self.assertEqual(rows, [('grant', 100, 0), ('expire', -10, 0), ('burn', -90, 0)])
        self.assertEqual(card.points, 0)

    def test_expiry_beside_an_earning_member(self):
        """Who earns neither waits nor is refused, before and after the job looked at his card."""
        yesterday = Date.today() - timedelta(days=2)
        card = self.env_1['loyalty.card'].create(
            {'partner_id': self.member.id, 'program_id': self.program.id}
        )
        card._post([Movement(card.id, 100, 'grant', expire_on=yesterday)])
        self.env_1.cr.commit()
        self.take_snapshots()
        card._post([Movement(card.id, 7, 'earn')])
        self.assertEqual(self.expire(card), [])
        card._post([Movement(card.id, 8, 'earn')])
        self.env_1.cr.commit()
        self.env_1.invalidate_all(flush=False)
        self.assertEqual(card.points, 15)
        self.env_1.cr.execute('SELECT points FROM loyalty_card WHERE id = %s', [card.id])
        self.assertEqual(self.env_1.cr.fetchone(), (15,))

    def expire(self, card):
        return self.env_2['loyalty.expiry']._do_chunk('_expire_cards', card.ids)

    # ------------------------------------------------------------
    # A SEAL AND AN ERASURE
    # ------------------------------------------------------------

    def seal(self, env):
        proof = self.program.with_env(env)._begin_proof()
        self.assertTrue(proof._seal_next(proof._get_last_number()))

    def erase(self, env):
        rows = self.cards(env).history_ids
        redactor = Redactor(env, ["Race"])
        rows._erase_names(redactor)

    def check_seal_and_erasure(self, first, second):
        """The seal is whole, whichever of the two was first."""
        card = self.env_1['loyalty.card'].create(
            {'partner_id': self.member.id, 'program_id': self.program.id}
        )
        card._post([Movement(card.id, 100, 'grant', origin="Race")])
        self.env_1.cr.commit()
        self.start_over()
        first(self.env_1)
        self.env_1.cr.commit()
        self.assert_second_is_refused(second)
        proof = self.program.with_env(self.env_1)._begin_proof()
        proof._verify_seals(0)
        self.assertEqual((proof.seal_count, proof.broken_count), (1, 0))
        self.assertNotEqual(card.history_ids.origin, "Race")

    def test_seal_before_an_erasure(self):
        self.check_seal_and_erasure(self.seal, self.erase)

    def test_seal_after_an_erasure(self):
        self.check_seal_and_erasure(self.erase, self.seal)

    # ------------------------------------------------------------
    # TWO EVENTS OF ONE ORDER
    # ------------------------------------------------------------

    def prepare_event(self, price):
        """Let the order earn its 60 points, then cost something else, as an event would do."""
        self.backfill(self.env_1)
        self.order._loyalty_true_up()
        self.env_1.cr.commit()
        self.execute_committed(
            'UPDATE sale_order_line SET price_unit = %s, price_total = %s, price_subtotal = %s'
            ' WHERE order_id = %s',
            *(price, price, price, self.order.id),
        )
        self.start_over()

    def start_over(self):
        """Begin two transactions that know nothing of each other."""
        self.take_snapshots()
        for env in (self.env_1, self.env_2):
            env.invalidate_all(flush=False)

    def true_up(self, env):
        self.order.with_env(env)._loyalty_true_up()
        env.flush_all()

    def assert_second_is_refused(self, function):
        """Check that the second connection fails, and do it again as Odoo does."""
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(psycopg2.errors.SerializationFailure),
        ):
            function(self.env_2)
        self.env_2.cr.rollback()
        self.env_2.invalidate_all(flush=False)
        function(self.env_2)
        self.env_2.cr.commit()
        self.start_over()

    def test_two_events_at_once_make_one_row(self):
        """Delivery and payment of one order at the same moment."""
        self.prepare_event(price=25)
        self.order._loyalty_true_up()
        self.env_1.cr.commit()
        self.assert_second_is_refused(self.true_up)
        rows = self.cards(self.env_1).history_ids.sorted('id')
        self.assertEqual(rows.mapped('qty'), [60, -35])

    def prepare_release(self):
        """Commit an order with 60 points, and 40 more to be released; return its card."""
        self.program.release_delay_days = 1
        self.prepare_event(price=100)
        self.order._loyalty_true_up()
        self.env_1.cr.commit()
        self.execute_committed(
            "UPDATE loyalty_pending SET release_at = '2026-01-01' WHERE order_id = %s",
            self.order.id,
        )
        self.start_over()
        card = self.cards(self.env_1)
        self.assertEqual(card.points_pending, 40)
        return card

    def test_release_by_two_workers(self):
        """The second leaves the card to the first, and then finds nothing to release."""
        card = self.prepare_release()
        first, second = (env['loyalty.pending'] for env in (self.env_1, self.env_2))
        self.assertEqual(first._lock_cards(card.ids, wait=False), card.ids)
        first._release_cards(card.ids)
        self.assertEqual(second._do_chunk('_release_cards', card.ids), card.ids)
        self.env_1.cr.commit()
        self.assertEqual(second._do_chunk('_release_cards', card.ids, wait=True), [])
        self.start_over()
        self.assertEqual(card.history_ids.sorted('id').mapped('qty'), [60, 40])
        self.assertEqual((card.points, card.points_pending), (100, 0))

    def test_release_beside_a_credit_note(self):
        """Points released and taken back at once: whoever is second sees the first."""
        self.prepare_release()
        self.execute_committed(
            'UPDATE sale_order_line SET price_total = 70 WHERE order_id = %s', self.order.id
        )
        self.start_over()
        self.env_1['loyalty.pending']._release_cards(self.cards(self.env_1).ids)
        self.env_1.cr.commit()
        self.assert_second_is_refused(self.true_up)
        card = self.cards(self.env_1)
        self.assertEqual((card.points, card.points_pending), (70, 0))
        self.assertEqual(card.history_ids.sorted('id').mapped('qty'), [60, 40, -30])

    def test_points_spent_before_a_savepoint_was_undone(self):
        """The second connection sees nothing of them; the transaction itself has to know."""
        card = self.env_1['loyalty.card'].create(
            {'partner_id': self.member.id, 'program_id': self.program.id, 'points': 100}
        )
        self.env_1.cr.commit()
        self.start_over()
        spend = partial(card._post, [Movement(card.id, Decimal(-60), 'burn')])
        spend()
        with self.assertRaises(ZeroDivisionError), self.env_1.cr.savepoint():
            raise ZeroDivisionError
        with self.assertRaises(ValidationError):
            spend()

    def test_limit_used_up_by_others_and_by_oneself(self):
        """A till sends two orders of a member that another one sold something meanwhile."""
        self.prepare_event(price=60)
        self.program.cap_day = 100
        orders = self.env_1['sale.order'].concat(*(self.order.copy() for _order in range(4)))
        for order, price in zip(orders, (30, 30, 90, 1), strict=True):
            order.order_line.price_unit = price
        # every program of the database has its card of the member by then
        orders[3].action_confirm()
        self.env_1.cr.commit()
        for order in orders:
            self.addCleanup(
                self.execute_committed, 'DELETE FROM sale_order WHERE id = %s', order.id
            )
        self.start_over()
        orders[0].with_env(self.env_2).action_confirm()
        self.env_2.cr.commit()
        for order in orders[1:3]:
            order.action_confirm()
        self.env_1.cr.commit()
        self.start_over()
        rows = self.cards(self.env_1).history_ids.sorted('id')
        self.assertEqual(rows.mapped('qty'), [60, 1, 30, 30, 39])

    def test_two_orders_share_a_limit(self):
        """The second looked when nothing was used up: for the lock of the card it looks again."""
        self.prepare_event(price=60)
        self.program.cap_day = 100
        orders = self.env_1['sale.order'].concat(*(self.order.copy() for _order in range(2)))
        orders.order_line.price_unit = 80
        self.env_1.cr.commit()
        for order in orders:
            self.addCleanup(
                self.execute_committed, 'DELETE FROM sale_order WHERE id = %s', order.id
            )
        self.start_over()
        orders[0].action_confirm()
        self.env_1.cr.commit()
        called = orders[1].with_env(self.env_2).with_context(loyalty_begin_anew=ANEW)
        called.action_confirm()
        self.env_2.cr.commit()
        self.start_over()
        rows = self.cards(self.env_1).history_ids.sorted('id')
        self.assertEqual(rows.mapped('qty'), [60, 80, 20])
