"""Translation files: exported from a database, complete in both Chinese scripts."""

import shutil

from . import databases, python, workspace
from .databases import LANGUAGES
from .paths import ROOT, RUN, SETUP, addons, bridges
from .shell import run as run_program
from .ui import SetupError, say, step
from .workspace import CONFIG


def add_options(parser):
    parser.add_argument('addons', nargs='*', help="default: all of ours")
    parser.add_argument('--check', action='store_true', help="only say what is missing")


def run(options):
    """Export terms and merge them into the translations; say what is untranslated."""
    ready = workspace.ensure(tools=True)
    if not options.check:
        _export(ready, options.addons or addons())
    return check(ready)


def check(ready):
    """Return the number of terms that a language lacks or that are only guessed."""
    step("translations")
    return _po_tool(ready, 'complete', *_files())


def check_export(ready):
    """Return 1 when the committed terms are not the ones of the code."""
    step("exported terms")
    before = RUN / 'i18n-committed'
    shutil.rmtree(before, ignore_errors=True)
    for path in ROOT.glob('*/i18n'):
        shutil.copytree(path, before / path.parent.name)
    try:
        _export(ready, addons())
        pairs = [
            f'{before / name / name}.pot={ROOT / name / "i18n" / name}.pot' for name in addons()
        ]
        return _po_tool(ready, 'same', *pairs)
    finally:
        for name in addons():
            if (before / name).exists():
                shutil.rmtree(ROOT / name / 'i18n', ignore_errors=True)
                shutil.copytree(before / name, ROOT / name / 'i18n')


def _files():
    return [
        str(ROOT / name / 'i18n' / f'{stem}.{suffix}')
        for name in addons()
        for stem, suffix in [(name, 'pot'), *((language, 'po') for language in LANGUAGES)]
    ]


def _export(ready, modules):
    """Write the terms of addons and carry them over into their translations.

    Only the .pot comes from Odoo: its export of a language opens the file before it reads
    the translations of the code from it, and so loses them.
    """
    apart = set(modules) & set(bridges())
    template = databases.bridge_template if apart else databases.suite_template
    with databases.temporary(ready, template(ready)) as database:
        for module in modules:
            (ROOT / module / 'i18n').mkdir(exist_ok=True)
        ready.odoo_run(
            'i18n', 'export', *modules, '-c', CONFIG, '-d', database, '-l', 'pot',
            what="exporting the terms",
        )  # fmt: skip
    _po_tool(ready, 'merge', *(ROOT / module / 'i18n' for module in modules))
    say(f"  exported {', '.join(modules)}")


def _po_tool(ready, action, *words):
    """Run the part that needs polib in the virtual environment."""
    try:
        said = run_program(
            [python.PYTHON, SETUP / 'probes/po.py', action, *words],
            what="checking translations",
            env=ready.environment,
        )
    except SetupError as error:
        say(str(error))
        return 1
    say(said.rstrip())
    return 0
