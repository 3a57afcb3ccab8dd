"""The set-up tool: what it finds, what it refuses, and what it says then."""

import datetime
import hashlib
import json
import shutil
import socket
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'setup'))

from tool import (  # noqa: E402
    cdnow,
    databases,
    demo,
    dependencies,
    odoo,
    packages,
    paths,
    postgres,
    testing,
    upgrade,
)
from tool.ui import SetupError  # noqa: E402

COMMANDS = (
    'demo', 'test', 'install', 'serve', 'shell', 'db', 'update', 'upgrade', 'lint', 'matrix',
    'bench', 'i18n', 'scaffold', 'screenshots', 'doctor', 'stop', 'lock', 'clean',
)  # fmt: skip


def fake_odoo(folder, version='(19, 0, 0, FINAL, 0, \'\')'):
    """A folder laid out like a checkout of Odoo."""
    (folder / 'odoo').mkdir(parents=True)
    (folder / 'odoo/release.py').write_text(f"version_info = {version}\n")
    (folder / 'addons/web').mkdir(parents=True)
    (folder / 'addons/web/__manifest__.py').write_text("{}")
    return folder


@pytest.mark.parametrize('command', COMMANDS)
def test_every_command_explains_itself(command):
    done = subprocess.run(
        [ROOT / 'setup/dev', command, '--help'], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert 'usage: setup/dev' in done.stdout


def test_unknown_words_are_refused():
    done = subprocess.run(
        [ROOT / 'setup/dev', 'doctor', 'nonsense'], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert 'nonsense' in done.stderr


# ------------------------------------------------------------
# Where Odoo comes from
# ------------------------------------------------------------


def test_odoo_home_is_a_checkout(tmp_path, monkeypatch):
    monkeypatch.setenv('ODOO_HOME', str(fake_odoo(tmp_path)))
    found = odoo.find()
    assert (found.path, found.version) == (tmp_path, '19.0')
    assert found.addons == (tmp_path / 'addons',)
    assert 'ODOO_HOME' in found.origin


def test_odoo_home_is_an_unpacked_package(tmp_path, monkeypatch):
    inner = fake_odoo(tmp_path / 'usr/lib/python3/dist-packages')
    monkeypatch.setenv('ODOO_HOME', str(tmp_path))
    assert odoo.find().path == inner


@pytest.mark.parametrize('version', ["(18, 0, 0, FINAL, 0, '')", "('saas~19', 2, 0)", "nonsense"])
def test_another_version_is_refused(tmp_path, monkeypatch, version):
    monkeypatch.setenv('ODOO_HOME', str(fake_odoo(tmp_path, version)))
    with pytest.raises(SetupError, match=r"runs on 19\.0") as caught:
        odoo.find()
    assert 'ODOO_HOME' in caught.value.advice


def test_odoo_home_without_odoo_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv('ODOO_HOME', str(tmp_path))
    with pytest.raises(SetupError, match="holds no Odoo"):
        odoo.find()


def test_without_apt_the_message_names_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, 'STORE', tmp_path)
    monkeypatch.setattr(packages, 'INDEX', tmp_path / 'index.json')
    monkeypatch.setattr(packages.shutil, 'which', lambda _name: None)
    with pytest.raises(SetupError) as caught:
        packages.fetch('odoo-19', ['sid'])
    assert 'ODOO_HOME' in caught.value.advice


def test_a_damaged_download_is_thrown_away(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, 'STORE', tmp_path)
    monkeypatch.setattr(packages, 'INDEX', tmp_path / 'index.json')
    digest = hashlib.sha256(b"whole").hexdigest()
    packages.INDEX.write_text(json.dumps({'odoo-19': {'sha256': digest, 'version': '1'}}))
    kept = tmp_path / f'{digest}.deb'
    kept.write_bytes(b"whole")
    assert packages._cached('odoo-19') == kept
    kept.write_bytes(b"hal")
    assert packages._cached('odoo-19') is None
    assert not kept.exists()


@pytest.mark.parametrize(
    ('name', 'text'),
    [
        (
            'sources.list.d/debian.sources',
            "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\n"
            "Components: main\nSigned-By: /usr/share/keyrings/k.gpg\n\n"
            "Types: deb\nURIs: http://other.example\nSuites: nodistro\nComponents: main\n",
        ),
        (
            'sources.list',
            "# deb http://commented.example/debian bookworm main\n"
            "deb [signed-by=/usr/share/keyrings/k.gpg] http://mirror.example/debian "
            "bookworm main\n",
        ),
    ],
)
def test_the_machines_own_mirror_is_used(tmp_path, name, text):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert packages._own_mirror('bookworm', tmp_path) == (
        'http://mirror.example/debian',
        '/usr/share/keyrings/k.gpg',
    )


def test_a_machine_without_sources_is_told_what_to_do(tmp_path):
    with pytest.raises(SetupError, match="no package source for bookworm"):
        packages._own_mirror('bookworm', tmp_path)


# ------------------------------------------------------------
# PostgreSQL, ports, disk
# ------------------------------------------------------------


def test_a_long_path_gets_a_short_socket_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(postgres, 'DATA', tmp_path / ('long' * 30))
    monkeypatch.setenv('XDG_RUNTIME_DIR', str(tmp_path))
    folder = postgres._socket_folder()
    assert folder.parent == tmp_path
    assert folder.exists()


def test_odoo_refuses_the_user_postgres(monkeypatch):
    monkeypatch.setenv('PGHOST', '/nowhere')
    monkeypatch.setenv('PGUSER', 'postgres')
    with pytest.raises(SetupError, match="refuses to work as the database user postgres"):
        postgres.ensure()


def program(path, script):
    """A program that a test can start."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n{script}\n')
    path.chmod(0o755)
    return path


def test_a_server_that_does_not_answer_is_reported(tmp_path, monkeypatch):
    program(tmp_path / 'psql', 'exit 2')
    monkeypatch.setenv('PATH', str(tmp_path), prepend=':')
    monkeypatch.setenv('PGHOST', '/nowhere')
    monkeypatch.setenv('PGUSER', 'someone')
    with pytest.raises(SetupError) as caught:
        postgres.ensure()
    assert 'PGHOST' in caught.value.advice


def test_libraries_that_the_machine_lacks_are_put_beside_the_server(tmp_path, monkeypatch):
    server = program(
        tmp_path / 'pg/bin/postgres',
        'case "$LD_LIBRARY_PATH" in */usr/lib) echo "$@";; *) exit 127; esac',
    )
    asked = []
    monkeypatch.setattr(packages, 'fetch', lambda name, suites: asked.append(name) or Path(name))
    monkeypatch.setattr(
        postgres, 'run', lambda *words, **more: 'libc6 (>= 2.34), libicu72 (>= 72.1)'
    )
    monkeypatch.setattr(
        packages, 'unpack',
        lambda package, target, *more: program(target / f'usr/lib/{package}.so.2', ''),
    )  # fmt: skip
    postgres._bring_libraries(tmp_path)
    assert asked == ['libxml2', 'libicu72']
    said = subprocess.run([server, '--version', 'a b'], capture_output=True, text=True, check=True)
    assert said.stdout == '--version a b\n'
    postgres._bring_libraries(tmp_path)
    assert asked == ['libxml2', 'libicu72'], "a server that loads is left alone"


def test_libraries_that_cannot_be_fetched_are_named(tmp_path, monkeypatch):
    program(tmp_path / 'bin/postgres', 'exit 127')
    monkeypatch.setattr(packages, 'available', lambda: False)
    monkeypatch.setattr(packages, '_cached', lambda name: None)
    with pytest.raises(SetupError, match="libxml2") as caught:
        postgres._bring_libraries(tmp_path)
    assert 'PGHOST' in caught.value.advice


def test_a_wrong_pg_bin_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv('PGHOST', raising=False)
    monkeypatch.setenv('PG_BIN', str(tmp_path))
    with pytest.raises(SetupError, match="has no initdb"):
        postgres._binaries()


def test_a_taken_port_is_refused():
    with socket.socket() as taken:
        taken.bind(('127.0.0.1', 0))
        taken.listen()
        with pytest.raises(SetupError, match="is taken"):
            demo._ensure_free(taken.getsockname()[1])


def test_a_full_disk_is_noticed_before_the_work(monkeypatch):
    with pytest.raises(SetupError, match="are free"):
        paths.need_disk(10**9, "A test")


# ------------------------------------------------------------
# Tests that a machine leaves out are counted
# ------------------------------------------------------------


def test_left_out_browser_tests_are_counted(tmp_path):
    report = tmp_path / 'junit.xml'
    report.write_text(
        "<testsuites><testsuite>"
        "<testcase><skipped message='Chrome executable not found'/></testcase>"
        "<testcase><skipped message='Chrome executable not found'/></testcase>"
        "<testcase><skipped message='needs another database'/></testcase>"
        "<testcase/></testsuite></testsuites>"
    )
    assert testing.left_out(report) == {'Chromium': 2}


# ------------------------------------------------------------
# Dependencies
# ------------------------------------------------------------


def test_the_closure_follows_automatic_addons():
    manifests = {
        'base': {},
        'web': {'depends': ['base']},
        'a': {'depends': ['web']},
        'b': {'depends': ['web']},
        'bridge': {'depends': ['a', 'b'], 'auto_install': True},
        'partly': {'depends': ['a', 'c'], 'auto_install': ['a']},
        'c': {'depends': ['base']},
        'local': {'depends': ['a'], 'auto_install': True, 'countries': ['cn']},
    }
    assert dependencies.closure('a', manifests) == {'base', 'web', 'a', 'partly', 'c'}
    manifests['a']['depends'].append('b')
    assert 'bridge' in dependencies.closure('a', manifests)


# ------------------------------------------------------------
# The purchase log
# ------------------------------------------------------------

LOG = """ customer_id  date number_of_cds  dollar_value
 00001 19970101  1   11.77
 00002 19970112  1   12.00
 00002 19970112  1   12.00
 00003 19970230  2   20.76
 00004 0001 19970101  2   29.33
 00005 19970101  x   29.33
 00006 19970101  1   -1.00
 00007 19970101

 00008 19980630  3    0.00
"""


def test_bad_lines_are_named_with_their_reason():
    log = cdnow.parse(LOG.splitlines())
    assert [purchase.line for purchase in log.purchases] == [2, 3, 4, 6, 11]
    assert [number for number, _reason in log.bad] == [5, 7, 8, 9]
    reasons = dict(log.bad)
    assert "'19970230'" in reasons[5]
    assert "number of discs 'x'" in reasons[7]
    assert "'-1.00'" in reasons[8]
    assert "2 columns" in reasons[9]
    assert log.value == Decimal('65.10')


def test_dates_move_by_whole_weeks_and_end_before_the_day():
    log = cdnow.parse(LOG.splitlines())
    moved = cdnow.shift(log, datetime.date(2026, 11, 15))
    deltas = {new.day - old.day for new, old in zip(moved.purchases, log.purchases, strict=True)}
    assert len(deltas) == 1
    assert deltas.pop().days % 7 == 0
    last = max(purchase.day for purchase in moved.purchases)
    assert last == datetime.date(2026, 11, 10)  # a Tuesday, as 30 June 1998 was


@pytest.mark.parametrize(
    ('today', 'sunday'), [('2026-11-21', '2026-11-15'), ('2026-11-22', '2026-11-22')]
)
def test_last_sunday(today, sunday):
    day = datetime.date.fromisoformat(today)
    assert cdnow.last_sunday(day) == datetime.date.fromisoformat(sunday)


def test_prepared_files_keep_duplicates_apart_and_add_up(tmp_path):
    log = cdnow.parse(LOG.splitlines())
    totals = cdnow.prepare(log, tmp_path)
    assert (totals['orders'], totals['customers'], totals['value']) == (5, 4, '65.10')
    rows = (tmp_path / 'orders.csv').read_text().splitlines()[1:]
    ids = [row.split(',')[0] for row in rows]
    assert len(set(ids)) == 5
    assert 'CDNOW-FREE' in rows[-1]


# ------------------------------------------------------------
# Databases of others
# ------------------------------------------------------------


class Server:
    """A server with one database, and every statement it was asked to run."""

    host = 'elsewhere'

    def __init__(self, comment):
        self.comment = comment
        self.statements = []

    def query(self, _database, statement):
        self.statements.append(statement)
        if 'shobj_description' in statement:
            return [self.comment]
        return ['demo'] if 'FROM pg_database' in statement else []


class Workspace:
    def __init__(self, comment):
        self.server = Server(comment)


@pytest.mark.parametrize('comment', ['', 'my shop', 'setup/dev in /another/checkout: x'])
def test_a_database_of_somebody_else_is_never_dropped(comment):
    ready = Workspace(comment)
    with pytest.raises(SetupError, match="was not made by this checkout"):
        databases.clone(ready, 'template', 'demo')
    assert not any('DROP' in statement for statement in ready.server.statements)


def test_a_database_of_this_checkout_is_replaced():
    ready = Workspace(f'{databases.MADE_HERE}: cloned')
    databases.drop(ready, 'demo')
    assert any('DROP DATABASE' in statement for statement in ready.server.statements)


# ------------------------------------------------------------
# Updates
# ------------------------------------------------------------


@pytest.fixture
def history(tmp_path):
    """A repository with two commits; the first one is where updates are tried from."""
    root = tmp_path / 'checkout'
    (root / 'setup').mkdir(parents=True)
    (root / 'crm_x').mkdir()

    def git(*words):
        who = ('-c', 'user.name=x', '-c', 'user.email=x@example.com')
        done = subprocess.run(
            ['git', '-C', root, *who, *words], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git('init', '-q')
    for version in ('1.0', '1.1'):
        (root / 'crm_x/__manifest__.py').write_text(f"{{'version': '{version}'}}")
        git('add', '-A')
        git('commit', '-qm', version)
    (root / 'setup/upgrade-base').write_text(git('rev-parse', 'HEAD~1') + '\n')
    return root


def test_the_earlier_commit_is_unpacked(history, tmp_path):
    tree = upgrade.unpack(upgrade.base_commit(history), history, tmp_path / 'upgrade')
    assert "'1.0'" in (tree / 'crm_x/__manifest__.py').read_text()
    assert paths.suite_addons(tree) == ['crm_x']


def test_bridges_of_a_tree_are_told_from_its_suite(tmp_path):
    depends = {
        'crm_x': {'depends': ['sale', 'mail']},
        'crm_x_mail': {'depends': ['crm_x', 'mail'], 'auto_install': True},
        'crm_x_stock': {'depends': ['crm_x', 'sale_stock'], 'auto_install': True},
    }
    for name, data in depends.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / '__manifest__.py').write_text(repr(data))
    assert paths.suite_addons(tmp_path) == ['crm_x', 'crm_x_mail']
    assert paths.bridges(tmp_path) == ['crm_x_stock']


def test_a_shallow_clone_is_told_what_is_missing(history, tmp_path):
    clone = tmp_path / 'shallow'
    subprocess.run(
        ['git', 'clone', '-q', '--depth', '1', f'file://{history}', clone],
        check=True,
        capture_output=True,
    )
    (clone / 'setup').mkdir(exist_ok=True)
    shutil.copy(history / 'setup/upgrade-base', clone / 'setup')
    with pytest.raises(SetupError, match="shallow clone without it") as caught:
        upgrade.base_commit(clone)
    assert 'unshallow' in caught.value.advice


def test_an_unknown_commit_and_an_archive_are_told_apart(history, tmp_path):
    (history / 'setup/upgrade-base').write_text('0' * 40)
    with pytest.raises(SetupError, match="does not have it"):
        upgrade.base_commit(history)
    archive = tmp_path / 'archive'
    shutil.copytree(history / 'setup', archive / 'setup')
    with pytest.raises(SetupError, match="no git checkout"):
        upgrade.base_commit(archive)
