"""Sub-commands of ``setup/dev``."""

import argparse
import sys

from . import (
    bench,
    databases,
    demo,
    doctor,
    i18n,
    lint,
    matrix,
    postgres,
    scaffold,
    screenshots,
    testing,
    upgrade,
    workspace,
)
from .paths import RUN, addons
from .shell import run
from .ui import SetupError, fail, say, step

LOCKS = (
    ('requirements-19.0.in', 'requirements-19.0.txt', ()),
    ('requirements-dev.in', 'requirements-dev.txt', ('-c', 'requirements-19.0.txt')),
)


def main(argv=None):
    """Run one sub-command and return its exit code."""
    options, rest = _parser().parse_known_args(argv)
    if rest and not options.takes_rest:
        _parser().error(f"unknown words: {' '.join(rest)}")
    options.rest = [word for word in rest if word != '--']
    try:
        return options.run(options) or 0
    except SetupError as error:
        fail(error)
        return 2
    except KeyboardInterrupt:
        say()
        return 130


def _parser():
    parser = argparse.ArgumentParser(
        prog='setup/dev',
        description="Install, run, test and measure the suite. Everything stays in .run/ "
        "and a download cache; the first run of a command prepares what it needs.",
        epilog="Variables: ODOO_HOME (an Odoo 19.0 checkout), PG_BIN (folder of PostgreSQL's "
        "programs), PGHOST (use that server), CRM_SUITE_CACHE (the download cache).",
    )
    commands = parser.add_subparsers(title="commands", metavar='COMMAND', required=True)

    def add(name, function, text, *, rest=False, **more):
        command = commands.add_parser(name, help=text, description=text, **more)
        command.set_defaults(run=function, takes_rest=rest)
        return command

    demo.add_options(add('demo', demo.run, "from nothing to a running Odoo with demo data"))
    testing.add_options(
        add(
            'test', testing.run, "from nothing to a test run; further words go to pytest", rest=True
        )
    )
    add('install', _install, "prepare everything and stop: Odoo, PostgreSQL, template database")
    serve = add('serve', demo.serve, "run Odoo on a database", rest=True)
    serve.add_argument('database', nargs='?', default='demo')
    serve.add_argument('--port', type=int, help="default: a free one")
    shell = add('shell', _shell, "Python with `env` of a database", rest=True)
    shell.add_argument('database', nargs='?', default='demo')
    db = add('db', _db, "new, drop, clone or list databases")
    db.add_argument('action', choices=['new', 'drop', 'clone', 'list'])
    db.add_argument('names', nargs='*', help="new NAME | drop NAME | clone SOURCE NAME")
    db.add_argument('--bare', action='store_true', help="new: only Odoo's base, no demo data")
    update = add('update', _update, "update addons in a database")
    update.add_argument('database', nargs='?', default='demo')
    update.add_argument('addons', nargs='*', help="default: all of ours")
    lint.add_options(add('lint', lint.run, "all linters, translations, dependencies"))
    matrix.add_options(
        add('matrix', matrix.run, "each application alone: install, menus, update twice, uninstall")
    )
    upgrade.add_options(
        add('upgrade', upgrade.run, "a database of an earlier commit, updated and self-checked")
    )
    bench.add_options(add('bench', bench.run, "measure: CPU-time ratios to a reference"))
    i18n.add_options(add('i18n', i18n.run, "export the translation files of our addons"))
    scaffold.add_options(add('scaffold', scaffold.run, "write a new addon that extends ours"))
    screenshots.add_options(
        add('screenshots', screenshots.run, "take the pictures of the documentation")
    )
    add('doctor', doctor.run, "say what was found: Odoo, Python, PostgreSQL, browser, fonts")
    add('stop', _stop, "stop the private PostgreSQL")
    add('lock', _lock, "pin the newest allowed Python packages (needs uv)")
    clean = add('clean', _clean, "stop PostgreSQL and remove what this checkout prepared")
    clean.add_argument('--data', action='store_true', help="only databases and files")
    return parser


def _install(_options):
    ready = workspace.ensure(tools=True)
    name = databases.suite_template(ready)
    step(f"ready: Odoo {ready.odoo.version}, PostgreSQL {ready.server.version}, template {name}")


def _shell(options):
    ready = workspace.ensure()
    return ready.call(*ready.command('shell', '-d', options.database, '--no-http', *options.rest))


def _db(options):
    ready = workspace.ensure()
    given = options.names
    wanted = {'new': 1, 'drop': 1, 'clone': 2, 'list': 0}[options.action]
    if len(given) != wanted:
        raise SetupError(f"db {options.action} takes {wanted} name(s)", "see setup/dev db --help")
    if options.action == 'list':
        say("\n".join(sorted(databases.names(ready))))
    elif options.action == 'drop':
        databases.drop(ready, given[0], force=True)
    elif options.action == 'clone':
        databases.clone(ready, *given)
    elif options.bare:
        databases.bare(ready, given[0])
    else:
        databases.clone(ready, databases.suite_template(ready), given[0])


def _update(options):
    ready = workspace.ensure()
    chosen = options.addons or addons()
    databases.update(ready, options.database, chosen)
    step(f"updated {', '.join(chosen)} in {options.database}")


def _stop(_options):
    step("PostgreSQL stopped" if postgres.stop() else "PostgreSQL was not running")


def _lock(_options):
    setup = RUN.parent / 'setup'
    for source, target, more in LOCKS:
        run(
            ['uv', 'pip', 'compile', source, *more, '--universal', '--python-version', '3.10',
             '--generate-hashes', '--no-header', '--upgrade', '-q', '-o', target],
            what=f"locking {source}", cwd=setup, advice="pip install uv",
        )  # fmt: skip
        step(f"wrote {target}")


def _clean(options):
    if not RUN.exists():
        return
    postgres.stop()
    parts = ('pg', 'data') if options.data else ('',)
    for part in parts:
        run(['rm', '-rf', '--', RUN / part if part else RUN], what="cleaning")
    step("removed " + (" and ".join(f".run/{part}" for part in parts if part) or ".run"))


if __name__ == '__main__':
    sys.exit(main())
