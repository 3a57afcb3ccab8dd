"""``setup/dev bench``: CPU time of a job against its reference, in one run.

Wall-clock ratios say nothing on a shared machine, so every figure is CPU time: the
Odoo process plus its PostgreSQL backend.  Reference and candidate take turns, and the
reference also runs against itself, which shows how much of a ratio is noise.
"""

import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import time

from . import bench_aftersales, bench_loyalty, bench_orders, cdnow, databases, python, workspace
from .paths import ROOT, RUN, SETUP
from .ui import SetupError, say, step

BENCHES = ('import', 'mail', 'gate', 'loyalty', 'aftersales')
ROUNDS = 8
SLICE = 400
# 1.1 messages are due for each customer, and each got five before
GATE_CUSTOMERS = 910_000
GATE_DATA = 'bench_gate_data'
LOYALTY_MEMBERS = 100_000
AFTERSALES_REQUESTS = 1_000_000
SINK = ROOT / 'crm_customer/tests/smtp_sink.py'


def add_options(parser):
    parser.add_argument('names', nargs='*', help=f"default: all ({', '.join(BENCHES)})")
    parser.add_argument('--rounds', type=int, default=ROUNDS, help="turns of each side")
    parser.add_argument(
        '--customers', type=int, default=GATE_CUSTOMERS, help="customers of the gate's data"
    )
    parser.add_argument(
        '--members', type=int, default=LOYALTY_MEMBERS, help="members of the ledger's data"
    )
    parser.add_argument(
        '--parts', nargs='*', choices=bench_loyalty.PARTS, default=list(bench_loyalty.PARTS),
        help="of the benchmark loyalty; default: all",
    )  # fmt: skip
    parser.add_argument(
        '--pairs', type=int, default=bench_orders.PAIRS, help="orders, or requests, of each side"
    )
    parser.add_argument(
        '--orders', type=int, default=bench_orders.ORDERS, help="orders on one card in a turn"
    )
    parser.add_argument(
        '--requests', type=int, default=AFTERSALES_REQUESTS, help="requests of a large desk"
    )
    parser.add_argument('--without-helpdesk', action='store_true', help="leave OCA's helpdesk out")


def run(options):
    """Run the named benchmarks and print their tables."""
    unknown = set(options.names) - set(BENCHES)
    if unknown:
        raise SetupError(f"no benchmark {', '.join(unknown)}", f"there are: {', '.join(BENCHES)}")
    ready = workspace.ensure()
    say(f"{platform.machine()}, {os.cpu_count()} cores, PostgreSQL {ready.server.version}")
    for name in options.names or BENCHES:
        {
            'import': import_orders,
            'mail': send_mails,
            'gate': decide_messages,
            'loyalty': bench_loyalty.run,
            'aftersales': bench_aftersales.run,
        }[name](ready, options)


def import_orders(ready, options):
    """Historic orders through Odoo's import: with the suite installed against core alone."""
    rounds = options.rounds
    folder = RUN / 'cdnow/bench'
    cdnow.prepare(cdnow.shift(cdnow.read('cdnow'), cdnow.last_sunday()), folder)
    sides = {
        'core': databases.core_template(ready),
        'core again': databases.core_template(ready),
        'suite': databases.suite_template(ready),
    }
    samples = _take_turns(ready, sides, 'bench_import.py', rounds, folder=folder)
    _report("import of past orders", 'order', samples)
    say(f"  with the suite / core: {_ratio(samples, 'core', 'suite')}")
    say(f"  core / core (noise):   {_ratio(samples, 'core', 'core again')}")


def send_mails(ready, options):
    """A mailing from due to cleaned up: through the gate against core's mass mailing."""
    rounds = options.rounds
    sides = {
        'core': databases.core_template(ready),
        'core again': databases.core_template(ready),
        'suite': databases.suite_template(ready),
    }
    with _mail_server() as port:
        total = (rounds + 1) * SLICE
        samples = _take_turns(ready, sides, 'bench_mail.py', rounds, port=port, total=total)
    _report("mails of a mailing", 'mail', samples)
    say(f"  core / with the suite: {_ratio(samples, 'suite', 'core')}")
    say(f"  core / core (noise):   {_ratio(samples, 'core', 'core again')}")


@contextlib.contextmanager
def _mail_server():
    """A mail server that takes everything, as a process of its own."""
    with socket.socket() as free:
        free.bind(('localhost', 0))
        port = free.getsockname()[1]
    command = [str(python.PYTHON), str(SINK), str(port)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        time.sleep(1)
        yield port
    finally:
        server.communicate()


def _take_turns(ready, sides, probe, rounds, **variables):
    """Let each side do slice after slice on a database of its own; return what each cost.

    :param sides: template by side
    :param probe: file in ``setup/probes``; with no number it prepares
    """
    names = {side: f"bench_{side.replace(' ', '_')}" for side in sides}
    for side, template in sides.items():
        databases.clone(ready, template, names[side])
        _slice(ready, names[side], probe, 0, 0, **variables)
    samples = {side: [] for side in sides}
    for turn in range(rounds):
        step(f"{probe}, turn {turn + 1} of {rounds}")
        # Another order each turn, so that nobody always runs first.
        for side in list(sides)[turn % 3 :] + list(sides)[: turn % 3]:
            samples[side].append(
                _slice(ready, names[side], probe, turn * SLICE, SLICE, **variables)
            )
    for name in names.values():
        databases.drop(ready, name)
    return samples


def _slice(ready, database, probe, start, number, **variables):
    target = RUN / 'bench.json'
    ready.script(
        database, SETUP / 'probes' / probe, what=probe,
        start=start, number=number, target=target, root=SETUP, **variables,
    )  # fmt: skip
    return json.loads(target.read_text())


def _report(title, unit, samples):
    """Print what a side costs, one line each."""
    say(f"\n{title}: {len(samples['core'])} turns of {SLICE}")
    columns = (f'{unit}s/s', 'CPU ms', 'Python', 'database', 'queries', 'buffers')
    say(f"  {'':<12}" + "".join(f"{column:>9}" for column in columns))
    for side, turns in samples.items():
        median = {key: statistics.median(turn[key] for turn in turns) for key in turns[0]}
        cpu = median['python'] + median['database']
        say(
            f"  {side:<12}{SLICE / median['wall']:>9.0f}{1000 * cpu / SLICE:>9.2f}"
            f"{100 * median['python'] / cpu:>8.0f}%{100 * median['database'] / cpu:>8.0f}%"
            f"{median['queries'] / SLICE:>9.1f}{median['buffers'] / SLICE:>9.0f}"
        )
    say(f"  CPU ms, queries and buffers are per {unit}")


def _ratio(samples, below, above):
    """Median ratio of CPU times turn by turn, with its range."""
    ratios = sorted(
        (top['python'] + top['database']) / (bottom['python'] + bottom['database'])
        for bottom, top in zip(samples[below], samples[above], strict=True)
    )
    return f"{statistics.median(ratios):.2f} x ({ratios[0]:.2f}-{ratios[-1]:.2f})"


def decide_messages(ready, options):
    """A million due messages through the gate: its batches against one statement."""
    step(f"data of {options.customers} customers")
    databases.clone(ready, databases.suite_template(ready), GATE_DATA)
    _gate(ready, GATE_DATA, 'fill', customers=options.customers)
    samples = {'reference': [], 'reference again': [], 'gate': []}
    for turn in range(options.rounds):
        for name in list(samples)[turn % 3 :] + list(samples)[: turn % 3]:
            step(f"gate, turn {turn + 1} of {options.rounds}: {name}")
            databases.clone(ready, GATE_DATA, 'bench_gate')
            samples[name].append(_gate(ready, 'bench_gate', name.split()[0]))
    databases.drop(ready, 'bench_gate')
    databases.drop(ready, GATE_DATA)
    _report_gate(samples)


def _gate(ready, database, side, **variables):
    target = RUN / 'bench.json'
    ready.script(
        database, SETUP / 'probes/bench_gate.py', what=f"the gate's {side}",
        side=side, target=target, root=SETUP, **variables,
    )  # fmt: skip
    return json.loads(target.read_text()) if side != 'fill' else None


def _report_gate(samples):
    turns = [turn for side in samples.values() for turn in side]
    if len({turn['checksum'] for turn in turns}) > 1:
        raise SetupError("the gate and its reference do not decide the same", "see gate.sql")
    number = sum(turns[0]['outcomes'].values())
    say(f"\ngate: {number} messages due, {len(samples['gate'])} turns, equal row by row")
    for side, costs in samples.items():
        cpu = statistics.median(turn['python'] + turn['database'] for turn in costs)
        wall = statistics.median(turn['wall'] for turn in costs)
        queries = statistics.median(turn['queries'] for turn in costs)
        say(f"  {side:<16}{cpu:>8.1f} s CPU{wall:>8.1f} s wall{queries:>8.0f} queries")
    say(f"  gate / reference: {_ratio(samples, 'reference', 'gate')}")
    say(f"  noise:            {_ratio(samples, 'reference', 'reference again')}")
    for outcome, count in sorted(turns[0]['outcomes'].items()):
        say(f"    {outcome:<24}{count:>9}")
