"""All linters at zero findings: ours, OCA's, Odoo's own, translations, dependencies."""

import os
import re
import subprocess

from . import databases, dependencies, i18n, python, workspace
from .paths import ROOT, addons
from .ui import say, step

# Odoo's own rules that read Python, XML or the registry.  Left out: eslint
# (needs Node), the checks of the checkers themselves, TestPyLint, which reads all of
# Odoo (its checkers run on our addons alone), and TestConflictMarkers, which would
# read the virtual environment below the root (git looks for them instead).
ODOO_RULES = (
    'ManifestLinter',
    'OnchangeChecker',
    'RoutesLinter',
    'TestDocstring',
    'TestDunderinit',
    'TestI18n',
    'TestIndex',
    'TestJsTranslations',
    'TestLintOverrideSignatures',
    'TestNaming',
    'TestOnchangeDomains',
    'TestTestHoles',
    'PotLinter',
)
ODOO_MESSAGES = (
    'used-before-assignment', 'undefined-variable', 'eval-used', 'unreachable',
    'function-redefined', 'sql-injection', 'missing-gettext', 'gettext-variable',
    'gettext-placeholders', 'gettext-repr', 'raise-unlink-override',
)  # fmt: skip
ODOO_CHECKERS = (
    '_pylint_path_setup',
    'pylint.extensions.bad_builtin',
    '_odoo_checker_sql_injection',
    '_odoo_checker_gettext',
    '_odoo_checker_unlink_override',
)


def add_options(parser):
    parser.add_argument('--quick', action='store_true', help="only what needs no database")
    parser.add_argument('--fix', action='store_true', help="let ruff mend what it can first")


def run(options):
    """Run every linter and return how many of them found something (0 is success)."""
    ready = workspace.ensure(tools=True)
    if options.fix:
        _tool(ready, "ruff --fix", 'ruff', 'check', '--fix', '.')
        _tool(ready, "ruff format", 'ruff', 'format', '.')
    modules = addons()
    translations = [str(p.relative_to(ROOT)) for p in sorted(ROOT.glob('*/i18n/*.po'))]
    results = {
        'ruff': _tool(ready, "ruff", 'ruff', 'check', '.'),
        'format': _tool(ready, "ruff format", 'ruff', 'format', '--check', '.'),
        'pylint-odoo': _tool(ready, "pylint-odoo", 'pylint', '--rcfile=pyproject.toml', *modules),
        'odoo-pylint': _odoo_pylint(ready, modules),
        'oca-checks': _tool(ready, "oca-checks", 'oca-checks-odoo-module', *modules),
        'oca-po': _tool(ready, "oca-checks-po", 'oca-checks-po', *translations),
        'conflict markers': _conflict_markers(ready),
        'dependencies': dependencies.check(ready),
        'translations': i18n.check(ready),
    }
    if not options.quick:
        results['exported terms'] = i18n.check_export(ready)
        results['test_lint'] = _odoo_rules(ready)
    say()
    for name, findings in results.items():
        say(f"  {'ok  ' if not findings else 'FAIL'}  {name}")
    return sum(1 for findings in results.values() if findings)


def _tool(ready, title, program, *words):
    step(title)
    return ready.call(python.VENV / 'bin' / program, *words)


def _conflict_markers(ready):
    """Return 1 when a file holds what a merge left; git grep ends with 0 on a hit."""
    return ready.call('git', 'grep', '-nE', '^(<{7}|>{7}) ') == 0


def _odoo_pylint(ready, modules):
    """Run the pylint checkers that ship inside Odoo on our addons."""
    step("Odoo's pylint checkers")
    places = [str(folder / 'test_lint/tests') for folder in ready.odoo.addons]
    environment = {
        'PYTHONPATH': os.pathsep.join([*places, str(ready.odoo.path)]),
        'ADDONS_PATH': os.pathsep.join(str(path) for path in (*ready.odoo.addons, ROOT)),
    }
    return ready.call(
        python.VENV / 'bin/pylint', '--rcfile=/dev/null',
        '--disable=all,useless-option-value,unknown-option-value',
        '--enable=' + ','.join(ODOO_MESSAGES), '--load-plugins=' + ','.join(ODOO_CHECKERS),
        '--bad-functions=input', '--reports=n', *modules, env=environment,
    )  # fmt: skip


def _odoo_rules(ready):
    """Run Odoo's linters over every installed addon; return the number of failed tests."""
    step("Odoo's test_lint")
    tags = ",".join(f'/test_lint:{rule}' for rule in ODOO_RULES)
    with databases.temporary(ready, databases.suite_template(ready)) as database:
        databases.install(ready, database, ['test_lint'])
        log = _log_of(
            ready, 'server', '-d', database, '--test-tags', tags, '-u', 'test_lint',
            '--stop-after-init', '--no-http',
        )  # fmt: skip
    verdict = re.findall(r"(\d+) failed, (\d+) error\(s\) of (\d+) tests", log)
    if not verdict or verdict[-1][2] == '0':
        say(log[-3000:])
        say("test_lint ran no test")
        return 1
    failed, errors, number = map(int, verdict[-1])
    if failed or errors:
        say("\n".join(line for line in log.splitlines() if not re.search(r" INFO ", line)))
    say(f"test_lint: {number} tests, {failed} failed, {errors} errors")
    return failed + errors


def _log_of(ready, *words):
    """Run Odoo and return its log whatever the exit code."""
    done = subprocess.run(
        ready.command(*words), env={**os.environ, **ready.environment}, cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    return done.stdout
