"""``setup/dev bench aftersales``: what people wait for at a service desk, with a small and a large
history, and beside it OCA's helpdesk.
"""

import contextlib
import json
import statistics

from . import databases, python
from .bench_orders import bounded_ratio
from .paths import RUN, SETUP
from .shell import run as run_program
from .ui import say, step

SMALL = 10_000
PROBE = SETUP / 'probes/bench_desk.py'
#: for measuring only
HELPDESK = ('helpdesk_mgmt', 'helpdesk_mgmt_sla')
HELPDESK_RELEASE = '==19.0.*'


def run(ready, options):
    """Measure the suite, and OCA's helpdesk when it can be had."""
    sizes = {'small': SMALL, 'large': options.requests}
    _measure(ready, 'requests', databases.suite_template(ready), sizes, options)
    if not options.without_helpdesk:
        with _helpdesk(ready) as (beside, template):
            _measure(beside, 'tickets', template, sizes, options)


def _measure(ready, kind, template, sizes, options):
    """Fill a database of each size, let them take turns, and print what they cost."""
    names = {}
    try:
        for size, number in sizes.items():
            step(f"{number} {kind}, 5000 of them open")
            names[size] = f'bench_{kind}_{size}'
            databases.clone(ready, template, names[size])
            _probe(ready, names[size], side='fill', kind=kind, requests=number)
        step(f"{kind}: {options.pairs} of each kind by turns")
        variables = {'number': options.pairs, 'sides': json.dumps(names)}
        result = _probe(ready, names['small'], side='measure', kind=kind, **variables)
    finally:
        for name in names.values():
            databases.drop(ready, name)
    _report(kind, sizes, result)


def _probe(ready, database, **variables):
    target = RUN / 'bench.json'
    target.unlink(missing_ok=True)
    ready.script(database, PROBE, what=PROBE.name, target=target, root=SETUP, **variables)
    return json.loads(target.read_text()) if target.exists() else None


def _report(kind, sizes, result):
    for what, sides in result['works'].items():
        say(f"\n{kind}, {what}: {len(sides['small'])} of each side by turns")
        for side, costs in sides.items():
            median = {
                key: statistics.median(cost[key] for cost in costs)
                for key in ('python', 'database', 'wall', 'queries')
            }
            say(
                f"  {side:<12}{1000 * (median['python'] + median['database']):>8.1f} ms CPU"
                f" ({1000 * median['database']:.1f} database){median['queries']:>6.0f} queries"
                f"{1000 * median['wall']:>8.1f} ms wall"
            )
        ratio = bounded_ratio(sides['small'], sides['large'])
        say(f"  {sizes['large']} / {sizes['small']}: {ratio}")
        say(f"  noise:             {bounded_ratio(sides['small'], sides['small again'])}")
    for side, turns in result.get('due', {}).items():
        seconds = [turn['python'] + turn['database'] for turn in turns]
        walls = ", ".join(f"{turn['wall']:.1f}" for turn in turns)
        say(
            f"\n{side}: {turns[0]['number']} clocks due: {statistics.median(seconds):.1f} s CPU,"
            f" {walls} s wall, {turns[0]['queries']} queries"
        )


@contextlib.contextmanager
def _helpdesk(ready):
    """Install OCA's helpdesk beside Odoo, in a database of its own."""
    folder = RUN / 'helpdesk'
    if not folder.exists():
        step("fetching OCA's helpdesk from PyPI, for measuring only")
        wanted = [f'odoo-addon-{name}{HELPDESK_RELEASE}' for name in HELPDESK]
        words = [python.PYTHON, '-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder]
        run_program([*map(str, words), *wanted], what="fetching OCA's helpdesk")
    beside = ready.beside('helpdesk', folder / 'odoo/addons')
    name = 'bench_tickets'
    databases.clone(beside, databases.core_template(ready), name)
    step("installing " + ", ".join(HELPDESK))
    databases.install(beside, name, HELPDESK)
    try:
        yield beside, name
    finally:
        databases.drop(beside, name)
