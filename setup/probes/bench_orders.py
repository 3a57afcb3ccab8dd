"""Confirm quotations on several databases by turns, and write what each one cost.

Run in Odoo's shell of one of them.  One process has a registry for each, so that core and suite
are measured side by side, order by order, under the same load of the machine.
"""

import gc
import json
import os
import sys
import time
from functools import partial
from pathlib import Path

sys.path.insert(0, os.path.join(os.environ['SUITE_ROOT'], 'probes'))

from bench_shop import UID, Shop

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
            costs[name].append(
                sides[name].measure(partial(sides[name].confirm, orders[name][WARM + turn]))
            )
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
