"""Template databases, and the clones that every demo and test run works on.

In layers, each named after what it was made from: core with demo data and the languages, on
top of it the suite; and the same core with what the bridges stand on, on top of it the suite
with its bridges.  A change of an addon of ours rebuilds only the layers with ours.
"""

import contextlib
import os
import shutil
import uuid

from .paths import (
    COMPANIONS,
    ROOT,
    addons,
    bridges,
    exclusive,
    fingerprint,
    manifest,
    suite_addons,
)
from .python import RUNTIME
from .ui import SetupError, step
from .workspace import CONFIG, DATA_DIR

LANGUAGES = ('zh_CN', 'zh_TW')
# Written into the comment of each database made here.  On a shared server (PGHOST) a
# database without it belongs to somebody, whatever its name, and is never dropped.
MADE_HERE = f'setup/dev in {ROOT}'
# Two checkouts may share a server.
_CHECKOUT = fingerprint(str(ROOT))[:4]
CORE, SUITE = f'tpl_{_CHECKOUT}_core', f'tpl_{_CHECKOUT}_suite'
WIDE_CORE, WIDE = f'tpl_{_CHECKOUT}_widecore', f'tpl_{_CHECKOUT}_wide'
WARM_UP = """
env['ir.qweb']._pregenerate_assets_bundles()
env['ir.attachment'].flush_model()
env.cr.commit()
"""


def names(workspace):
    """All databases of the server that belong to this database user."""
    return workspace.server.query(
        'postgres',
        "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'",
    )


def drop(workspace, database, *, force=False):
    """Drop a database with its files; nothing happens when there is none.

    :param force: also one that was not made here
    :raises SetupError: the database is not ours to drop
    """
    if not force and database in names(workspace) and origin(workspace, database) is None:
        raise SetupError(
            f"the database {database} on {workspace.server.host} was not made by this checkout",
            f"rename it, or if you are sure: setup/dev db drop {database}",
        )
    workspace.server.query('postgres', f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    shutil.rmtree(DATA_DIR / 'filestore' / database, ignore_errors=True)


def origin(workspace, database):
    """What a database was made from, as :func:`mark` wrote it; None when it is not ours."""
    said = workspace.server.query(
        'postgres',
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database "
        f"WHERE datname = '{database}'",
    )
    made, _sign, text = (said[0] if said else '').partition(': ')
    return text if made == MADE_HERE else None


def mark(workspace, database, text=''):
    """Write into a database that it is ours and what it was made from."""
    quoted = f'{MADE_HERE}: {text}'.replace("'", "''")
    workspace.server.query('postgres', f"""COMMENT ON DATABASE "{database}" IS '{quoted}'""")


def clone(workspace, source, target):
    """Copy a database; the files are shared by hard links, because Odoo never edits one."""
    drop(workspace, target)
    workspace.server.query('postgres', f'CREATE DATABASE "{target}" TEMPLATE "{source}"')
    mark(workspace, target, f'cloned from {source}')
    store = DATA_DIR / 'filestore'
    if (store / source).exists():
        shutil.copytree(store / source, store / target, copy_function=_link)


def _link(source, target):
    os.link(source, target)


@contextlib.contextmanager
def temporary(workspace, source, *, keep=False):
    """A clone for the time of a block."""
    name = f"run_{uuid.uuid4().hex[:8]}"
    clone(workspace, source, name)
    try:
        yield name
    finally:
        if not keep:
            drop(workspace, name)


def core_template(workspace):
    """Core with demo data, the suite's languages and every core addon the suite uses."""
    name = f'{CORE}_{_core_fingerprint(workspace)}'
    with exclusive():
        return name if name in names(workspace) else _build_core(workspace, name)


def _build_core(workspace, name):
    _discard(workspace, CORE)
    part = f'part_{name}'
    drop(workspace, part, force=True)
    step("creating the core database (about two minutes, once)")
    workspace.odoo_run(
        'db', '-c', CONFIG, 'init', part, '--with-demo', what="creating the core database"
    )
    core = sorted({*_core_needs(suite_addons()), *COMPANIONS})
    install(workspace, part, core)
    workspace.odoo_run(
        'i18n', 'loadlang', '-c', CONFIG, '-d', part, '-l', *LANGUAGES,
        what="loading the languages",
    )  # fmt: skip
    _rename(workspace, part, name)
    return name


def suite_template(workspace):
    """The core template with the suite, its demo data and warm assets."""
    core = core_template(workspace)
    return _layer(workspace, SUITE, core, suite_addons(), ours=suite_addons())


def bridge_core_template(workspace):
    """The core template with what of core the bridges stand on."""
    return _layer(workspace, WIDE_CORE, core_template(workspace), _core_needs(bridges()))


def bridge_template(workspace):
    """All addons of ours, bridges too, beside what of core the bridges stand on."""
    core = bridge_core_template(workspace)
    return _layer(workspace, WIDE, core, addons(), ours=addons())


def _layer(workspace, prefix, base, modules, *, ours=()):
    """Return the template that has these addons on top of another one.

    :param ours: those of them that change with the checkout
    """
    name = f'{prefix}_{fingerprint(base, *modules, *(ROOT / addon for addon in ours))}'
    with exclusive():
        if name not in names(workspace):
            _build_layer(workspace, prefix, name, base, modules, warm=bool(ours))
    return name


def _build_layer(workspace, prefix, name, base, modules, *, warm):
    _discard(workspace, prefix)
    part = f'part_{name}'
    clone(workspace, base, part)
    step("installing " + ", ".join(modules))
    install(workspace, part, modules)
    if warm:
        step("building the assets of the web client")
        workspace.odoo_run(
            'shell', '-d', part, '--no-http', stdin=WARM_UP, what="building the assets"
        )
    _rename(workspace, part, name)


def bare(workspace, name):
    """A new database with Odoo's base addon and nothing else, not even demo data."""
    drop(workspace, name)
    workspace.odoo_run('db', '-c', CONFIG, 'init', name, what=f"creating the database {name}")
    mark(workspace, name)
    return name


def install(workspace, database, modules):
    """Install addons in a database."""
    _change(workspace, database, '-i', modules, "installing")


def update(workspace, database, modules):
    """Update addons in a database."""
    _change(workspace, database, '-u', modules, "updating")


def _change(workspace, database, flag, modules, doing):
    workspace.odoo_run(
        'server', '-d', database, flag, ",".join(modules), '--no-http', '--stop-after-init',
        what=f"{doing} {', '.join(modules)}",
    )  # fmt: skip


def _rename(workspace, part, name):
    workspace.server.query('postgres', f'ALTER DATABASE "{part}" RENAME TO "{name}"')
    mark(workspace, name, 'template')
    store = DATA_DIR / 'filestore'
    shutil.rmtree(store / name, ignore_errors=True)
    if (store / part).exists():
        (store / part).rename(store / name)


def _discard(workspace, prefix):
    """Drop older templates and half-made ones of this checkout."""
    for name in names(workspace):
        if name.startswith((f'{prefix}_', f'part_{prefix}_')):
            with contextlib.suppress(SetupError):
                drop(workspace, name, force=True)


def _core_needs(modules):
    """Addons of core that some of ours depend on."""
    ours = set(addons())
    return sorted({need for name in modules for need in manifest(name).get('depends', [])} - ours)


def _core_fingerprint(workspace):
    return fingerprint(
        workspace.odoo.origin,
        workspace.odoo.path / 'odoo/release.py',
        workspace.server.version.split('.')[0],
        RUNTIME,
        *_core_needs(suite_addons()),
        *COMPANIONS,
        *LANGUAGES,
    )
