"""``setup/dev bench``: CPU time of a job against its reference, in one run.

Wall-clock ratios say nothing on a shared machine, so every figure is CPU time: the
Odoo process plus its PostgreSQL backend.  Reference and candidate take turns, and the
reference also runs against itself, which shows how much of a ratio is noise.
"""

import json
import os
import platform
import statistics

from . import cdnow, databases, workspace
from .paths import RUN, SETUP
from .ui import SetupError, say, step

BENCHES = ('import',)
ROUNDS = 8
SLICE = 400


def add_options(parser):
    parser.add_argument('names', nargs='*', help=f"default: all ({', '.join(BENCHES)})")
    parser.add_argument('--rounds', type=int, default=ROUNDS, help="turns of each side")


def run(options):
    """Run the named benchmarks and print their tables."""
    unknown = set(options.names) - set(BENCHES)
    if unknown:
        raise SetupError(f"no benchmark {', '.join(unknown)}", f"there are: {', '.join(BENCHES)}")
    ready = workspace.ensure()
    say(f"{platform.machine()}, {os.cpu_count()} cores, PostgreSQL {ready.server.version}")
    for name in options.names or BENCHES:
        {'import': import_orders}[name](ready, options.rounds)


def import_orders(ready, rounds):
    """Historic orders through Odoo's import: with the suite installed against core alone."""
    folder = RUN / 'cdnow/bench'
    cdnow.prepare(cdnow.shift(cdnow.read('cdnow'), cdnow.last_sunday()), folder)
    sides = {
        'core': databases.core_template(ready),
        'core again': databases.core_template(ready),
        'suite': databases.suite_template(ready),
    }
    names = {side: f"bench_{side.replace(' ', '_')}" for side in sides}
    for side, template in sides.items():
        databases.clone(ready, template, names[side])
        _slice(ready, names[side], folder, 0, 0)
    samples = {side: [] for side in sides}
    for turn in range(rounds):
        step(f"import, turn {turn + 1} of {rounds}")
        # Another order each turn, so that nobody always runs first.
        for side in list(sides)[turn % 3 :] + list(sides)[: turn % 3]:
            samples[side].append(_slice(ready, names[side], folder, turn * SLICE, SLICE))
    for name in names.values():
        databases.drop(ready, name)
    _report("import of past orders", samples, 'core', 'core again', 'suite')


def _slice(ready, database, folder, start, number):
    target = RUN / 'bench.json'
    ready.script(
        database, SETUP / 'probes/bench_import.py', what="importing orders",
        folder=folder, start=start, number=number, target=target, root=SETUP,
    )  # fmt: skip
    return json.loads(target.read_text())


def _report(title, samples, reference, again, candidate):
    say(f"\n{title}: {len(samples[reference])} turns of {SLICE} orders")
    columns = ('orders/s', 'CPU ms', 'Python', 'database', 'queries', 'buffers')
    say(f"  {'':<12}" + "".join(f"{column:>9}" for column in columns))
    for side, turns in samples.items():
        median = {key: statistics.median(turn[key] for turn in turns) for key in turns[0]}
        cpu = median['python'] + median['database']
        say(
            f"  {side:<12}{SLICE / median['wall']:>9.0f}{1000 * cpu / SLICE:>9.2f}"
            f"{100 * median['python'] / cpu:>8.0f}%{100 * median['database'] / cpu:>8.0f}%"
            f"{median['queries'] / SLICE:>9.1f}{median['buffers'] / SLICE:>9.0f}"
        )
    say(f"  with the suite / core: {_ratio(samples, reference, candidate)}")
    say(f"  core / core (noise):   {_ratio(samples, reference, again)}")
    say("  CPU ms, queries and buffers are per order")


def _ratio(samples, below, above):
    """Median ratio of CPU times turn by turn, with its range."""
    ratios = sorted(
        (top['python'] + top['database']) / (bottom['python'] + bottom['database'])
        for bottom, top in zip(samples[below], samples[above], strict=True)
    )
    return f"{statistics.median(ratios):.2f} x ({ratios[0]:.2f}-{ratios[-1]:.2f})"
