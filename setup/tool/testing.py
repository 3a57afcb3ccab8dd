"""``setup/dev test``: pytest on a clone of the template database."""

import xml.etree.ElementTree as ElementTree

from . import browser, core_tests, databases, python, workspace
from .paths import ROOT, RUN, addons
from .ui import say, step

REPORT = RUN / 'junit.xml'
LEFT_OUT = 3


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
    template = databases.suite_template(ready)
    with databases.temporary(ready, template, keep=options.keep) as database:
        if options.keep:
            step(f"database of this run: {database}")
        code = ready.call(*command(database, options.rest, slow=options.slow))
    return code or _judge(options.without_browser)


def command(database, words, *, slow=False, report=REPORT):
    """The words that start pytest on a database."""
    marks = [] if slow or '-m' in words else ['-m', 'not slow']
    paths = [] if _names_a_path(words) else [*addons(), 'tests']
    return [
        python.PYTHON, '-m', 'pytest', '--odoo-http', f'--odoo-database={database}',
        f'--junitxml={report}', *marks, *words, *paths,
    ]  # fmt: skip


def _names_a_path(words):
    return any((ROOT / word.split('::')[0]).exists() for word in words if not word.startswith('-'))


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


def _judge(accepted):
    """Say which tests a missing program left out; not a success unless accepted."""
    counts = left_out()
    for name, number in counts.items():
        program = next(p for p in browser.PROGRAMS if name.lower() in p.names)
        say(
            f"NOT RUN: {number} tests left out, because this machine has no {name} "
            f"(Debian: package {program.package})"
        )
    return LEFT_OUT if counts and not accepted else 0
