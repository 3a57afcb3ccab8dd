"""Everything that moves points, at once, on one card and on a hundred; killed at random."""

import logging
from itertools import chain, zip_longest

import pytest

from odoo.tests import tagged

from odoo.addons.crm_loyalty.tests.workers import REF, WorkersCase

_logger = logging.getLogger(__name__)


def report(what, results):
    seconds = sorted(row[0] for row in results)
    _logger.warning(
        "%s: %s done, middle %.0f ms, worst %.0f ms, refused %s",
        what,
        len(results),
        seconds[len(seconds) // 2] * 1000,
        seconds[-1] * 1000,
        sum(row[1] is not None for row in results),
    )


def mix(*lists):
    """Return what is in the lists, one of each in turn."""
    return [task for task in chain.from_iterable(zip_longest(*lists)) if task]


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestManyCards(WorkersCase):
    """8 workers confirm, redeem, cancel and expire at once."""

    def prepare_tasks(self, members):
        """Return tasks of all kinds, a few for each member of the list."""
        first = self.create_orders(members, amount=20)
        self.run_workers([('action_confirm', order) for order in first])
        self.create_awards(set(members))
        earn = self.create_orders(members)
        burn = self.create_orders(members, reward=True)
        return mix(
            [('_action_cancel', order) for order in first],
            [('action_confirm', order) for order in earn],
            [('action_confirm', order) for order in burn],
            [('expire', number % 2) for number in range(max(len(members) // 5, 8))],
        )

    def check_all(self):
        """Run the job once more: nothing is left that is over, and the books are right."""
        self.run_workers([('expire', 0), ('expire', 1)], workers=2)
        self.assertEqual(self.count_overdue(), 0)
        return self.check_books()

    def test_one_card(self):
        tasks = self.prepare_tasks(self.create_members(1, points=200) * 25)
        results = self.run_workers(tasks)
        report("confirm, redeem, cancel, expire on one card", results)
        self.assertEqual(len(results), len(tasks))
        self.check_all()

    def test_a_hundred_cards(self):
        tasks = self.prepare_tasks(self.create_members(100, points=300))
        results = self.run_workers(tasks)
        report("confirm, redeem, cancel, expire on 100 cards", results)
        self.assertEqual(len(results), len(tasks))
        self.assertFalse([row for row in results if row[1]], "each has the points")
        # 300 and 100 that are not over, 10 earned twice, 90 redeemed, the first order undone
        self.assertEqual(set(self.check_all().values()), {330.0})

    def test_killed_fifty_times(self):
        killed = 0
        for round_ in range(9):
            members = self.create_members(12, points=300)
            tasks = self.prepare_tasks(members)
            results = self.run_workers(tasks, kill=6, seed=round_ * 100)
            killed += 6
            _logger.warning("killed %s, %s of %s done", killed, len(results), len(tasks))
            self.check_all()


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestOneOrder(WorkersCase):
    """Goods of an order are delivered while its invoice is paid."""

    def setUp(self):
        super().setUp()
        # before the orders are deleted
        self.addCleanup(self.clean_up_invoices)

    def clean_up_invoices(self):
        with self.open_environment() as env:
            invoices = env['sale.order'].search([('client_order_ref', '=', REF)]).invoice_ids
            payments = invoices.matched_payment_ids
            payments.action_draft()
            payments.unlink()
            wizards = env['account.payment.register'].search([])
            wizards.filtered(lambda w: w.partner_id in invoices.partner_id).unlink()
            invoices.button_draft()
            invoices.with_context(force_delete=True).unlink()

    def call(self, env, method, record_id):
        task = getattr(self, f'do_{method}', None)
        if task:
            task(env['sale.order'].browse(record_id))
        else:
            super().call(env, method, record_id)

    def do_deliver(self, order):
        for line in order.order_line:
            line.qty_delivered = line.product_uom_qty

    def do_pay(self, order):
        context = {'active_model': 'account.move', 'active_ids': order.invoice_ids.ids}
        wizard = order.env['account.payment.register'].with_context(**context).create({})
        wizard.action_create_payments()

    def prepare_orders(self, event):
        self.query('UPDATE loyalty_program SET earn_on = %s WHERE id = %s', event, self.program_id)
        orders = self.create_orders(self.create_members(4) * 6)
        with self.open_environment() as env:
            records = env['sale.order'].browse(orders)
            records.order_line.qty_delivered_method = 'manual'
            records.action_confirm()
            for order in records:
                invoice = order._create_invoices()
                invoice.action_post()
        return orders

    def check_both_at_once(self, event):
        orders = self.prepare_orders(event)
        tasks = mix([('deliver', order) for order in orders], [('pay', order) for order in orders])
        results = self.run_workers(tasks)
        report(f"delivery and payment at once, points when {event}", results)
        self.assertEqual(len(results), len(tasks))
        self.assertFalse([row for row in results if row[1]])
        # six orders of 10 each, once
        self.assertEqual(set(self.check_books().values()), {60.0})

    def test_points_when_paid(self):
        self.check_both_at_once('paid')

    def test_points_when_delivered(self):
        self.check_both_at_once('delivered')
