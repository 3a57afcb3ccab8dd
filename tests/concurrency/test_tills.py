"""Tills that sell to the same members at once, each with what it knew when it began."""

import logging
from uuid import uuid4

import pytest

from odoo.fields import Command, Datetime
from odoo.tests import tagged

from odoo.addons.crm_loyalty.tests.workers import REF, WorkersCase

_logger = logging.getLogger(__name__)

#: as many as workers: a till sends its orders one after the other
TILLS = 8


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestTills(WorkersCase):
    def setUp(self):
        with self.open_environment() as env:
            is_installed = 'pos.order.loyalty.points' in env
        if not is_installed:
            self.skipTest("needs crm_loyalty_pos")
        super().setUp()
        with self.open_environment() as env:
            env = env(user=env.ref('base.user_admin'))
            journal = env['account.journal'].search(
                [('type', '=', 'bank'), ('company_id', '=', env.company.id)], limit=1
            )
            method = env['pos.payment.method'].create({'name': REF, 'journal_id': journal.id})
            tills = env['pos.config'].create(
                [
                    {
                        'name': REF,
                        'payment_method_ids': [Command.set(method.ids)],
                        'use_pricelist': True,
                        'available_pricelist_ids': [Command.set([self.pricelist_id])],
                        'pricelist_id': self.pricelist_id,
                    }
                    for _number in range(TILLS)
                ]
            )
            for till in tills:
                till.open_ui()
                till.current_session_id.set_opening_control(0, None)
            self.method_id = method.id
            self.till_ids = tills.ids
            self.session_ids = tills.current_session_id.ids
            program = env['loyalty.program'].browse(self.program_id)
            program.redeem_earned = False
            self.reward_id = program.reward_ids.id
            self.reward_product_id = program.reward_ids.discount_line_product_id.id

    def clean_up(self):
        orders = 'SELECT id FROM pos_order WHERE session_id IN %s'
        sessions = tuple(getattr(self, 'session_ids', ())) or (0,)
        self.query(f'DELETE FROM pos_payment WHERE pos_order_id IN ({orders})', sessions)
        self.query('UPDATE loyalty_card SET source_pos_order_id = NULL'
                   f' WHERE source_pos_order_id IN ({orders})', sessions)  # fmt: skip
        self.query('DELETE FROM pos_order WHERE session_id IN %s', sessions)
        self.query('DELETE FROM pos_session WHERE id IN %s', sessions)
        self.query('DELETE FROM pos_config WHERE name = %s', REF)
        self.query("DELETE FROM pos_payment_method WHERE name->>'en_US' = %s", REF)
        super().clean_up()

    def prepare_line(self, product_id, price, **values):
        return Command.create(
            {
                'uuid': str(uuid4()),
                'name': REF,
                'product_id': product_id,
                'qty': 1,
                'price_unit': price,
                'price_subtotal': price,
                'price_subtotal_incl': price,
                **values,
            }
        )

    def prepare_sale(self, number, partner_id, reward=False):
        """Return an order as a till sends it; workers take turns as the tills do."""
        lines = [self.prepare_line(self.product_id, 10)]
        if reward:
            [[card_id]] = self.query(
                'SELECT id FROM loyalty_card WHERE partner_id = %s AND program_id = %s',
                partner_id,
                self.program_id,
            )
            values = {'reward_id': self.reward_id, 'coupon_id': card_id, 'points_cost': 90}
            values |= {'is_reward_line': True, 'reward_identifier_code': str(uuid4())}
            lines.append(self.prepare_line(self.reward_product_id, -1, **values))
        total = sum(line[2]['price_unit'] for line in lines)
        now = Datetime.to_string(Datetime.now())
        payment = {'payment_method_id': self.method_id, 'amount': total, 'name': now}
        return {
            'uuid': str(uuid4()),
            'access_token': str(uuid4()),
            'pos_reference': f'{REF}-{number}',
            'tracking_number': '1',
            'sequence_number': number + 1,
            'state': 'paid',
            'date_order': now,
            'session_id': self.session_ids[number % TILLS],
            'partner_id': partner_id,
            'pricelist_id': self.pricelist_id,
            'lines': lines,
            'amount_total': total,
            'amount_tax': 0,
            'amount_paid': total,
            'amount_return': 0,
            'payment_ids': [Command.create(payment)],
            'last_order_preparation_change': '{}',
            'to_invoice': False,
        }

    def call(self, env, method, argument):
        if method != 'sell':
            super().call(env, method, argument)
            return
        # core changes what it is given; a request that is run again has it as it was
        sale = {**argument, 'lines': [(*line[:2], {**line[2]}) for line in argument['lines']]}
        env['pos.order'].with_user(env.ref('base.user_admin')).sync_from_ui([sale])

    def sell(self, sales):
        """Let eight processes send the orders; return what the tills were told."""
        results = self.run_workers([('sell', sale) for sale in sales])
        _logger.info(
            "%s till orders, slowest %.2f s", len(results), max(seconds for seconds, _e in results)
        )
        return [error for _seconds, error in results if error]

    def get_cards(self, env, partner_ids):
        return env['loyalty.card'].search(
            [('partner_id', 'in', partner_ids), ('program_id', '=', self.program_id)]
        )

    def check_books(self):
        with self.open_environment() as env:
            env['loyalty.card']._cron_fold()
        with self.open_environment() as env:
            for check in ('_check_loyalty_balance', '_check_loyalty_allocation'):
                ok, message, _count = getattr(env['crm.selfcheck'], check)()
                self.assertTrue(ok, message)

    def test_v10_tills_redeem_the_same_points(self):
        """All 40 are paid, so all are taken; whose points were missing is known to the point."""
        [member] = self.create_members(1, points=500)
        sales = [self.prepare_sale(number, member, reward=True) for number in range(40)]
        self.assertEqual(self.sell(sales), [])
        with self.open_environment() as env:
            orders = env['pos.order'].search([('session_id', 'in', self.session_ids)])
            self.assertEqual(len(orders), 40)
            card = self.get_cards(env, [member])
            self.assertEqual(card.points, 500 + 40 * 10 - 40 * 90)
            # 500, 420, 340, 260, 180, 100: six have them; the seventh finds 20, the others none
            self.assertEqual(sum(orders.mapped('loyalty_shortfall')), 70 + 33 * 90)
            short = orders.filtered(lambda order: order.loyalty_exception == 'shortfall')
            self.assertEqual(len(short), 34)
        self.check_books()

    def test_same_order_from_two_requests(self):
        """A till that had no answer sends again while the first is still under way."""
        [member] = self.create_members(1, points=0)
        sales = [self.prepare_sale(number, member) for number in range(10)]
        self.sell([sale for sale in sales for _time in range(4)])
        self.sell(sales)
        with self.open_environment() as env:
            card = self.get_cards(env, [member])
            self.assertEqual(card.history_ids.filtered('order_id').mapped('qty'), [10.0] * 10)
            self.assertEqual(card.points, 100)
        self.check_books()

    def test_first_orders_of_new_members(self):
        members = self.create_members(6, cards=False)
        sales = [self.prepare_sale(number, id_) for number in range(4) for id_ in members]
        self.assertEqual(self.sell(sales), [])
        with self.open_environment() as env:
            cards = self.get_cards(env, members)
            self.assertEqual(len(cards), 6)
            self.assertEqual(set(cards.mapped('points')), {40.0})
        self.check_books()
