# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Confirm quotations on several databases by turns, and write what each one cost.

Run in Odoo's shell of one of them.  One process has a registry for each, so that core and suite
are measured side by side, order by order, under the same load of the machine.
"""

import gc
import json
import os
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.environ['SUITE_ROOT'], 'probes'))

from bench_shop import UID, Shop, get_seconds

from odoo import api

NUMBER = int(os.environ['SUITE_NUMBER'])
#: what is confirmed: lines, and whether points are redeemed
KINDS = {'1 line': (1, False), '10 lines': (10, False), '50 lines': (50, False)}
KINDS['1 line and a reward'] = (1, True)
WARM = 6
#: so that PostgreSQL counts the buffers of all that was done
STATISTICS_DELAY = 11


class Side(Shop):
    """A shop whose confirmations are measured."""

    def confirm(self, order_id):
        with self.registry.cursor() as cr:
            order = api.Environment(cr, UID, {})['sale.order'].browse(order_id)
            order.with_context(**self.context).action_confirm()

    def measure(self, order_id):
        """Confirm one quotation, commit included; return what it cost."""
        thread = threading.current_thread()
        before = self.read_database_seconds()
        thread.query_count = 0
        wall, python = time.perf_counter(), time.process_time()
        self.confirm(order_id)
        python, wall = time.process_time() - python, time.perf_counter() - wall
        queries = thread.query_count
        after = self.read_database_seconds()
        database = sum(value - before.get(pid, 0) for pid, value in after.items())
        return {'python': python, 'database': database, 'wall': wall, 'queries': queries}

    def read_database_seconds(self):
        """CPU seconds of each PostgreSQL process that works for this database."""
        env.cr.execute(
            'SELECT pid FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()',
            [self.database],
        )
        pids = [pid for (pid,) in env.cr.fetchall()]
        env.cr.rollback()
        return {pid: get_seconds(pid) for pid in pids}

    def read_buffers(self):
        env.cr.execute(
            'SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = %s',
            [self.database],
        )
        [buffers] = env.cr.fetchone()
        env.cr.rollback()
        return buffers


def run(sides, lines, reward):
    """Let the sides confirm by turns; return the costs by side."""
    orders = {
        name: side.create_orders(NUMBER + WARM, lines, reward) for name, side in sides.items()
    }
    for name, side in sides.items():
        for order_id in orders[name][:WARM]:
            side.confirm(order_id)
    gc.collect()
    gc.freeze()
    time.sleep(STATISTICS_DELAY)
    before = {name: side.read_buffers() for name, side in sides.items()}
    costs = {name: [] for name in sides}
    names = list(sides)
    for turn in range(NUMBER):
        # another order each turn, so that nobody always runs first
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            costs[name].append(sides[name].measure(orders[name][WARM + turn]))
    time.sleep(STATISTICS_DELAY)
    return {
        name: {
            'costs': costs[name],
            'buffers': (side.read_buffers() - before[name]) / NUMBER,
        }
        for name, side in sides.items()
    }


sides = {name: Side(database) for name, database in json.loads(os.environ['SUITE_SIDES']).items()}
for side in sides.values():
    side.prepare()
result = {kind: run(sides, *what) for kind, what in KINDS.items()}
for side in sides.values():
    side.check()
Path(os.environ['SUITE_TARGET']).write_text(json.dumps(result))
