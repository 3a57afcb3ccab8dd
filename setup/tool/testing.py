"""``setup/dev test``: pytest on a clone of the template database."""

import socket
import sys
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from . import browser, core_tests, databases, demo, python, workspace
from .paths import ROOT, RUN, bridges, suite_addons
from .ui import say, step

REPORT = RUN / 'junit.xml'
DATA_REPORT = RUN / 'junit-data.xml'
BRIDGE_REPORT = RUN / 'junit-bridges.xml'
# Tests on a database that holds a real purchase log; they have a run of their own.
DATA_TESTS = 'tests/data'
LEFT_OUT = 3
# One process of tests keeps about one processor busy.
AT_ONCE = 2


def add_options(parser):
    parser.add_argument('--slow', action='store_true', help="also tests marked slow")
    parser.add_argument(
        '--core', action='store_true', help="core's own suites, with and without ours"
    )
    parser.add_argument('--keep', action='store_true', help="keep the database of this run")
    parser.add_argument(
        '--without-browser', action='store_true',
        help="accept that browser and PDF tests are left out on this machine",
    )  # fmt: skip


def run(options):
    """Run the tests; no words mean everything of ours.

    :return: pytest's exit code; 3 when all passed but a program was missing for some
    """
    ready = workspace.ensure(tools=True)
    if options.core:
        return core_tests.run(ready, options)
    runs = _plan(ready, options.rest)
    with ThreadPoolExecutor(AT_ONCE - 1) as pool:  # the first runs here
        others = [pool.submit(_play, ready, options, run, aside=True) for run in runs[1:]]
        codes = [_play(ready, options, runs[0])]
        codes += [other.result() for other in others]
    reports = [run[-1] for run in runs]
    if len(reports) > 1:
        _sum_up(reports)
    return max(codes) or _judge(reports, options.without_browser)


def _play(ready, options, run, *, aside=False):
    """Run tests on a database of their own.

    :param aside: while others are shown: what is said is shown at the end
    """
    template, words, report = run
    with databases.temporary(ready, template, keep=options.keep) as database:
        if options.keep:
            step(f"database of this run: {database}")
        call = partial(ready.call, *command(database, words, slow=options.slow, report=report))
        if not aside:
            return call()
        log = report.with_suffix('.log')
        with open(log, 'w') as output:
            code = call(env=_own_ports(), output=output)
        sys.stdout.write(log.read_text())
        return code


def _own_ports():
    """Return settings of Odoo, so that two servers of tests do not meet."""
    with socket.socket() as one, socket.socket() as two:
        one.bind(('127.0.0.1', 0))
        two.bind(('127.0.0.1', 0))
        return {
            'ODOO_HTTP_PORT': str(one.getsockname()[1]),
            'ODOO_GEVENT_PORT': str(two.getsockname()[1]),
        }


def _plan(ready, words):
    """Return template, pytest words and report of each run asked for."""
    named = [word for word in words if _is_path(word)]
    on_data = [word for word in named if word.startswith(DATA_TESTS)]
    apart = [word for word in named if word.split('/')[0] in bridges()]
    paths = [word for word in named if word not in on_data and word not in apart]
    options = [word for word in words if word not in named]
    runs = []
    if not named or paths:
        paths = paths or [*suite_addons(), 'tests']
        template = databases.suite_template(ready)
        runs.append((template, [*options, f'--ignore={DATA_TESTS}', *paths], REPORT))
    if bridges() and (not named or apart):
        template = databases.bridge_template(ready)
        runs.append((template, [*options, *(apart or bridges())], BRIDGE_REPORT))
    if not named or on_data:
        template = demo.prepare(ready, 'cdnow')
        runs.append((template, [*options, *(on_data or [DATA_TESTS])], DATA_REPORT))
    return runs


def _is_path(word):
    return not word.startswith('-') and (ROOT / word.split('::')[0]).exists()


def command(database, words, *, slow=False, report=REPORT):
    """The words that start pytest on a database."""
    marks = [] if slow or '-m' in words else ['-m', 'not slow']
    return [
        python.PYTHON, '-m', 'pytest', '--odoo-http', f'--odoo-database={database}',
        f'--junitxml={report}', *marks, *words,
    ]  # fmt: skip


def left_out(report=REPORT):
    """Return how many tests were skipped for want of each program.

    :return: ``{reason: number of tests}``
    """
    counts = {}
    for skipped in ElementTree.parse(report).iter('skipped'):
        said = f"{skipped.get('message')} {skipped.text}"
        if 'Chrome' in said or 'chromium' in said.lower():
            counts['Chromium'] = counts.get('Chromium', 0) + 1
        elif 'wkhtmltopdf' in said.lower():
            counts['wkhtmltopdf'] = counts.get('wkhtmltopdf', 0) + 1
    return counts


def _sum_up(reports):
    """Print one closing line for all runs."""
    totals = {'tests': 0, 'failures': 0, 'errors': 0, 'skipped': 0}
    for report in reports:
        for suite in ElementTree.parse(report).iter('testsuite'):
            totals = {key: number + int(suite.get(key)) for key, number in totals.items()}
    failed = totals['failures'] + totals['errors']
    passed = totals['tests'] - failed - totals['skipped']
    say(f"{passed} passed, {failed} failed, {totals['skipped']} skipped")


def _judge(reports, accepted):
    """Say which tests a missing program left out; not a success unless accepted."""
    counts = {}
    for report in reports:
        for name, number in left_out(report).items():
            counts[name] = counts.get(name, 0) + number
    for name, number in counts.items():
        program = next(p for p in browser.PROGRAMS if name.lower() in p.names)
        say(
            f"NOT RUN: {number} test(s) left out, because this machine has no {name} "
            f"(Debian: package {program.package})"
        )
    return LEFT_OUT if counts and not accepted else 0
