"""``setup/dev bench loyalty``: orders against core, the ledger of points against reference SQL."""

import json
import statistics

from . import bench_orders, databases
from .paths import RUN, SETUP
from .ui import SetupError, say, step

DATA = 'bench_loyalty_data'
WORK = 'bench_loyalty'


def run(ready, options):
    """Measure the parts asked for."""
    for part in options.parts:
        PARTS[part](ready, options)


def keep_books(ready, options):
    """Expire, release and reconcile points of many members, evaluate their tiers: the suite
    against one statement.
    """
    step(f"data of {options.members} members, ten movements each")
    databases.clone(ready, databases.suite_template(ready), DATA)
    _probe(ready, DATA, 'fill', members=options.members)
    try:
        # what only reads needs no database of its own
        _compare(ready, 'reconcile', options.rounds, fresh=False)
        _compare(ready, 'expiry', options.rounds, fresh=True)
        _compare(ready, 'release', options.rounds, fresh=True)
        _probe(ready, DATA, 'fill tiers')
        _compare(ready, 'tiers', options.rounds, fresh=True)
    finally:
        databases.drop(ready, DATA)


PARTS = {
    'orders': bench_orders.confirm,
    'clients': bench_orders.confirm_at_once,
    'ledger': keep_books,
}


def _compare(ready, what, rounds, fresh):
    """Let both sides take turns on the same data, and print what they cost."""
    samples = {'reference': [], 'reference again': [], 'suite': []}
    for turn in range(rounds):
        for name in list(samples)[turn % 3 :] + list(samples)[: turn % 3]:
            step(f"{what}, turn {turn + 1} of {rounds}: {name}")
            if fresh:
                databases.clone(ready, DATA, WORK)
            side = f'{what} {name.split()[0]}'
            samples[name].append(_probe(ready, WORK if fresh else DATA, side))
    if fresh:
        databases.drop(ready, WORK)
    report(what, samples)


def _probe(ready, database, side, **variables):
    target = RUN / 'bench.json'
    ready.script(
        database, SETUP / 'probes/bench_loyalty.py', what=side,
        side=side, target=target, root=SETUP, **variables,
    )  # fmt: skip
    return None if side.startswith('fill') else json.loads(target.read_text())


def report(what, samples):
    """Print the costs of the sides.

    :raise SetupError: they did not write and answer the same
    """
    turns = [turn for side in samples.values() for turn in side]
    if len({(turn['checksum'], str(turn['answer'])) for turn in turns}) > 1:
        raise SetupError(f"{what}: suite and reference differ", f"see setup/bench/ref/{what}.sql")
    first = turns[0]
    say(f"\n{what}: {first['rows']} rows after it, equal row by row")
    for side, costs in samples.items():
        median = {
            key: statistics.median(turn[key] for turn in costs)
            for key in ('python', 'database', 'wall', 'queries', 'memory')
        }
        say(
            f"  {side:<16}{median['python'] + median['database']:>8.2f} s CPU"
            f" ({median['python']:.2f} Python){median['wall']:>8.2f} s wall"
            f"{median['queries']:>7.0f} queries"
            f"{median['memory']:>6.0f} MB more"
        )
    say(f"  suite / reference: {ratio(samples, 'reference', 'suite')}")
    say(f"  noise:             {ratio(samples, 'reference', 'reference again')}")


def ratio(samples, below, above):
    """Median ratio of CPU times turn by turn, with its range."""
    ratios = sorted(
        (top['python'] + top['database']) / (bottom['python'] + bottom['database'])
        for bottom, top in zip(samples[below], samples[above], strict=True)
    )
    return f"{statistics.median(ratios):.2f} x ({ratios[0]:.2f}-{ratios[-1]:.2f})"
