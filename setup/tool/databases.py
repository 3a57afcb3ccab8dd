"""Template databases, and the clones that every demo and test run works on.

Two layers, each named after what it was made from: core with demo data and the
languages, and on top of it the suite.  A change of an addon of ours rebuilds
only the second layer.
"""

import contextlib
import os
import shutil
import uuid

from .paths import COMPANIONS, ROOT, addons, fingerprint, manifest
from .python import RUNTIME
from .ui import SetupError, step
from .workspace import CONFIG, DATA_DIR

LANGUAGES = ('zh_CN', 'zh_TW')
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


def drop(workspace, database):
    """Drop a database with its files; nothing happens when there is none."""
    workspace.server.query('postgres', f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
    shutil.rmtree(DATA_DIR / 'filestore' / database, ignore_errors=True)


def clone(workspace, source, target):
    """Copy a database; the files are shared by hard links, because Odoo never edits one."""
    drop(workspace, target)
    workspace.server.query('postgres', f'CREATE DATABASE "{target}" TEMPLATE "{source}"')
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
    name = 'tpl_core_' + _core_fingerprint(workspace)
    if name in names(workspace):
        return name
    _discard(workspace, 'tpl_core_')
    part = f'part_{name}'
    drop(workspace, part)
    step("creating the core database (about two minutes, once)")
    workspace.odoo_run(
        'db', '-c', CONFIG, 'init', part, '--with-demo', what="creating the core database"
    )
    core = sorted({*_core_addons(), *COMPANIONS})
    _install(workspace, part, core)
    workspace.odoo_run(
        'i18n', 'loadlang', '-c', CONFIG, '-d', part, '-l', *LANGUAGES,
        what="loading the languages",
    )  # fmt: skip
    _rename(workspace, part, name)
    return name


def suite_template(workspace):
    """The core template with all addons of ours, their demo data and warm assets."""
    name = 'tpl_suite_' + fingerprint(
        _core_fingerprint(workspace), *(ROOT / addon for addon in addons())
    )
    if name in names(workspace):
        return name
    core = core_template(workspace)
    _discard(workspace, 'tpl_suite_')
    part = f'part_{name}'
    clone(workspace, core, part)
    step("installing " + ", ".join(addons()))
    _install(workspace, part, addons())
    step("building the assets of the web client")
    workspace.odoo_run('shell', '-d', part, '--no-http', stdin=WARM_UP, what="building the assets")
    _rename(workspace, part, name)
    return name


def bare(workspace, name, *, demo=False):
    """A new database with Odoo's base addon and nothing else."""
    drop(workspace, name)
    workspace.odoo_run(
        'db', '-c', CONFIG, 'init', name, *(['--with-demo'] if demo else []),
        what=f"creating the database {name}",
    )  # fmt: skip
    return name


def install(workspace, database, modules):
    """Install addons in a database."""
    _install(workspace, database, modules)


def update(workspace, database, modules):
    """Update addons in a database."""
    workspace.odoo_run(
        'server', '-d', database, '-u', ",".join(modules), '--no-http', '--stop-after-init',
        what=f"updating {', '.join(modules)}",
    )  # fmt: skip


def _install(workspace, database, modules):
    workspace.odoo_run(
        'server', '-d', database, '-i', ",".join(modules), '--no-http', '--stop-after-init',
        what=f"installing {', '.join(modules)}",
    )  # fmt: skip


def _rename(workspace, part, name):
    workspace.server.query('postgres', f'ALTER DATABASE "{part}" RENAME TO "{name}"')
    store = DATA_DIR / 'filestore'
    shutil.rmtree(store / name, ignore_errors=True)
    if (store / part).exists():
        (store / part).rename(store / name)


def _discard(workspace, prefix):
    for name in names(workspace):
        if name.startswith((prefix, f'part_{prefix}')):
            with contextlib.suppress(SetupError):
                drop(workspace, name)


def _core_addons():
    """Addons of core that ours depend on."""
    ours = set(addons())
    return {need for addon in ours for need in manifest(addon).get('depends', [])} - ours


def _core_fingerprint(workspace):
    return fingerprint(
        workspace.odoo.origin,
        workspace.odoo.path / 'odoo/release.py',
        workspace.server.version.split('.')[0],
        RUNTIME,
        *sorted(_core_addons()),
        *COMPANIONS,
        *LANGUAGES,
    )
