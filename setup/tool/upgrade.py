"""``setup/dev upgrade``: a database of an earlier commit, updated to this tree.

``setup/upgrade-base`` names the commit.  Its addons are installed with demo data, its bridges
and what of core they stand on are added as a shop would that grows, the purchase log is
brought in by its own import, the present addons update the database, and every self-check
runs on what came of it.
"""

import json
import os
import shutil
import subprocess

from . import cdnow, databases, workspace
from .paths import COMPANIONS, ROOT, RUN, SETUP, addons, bridges, suite_addons
from .shell import run as run_program
from .ui import SetupError, Stopwatch, say, step

BASE = SETUP / 'upgrade-base'
DATABASE = 'upgrade_run'
FOLDER = RUN / 'upgrade'


def add_options(parser):
    parser.add_argument('--keep', action='store_true', help="keep the database")


def run(options):
    """Install the earlier commit, update, run the self-checks; return the exit code."""
    commit = base_commit()
    old = unpack(commit)
    ready = workspace.ensure()
    watch = Stopwatch()
    try:
        with watch.stage(f"installing {commit[:7]}"):
            _create(ready, old)
            _install(ready, old, [*COMPANIONS, *suite_addons(old)])
        if bridges(old):
            # before the log: core adds no Inventory beside confirmed orders of a second company
            with watch.stage("adding its bridges"):
                _install(ready, old, bridges(old))
        with watch.stage("purchase log"):
            _load(ready, old)
        with watch.stage("updating"):
            databases.update(ready, DATABASE, addons())
        with watch.stage("self-checks"):
            findings = _check(ready)
    finally:
        if not options.keep:
            databases.drop(ready, DATABASE)
    watch.report("Minutes per step")
    for finding in findings:
        say(f"  {finding}")
    say(f"upgrade: from {commit[:7]} to this tree, {len(findings)} findings")
    return 1 if findings else 0


def base_commit(root=ROOT):
    """Return the commit updates are tried from.

    :raises SetupError: the history of this checkout does not hold it
    """
    commit = (root / 'setup/upgrade-base').read_text().strip()
    if _git(root, 'cat-file', '-e', f'{commit}^{{commit}}').returncode == 0:
        return commit
    if _git(root, 'rev-parse', '--git-dir').returncode:
        raise SetupError(
            f"trying an update needs the commit {commit[:12]}, and this is no git checkout",
            "clone the repository instead of unpacking an archive of it",
        )
    shallow = _git(root, 'rev-parse', '--is-shallow-repository').stdout.strip() == 'true'
    raise SetupError(
        f"trying an update needs the commit {commit[:12]} of setup/upgrade-base, and "
        + ("this is a shallow clone without it" if shallow else "this clone does not have it"),
        "git fetch --unshallow" if shallow else "git fetch, or correct setup/upgrade-base",
    )


def _git(root, *words):
    # a checkout around the folder is not its history
    environment = {**os.environ, 'GIT_CEILING_DIRECTORIES': str(root.parent)}
    try:
        return subprocess.run(
            ['git', '-C', root, *words],
            capture_output=True, text=True, check=False, env=environment,
        )  # fmt: skip
    except FileNotFoundError:
        raise SetupError("trying an update needs git", "install git") from None


def unpack(commit, root=ROOT, folder=FOLDER):
    """Return a folder with the tree of a commit."""
    target = folder / commit
    if not target.exists():
        shutil.rmtree(folder, ignore_errors=True)
        part = folder / f'part-{commit}'
        part.mkdir(parents=True)
        archive = part / 'tree.tar'
        what = "unpacking the earlier commit"
        run_program(['git', '-C', root, 'archive', '-o', archive, commit], what=what)
        run_program(['tar', '-xf', archive, '-C', part], what=what)
        archive.unlink()
        part.rename(target)
    return target


def _create(ready, old):
    """Make a database that knows of no addon but those of then."""
    databases.drop(ready, DATABASE)
    ready.odoo_run(
        'db', '-c', workspace.CONFIG, _addons_path(ready, old), 'init', DATABASE, '--with-demo',
        what="creating the database",
    )  # fmt: skip
    databases.mark(ready, DATABASE)


def _install(ready, old, names):
    """Install addons as they stood then: none that only the present tree needs."""
    ready.odoo_run(
        'server', '-d', DATABASE, '-i', ",".join(names), _addons_path(ready, old),
        '--no-http', '--stop-after-init', what="installing the earlier commit",
    )  # fmt: skip


def _addons_path(ready, old):
    return '--addons-path=' + ",".join(map(str, (*ready.odoo.addons, old)))


def _load(ready, old):
    """Bring the purchase log in with the code of then."""
    day = cdnow.last_sunday()
    folder = RUN / 'cdnow/upgrade'
    totals = cdnow.prepare(cdnow.shift(cdnow.read('cdnow'), day), folder)
    step(f"{totals['orders']} purchases of {totals['customers']} customers")
    command = ready.command(
        'shell', '-d', DATABASE, '--no-http', '--log-level=warn', _addons_path(ready, old)
    )
    settings = {'SUITE_FOLDER': str(folder), 'SUITE_ROOT': str(old), 'SUITE_AS_OF': str(day)}
    with open(old / 'setup/probes/cdnow_load.py') as script:
        if ready.call(*command, env=settings, stdin=script):
            raise SetupError("the purchase log could not be loaded", "the lines above say why")


def _check(ready):
    """Run every self-check and return what they found."""
    target = RUN / 'upgrade.json'
    ready.script(
        DATABASE, SETUP / 'probes/selfcheck.py', what="running the self-checks", target=target
    )
    results = json.loads(target.read_text())
    step(f"{len(results)} self-checks")
    return [
        f"{result['code']}: {result['state']}, {result['message']}"
        for result in results
        if result['state'] != 'ok'
    ]
