"""Tills, quotations and web orders that want the last points of one card at once."""

import logging
import os
import pickle
import signal
import time
from datetime import timedelta

import pytest

from odoo.fields import Command, Datetime
from odoo.tests import tagged

from odoo.addons.crm_loyalty.tests.workers import WorkersCase

_logger = logging.getLogger(__name__)


@pytest.mark.slow
@tagged('post_install', '-at_install')
class TestHolds(WorkersCase):
    def setUp(self):
        super().setUp()
        [self.member] = self.create_members(1, points=500)
        [[self.card]] = self.query(
            'SELECT id FROM loyalty_card WHERE partner_id = %s AND program_id = %s',
            self.member,
            self.program_id,
        )

    def call(self, env, method, argument):
        """Do a task; those of this module are named here, the others are of orders."""
        task = getattr(self, f'do_{method}', None)
        if task:
            task(env, argument)
        else:
            super().call(env, method, argument)

    def do_hold(self, env, key):
        env['loyalty.card'].browse(self.card)._hold_points(90, key, minutes=60)

    def do_capture(self, env, key):
        env['loyalty.card']._capture_points(key)

    def do_pay(self, env, order_id):
        """Begin to pay as a web shop does: something is written before points are looked at."""
        order = env['sale.order'].browse(order_id)
        order.client_order_ref += ''
        order.write({'note': 'paying'})
        env.flush_all()
        env['payment.transaction'].create(
            {
                'provider_id': self.provider_id,
                'payment_method_id': env.ref('payment.payment_method_unknown').id,
                'amount': 1,
                'currency_id': order.currency_id.id,
                'partner_id': order.partner_id.id,
                'reference': f'holds-{order_id}-{time.monotonic_ns()}',
                'sale_order_ids': [Command.set([order_id])],
            }
        )

    def do_pay_and_confirm(self, env, order_id):
        env['sale.order'].browse(order_id).write({'note': 'paid'})
        env.flush_all()
        env['sale.order'].browse(order_id).action_confirm()

    def create_provider(self):
        with self.open_environment() as env:
            provider = env['payment.provider'].create({'name': "Holds", 'code': 'none'})
            self.provider_id = provider.id
        self.addCleanup(self.query, 'DELETE FROM payment_provider WHERE id = %s', self.provider_id)
        self.addCleanup(
            self.query,
            'DELETE FROM payment_transaction WHERE provider_id = %s',
            self.provider_id,
        )

    def get_sums(self):
        """Return what is held by now, and the balance."""
        [[held]] = self.query(
            "SELECT COALESCE(sum(qty), 0) FROM loyalty_hold"
            " WHERE card_id = %s AND state = 'held' AND expires_at > now() AT TIME ZONE 'UTC'",
            self.card,
        )
        with self.open_environment() as env:
            return float(held), env['loyalty.card'].browse(self.card).points

    def report(self, what, results):
        _logger.warning(
            "%s: %s done, worst %.0f ms, refused %s",
            what,
            len(results),
            max(row[0] for row in results) * 1000,
            sum(row[1] is not None for row in results),
        )

    # ------------------------------------------------------------

    def test_two_holds_of_the_last_points(self):
        """500 points, 40 tills want 90 each: five get them."""
        results = self.run_workers([('hold', f'till:{self.card}:{n}') for n in range(40)])
        self.report("holds, one card", results)
        assert len(results) == 40
        assert sum(error is None for _seconds, error in results) == 5
        assert self.get_sums() == (450, 500)

    def test_the_same_key_at_once(self):
        results = self.run_workers([('hold', f'till:{self.card}')] * 24)
        self.report("one key, 24 times", results)
        assert not [error for _seconds, error in results if error]
        assert self.get_sums() == (90, 500)

    def test_tills_quotations_and_web_orders(self):
        """Whoever is first: never more is held and redeemed than there is."""
        self.create_provider()
        orders = self.create_orders([self.member] * 16, amount=1, reward=True)
        tasks = [('hold', f'till:{self.card}:{n}') for n in range(8)]
        tasks += [('action_quotation_sent', order) for order in orders[:5]]
        tasks += [('pay', order) for order in orders[5:10]]
        tasks += [('pay_and_confirm', order) for order in orders[10:13]]
        tasks += [('action_confirm', order) for order in orders[13:]]
        tasks = [task for start in range(5) for task in tasks[start::5]]
        results = self.run_workers(tasks)
        self.report("tills, quotations, payments, confirmations", results)
        assert len(results) == len(tasks)
        given = sum(error is None for _seconds, error in results)
        held, points = self.get_sums()
        # an order gives a point itself: one more of them is enough for nobody
        assert given == 5, results
        confirmed = self.query(
            "SELECT count(*) FROM sale_order WHERE id IN %s AND state = 'sale'", tuple(orders)
        )[0][0]
        assert points >= held >= 0
        # draft orders that give a point need to hold only what they do not give
        assert 90 * given - 5 <= held + 90 * confirmed <= 90 * given
        self.check_books()

    def test_captured_twice_at_once(self):
        keys = [f'till:{self.card}:{n}' for n in range(5)]
        self.run_workers([('hold', key) for key in keys])
        results = self.run_workers([('capture', key) for key in keys * 6])
        self.report("captured, 6 times each", results)
        assert not [error for _seconds, error in results if error]
        assert self.get_sums() == (0, 50)

    def test_time_is_over(self):
        """A hold that timed out frees its points at once, also while the job runs."""
        self.run_workers([('hold', f'till:{self.card}:{n}') for n in range(5)])
        assert self.run_workers([('hold', f'late:{self.card}')])[0][1]
        self.query(
            "UPDATE loyalty_hold SET expires_at = %s WHERE card_id = %s",
            Datetime.now() - timedelta(seconds=1),
            self.card,
        )
        tasks = [('expire', None), ('expire', None)]
        tasks += [('hold', f'again:{self.card}:{n}') for n in range(8)]
        results = self.run_workers(tasks, workers=4)
        assert sum(error is None for _seconds, error in results) == 2 + 5, results
        assert self.get_sums() == (450, 500)

    def do_expire(self, env, _argument):
        env['loyalty.hold']._cron_expire()

    def test_killed_between_hold_and_capture(self):
        """What a killed till held is free when its time is over, and was never lost."""
        for round_ in range(4):
            keys = [f'till:{self.card}:{round_}:{n}' for n in range(4)]
            done = self.run_and_kill(keys)
            held, points = self.get_sums()
            captured = self.query(
                "SELECT count(*) FROM loyalty_hold WHERE state = 'captured' AND card_id = %s",
                self.card,
            )[0][0]
            burned = self.query(
                "SELECT count(*) FROM loyalty_history WHERE kind = 'burn' AND card_id = %s",
                self.card,
            )[0][0]
            _logger.warning("killed: %s tasks done, %s captured, %s held", done, captured, held)
            assert captured == burned
            assert points == 500 - 90 * captured
            assert points >= held
            self.query(
                "UPDATE loyalty_hold SET expires_at = '2000-01-01' WHERE card_id = %s",
                self.card,
            )
            assert self.get_sums()[0] == 0

    def run_and_kill(self, keys):
        """Hold and capture key by key in one process each, and kill them on their way."""
        pipes, pids = [], []
        for number, key in enumerate(keys):
            read, write = os.pipe()
            pids.append(self.start([('hold', key), ('capture', key)], write, number))
            os.close(write)
            pipes.append(read)
        done = 0
        for number, read in enumerate(pipes):
            with os.fdopen(read, 'rb') as pipe:
                try:
                    pickle.load(pipe)
                    done += 1
                    # now and then it got as far as its second task
                    time.sleep(0.02 * number)
                    os.kill(pids[number], signal.SIGKILL)
                    pickle.load(pipe)
                    done += 1
                except (EOFError, pickle.UnpicklingError):
                    pass
        for pid in pids:
            os.waitpid(pid, 0)
        return done
