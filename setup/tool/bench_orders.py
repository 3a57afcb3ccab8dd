"""``setup/dev bench loyalty``: orders of members, one by one and many at once, against core."""

import json
import os
import statistics

from . import databases
from .paths import RUN, SETUP
from .ui import say, step

PAIRS = 100
CLIENTS = 8
ORDERS = 64
#: what is done on one card at once; see setup/probes/bench_hot.py
WAYS = {
    'confirm': "confirmed by the button",
    'create': "written and confirmed in one transaction, as at a till",
    'pay': "paid for in a web shop, the payment confirms",
}
WORST = 2


def confirm(ready, options):
    """Confirm the same quotations on core and with the suite, order by order."""
    sides = {
        'core': databases.core_template(ready),
        'core again': databases.core_template(ready),
        'suite': databases.suite_template(ready),
    }
    names = {side: f"bench_{side.replace(' ', '_')}" for side in sides}
    for side, template in sides.items():
        databases.clone(ready, template, names[side])
    step(f"confirming {options.pairs} orders of each kind on each side")
    kinds = _probe(
        ready, names['core'], 'bench_orders.py', number=options.pairs, sides=json.dumps(names)
    )
    for name in names.values():
        databases.drop(ready, name)
    for kind, costs in kinds.items():
        _report_orders(kind, costs)


def confirm_at_once(ready, options):
    """Let clients confirm orders of one member at once, core and suite by turns."""
    sides = {'core': databases.core_template(ready), 'suite': databases.suite_template(ready)}
    names = {side: f'bench_{side}' for side in sides}
    turns = {side: [] for side in sides}
    for side, template in sides.items():
        databases.clone(ready, template, names[side])
    variables = {'clients': CLIENTS, 'number': options.orders}
    for turn in range(options.rounds):
        for side, name in names.items():
            step(f"{CLIENTS} clients on one card, turn {turn + 1} of {options.rounds}: {side}")
            cost = _probe(ready, name, 'bench_hot.py', prepare='' if turn else 1, **variables)
            turns[side].append(cost)
    for name in names.values():
        databases.drop(ready, name)
    _report_clients(turns)


def _probe(ready, database, probe, **variables):
    target = RUN / 'bench.json'
    ready.script(
        database, SETUP / 'probes' / probe, what=probe, target=target, root=SETUP, **variables
    )
    return json.loads(target.read_text())


def _report_orders(kind, sides):
    number = len(sides['core']['costs'])
    say(f"\nan order of {kind} confirmed, {number} of each side by turns")
    columns = ('CPU ms', 'Python', 'database', 'queries', 'buffers', 'wall ms')
    say(f"  {'':<12}" + "".join(f"{column:>10}" for column in columns))
    for side, result in sides.items():
        median = {
            key: statistics.median(cost[key] for cost in result['costs'])
            for key in ('python', 'database', 'wall', 'queries')
        }
        say(
            f"  {side:<12}{1000 * (median['python'] + median['database']):>10.1f}"
            f"{1000 * median['python']:>10.1f}{1000 * median['database']:>10.1f}"
            f"{median['queries']:>10.0f}{result['buffers']:>10.0f}{1000 * median['wall']:>10.0f}"
        )
    core, again, suite = (sides[side]['costs'] for side in ('core', 'core again', 'suite'))
    say(f"  with the suite / core: {bounded_ratio(core, suite)}")
    say(f"  core / core (noise):   {bounded_ratio(core, again)}")


def bounded_ratio(below, above):
    """Median ratio of CPU times pair by pair, with its interval of 95 %."""
    ratios = sorted(
        (top['python'] + top['database']) / (bottom['python'] + bottom['database'])
        for bottom, top in zip(below, above, strict=True)
    )
    number = len(ratios)
    # ranks of the interval of a median, whatever the distribution
    rank = max(int(number / 2 - 0.98 * number**0.5), 0)
    low, high = ratios[rank], ratios[number - 1 - rank]
    return f"{statistics.median(ratios):.3f} x (95 %: {low:.3f}-{high:.3f})"


def _report_clients(turns):
    loads = ", ".join(f"{turn['load']:.1f}" for turn in turns['suite'])
    say(f"\n{CLIENTS} clients on one card, {os.cpu_count()} cores, load before {loads}")
    for way, text in WAYS.items():
        say(f"  {text}")
        rates = {side: [_get_rate(turn[way]) for turn in runs] for side, runs in turns.items()}
        for side, runs in turns.items():
            orders = [order for turn in runs for order in turn[way]['orders']]
            seconds = sorted(order['seconds'] for order in orders)
            refused = sum(order['error'] is not None for order in orders)
            over = sum(value > WORST for value in seconds)
            say(
                f"    {side:<8}{statistics.median(rates[side]):>7.1f} orders/s"
                f"{1000 * statistics.median(seconds):>8.0f} ms{1000 * seconds[-1]:>8.0f} at worst"
                f"{refused:>5} of {len(orders)} refused{over:>5} over {WORST} s"
            )
        ratios = sorted(ours / theirs for theirs, ours in zip(*rates.values(), strict=True))
        say(
            f"    suite / core: {statistics.median(ratios):.1f} x as many per second"
            f" ({ratios[0]:.1f}-{ratios[-1]:.1f})"
        )


def _get_rate(run):
    """Orders per second that were not refused."""
    return sum(order['error'] is None for order in run['orders']) / run['seconds']
