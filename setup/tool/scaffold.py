"""``setup/dev scaffold``: a new addon that extends ours."""

import shutil

from . import databases, python, testing, workspace
from .paths import ROOT, RUN
from .shell import run as run_program
from .ui import SetupError, say, step

TEMPLATE = ROOT / 'templates/extension'


def add_options(parser):
    parser.add_argument('name', nargs='?', default="Sample Extension", help="as people read it")
    parser.add_argument('--into', default='.', help="folder that receives the addon")
    parser.add_argument(
        '--check', action='store_true', help="try the template: install, lint and test its result"
    )


def run(options):
    """Write an addon from the template; with ``--check`` prove that it works.

    :return: number of failed checks
    """
    ready = workspace.ensure(tools=options.check)
    if not options.check:
        _scaffold(ready, options.name, options.into)
        say(f"wrote {options.into}/{_technical(options.name)}")
        return 0
    folder = RUN / 'scaffold'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _scaffold(ready, options.name, folder)
    return _check(ready, folder, _technical(options.name))


def _technical(name):
    return "_".join(name.lower().split())


def _scaffold(ready, name, folder):
    command = ready.command('scaffold', '-t', TEMPLATE, name, folder)
    run_program(command, what="writing the addon", env=ready.environment)


def _check(ready, folder, addon):
    bin_folder = python.VENV / 'bin'
    config = ROOT / 'pyproject.toml'
    path = folder / addon
    failures = []
    for name, words in (
        ('ruff', ['ruff', 'check', '--config', config, '--no-force-exclude', path]),
        ('pylint-odoo', ['pylint', f'--rcfile={config}', path]),
        ('oca-checks', ['oca-checks-odoo-module', path]),
    ):
        step(f"{name} on the scaffolded addon")
        if ready.call(bin_folder / words[0], *words[1:]):
            failures.append(name)
    addons_path = ",".join(str(p) for p in (*ready.odoo.addons, ROOT, folder))
    with databases.temporary(ready, databases.suite_template(ready)) as database:
        step("installing and testing it")
        ready.odoo_run(
            'server', '-d', database, '-i', addon, '--addons-path', addons_path, '--no-http',
            '--stop-after-init', what=f"installing {addon}",
        )  # fmt: skip
        report = RUN / 'scaffold.xml'
        words = ['-q', f'--odoo-addons-path={addons_path}', str(path)]
        if ready.call(*testing.command(database, words, report=report)):
            failures.append('pytest')
    if failures:
        raise SetupError(f"the scaffolded addon fails: {', '.join(failures)}")
    step("the scaffolded addon installs, is clean and passes its test")
    return 0
