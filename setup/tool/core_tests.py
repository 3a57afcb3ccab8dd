"""Core's own suites on fresh databases, without ours and with ours, compared test by test."""

import json
import xml.etree.ElementTree as ElementTree

from . import databases, testing
from .paths import RUN, SETUP
from .ui import say, step

ADDONS = ('loyalty', 'sale_loyalty', 'sale', 'crm', 'mass_mailing', 'rating', 'portal')
EXPECTED = SETUP / 'core-differences.json'


def run(ready, options):
    """Run the suites twice and print every test whose outcome differs.

    :return: 0 when only the differences stand that ``core-differences.json`` explains
    """
    chosen = options.rest or ADDONS
    # suites of addons we only build bridges to: those of ours come along by themselves
    more = [name for name in chosen if name not in ADDONS]
    without = _outcomes(ready, databases.core_template(ready), chosen, more, 'without')
    ours = _outcomes(ready, databases.suite_template(ready), chosen, more, 'with')
    expected = json.loads(EXPECTED.read_text()) if EXPECTED.exists() else {}
    different = {
        name: (without.get(name, 'absent'), ours.get(name, 'absent'))
        for name in sorted({*without, *ours})
        if without.get(name) != ours.get(name)
    }
    for side, outcomes in (("without ours", without), ("with ours", ours)):
        say(f"core suites {side}: {_count(outcomes)}")
    unexplained = {name: pair for name, pair in different.items() if name not in expected}
    for name, (before, after) in different.items():
        say(f"  {name}: {before} -> {after}  {expected.get(name, 'UNEXPLAINED')}")
    say(f"{len(different)} differences, {len(unexplained)} of them unexplained")
    return 1 if unexplained else 0


def _outcomes(ready, template, chosen, more, label):
    folders = [
        str(place / addon / 'tests')
        for addon in chosen
        for place in ready.odoo.addons
        if (place / addon / 'tests').is_dir()
    ]
    report = RUN / f'core-{label}.xml'
    step(f"core suites {label} the suite")
    with databases.temporary(ready, template) as database:
        if more:
            databases.install(ready, database, more)
        words = ['-q', '-p', 'no:warnings', '--no-header', '-c', '/dev/null', '--tb=no', *folders]
        ready.call(*testing.command(database, words, slow=True, report=report))
    return {
        f"{case.get('classname')}::{case.get('name')}": _outcome(case)
        for case in ElementTree.parse(report).iter('testcase')
    }


def _outcome(case):
    kinds = {child.tag for child in case}
    return next((kind for kind in ('failure', 'error', 'skipped') if kind in kinds), 'passed')


def _count(outcomes):
    kinds = ('passed', 'failure', 'error', 'skipped')
    values = list(outcomes.values())
    return ", ".join(f"{values.count(kind)} {kind}" for kind in kinds)
