"""``setup/dev demo``: a running Odoo with the suite, and who can log in."""

import contextlib
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from typing import NamedTuple

from . import cdnow, databases, workspace
from .paths import ROOT, fingerprint
from .ui import STARTED, SetupError, say, step

DATABASE = 'demo'
# Log-in and role; in demo data the password is the log-in.
LOGINS = (
    ('admin', "administrator"),
    ('service', "service agent, front desk"),
    ('technician', "technician"),
    ('loyalty', "loyalty manager"),
    ('campaign', "campaign manager"),
    ('demo', "salesperson"),
    ('portal', "portal customer"),
)


class Served(NamedTuple):
    """A running Odoo."""

    address: str
    process: subprocess.Popen


def add_options(parser):
    parser.add_argument('--port', type=int, help="default: a free one")
    parser.add_argument('--data', choices=cdnow.SIZES, help="bring in a real purchase log first")
    parser.add_argument('--as-of', help="with --data: the day the log ends (default: last Sunday)")
    parser.add_argument('--fresh', action='store_true', help="throw the demo database away first")
    parser.add_argument('--no-serve', action='store_true', help="prepare everything and stop")


def run(options):
    """Prepare the demo database when needed, serve it, and print the log-ins."""
    ready = workspace.ensure()
    database = prepare(ready, options.data or DATABASE, options.as_of, fresh=options.fresh)
    if options.no_serve:
        step(f"database {database} is ready")
        return 0
    return _serve(ready, database, options.port, [])


def prepare(ready, database, as_of=None, *, fresh=False):
    """Make the demo database, or the one with a purchase log, unless it is there.

    :param database: ``demo``, or a size of the log
    :param as_of: last day of the log, as text
    :return: the database's name
    """
    template = databases.suite_template(ready)
    if fresh or databases.origin(ready, database) != _origin(template):
        databases.clone(ready, template, database)
        if database in cdnow.SIZES:
            cdnow.load(ready, database, database, as_of)
        databases.mark(ready, database, _origin(template))
    return database


def serve(options):
    """Serve any database."""
    ready = workspace.ensure()
    if options.database not in databases.names(ready):
        raise SetupError(f"there is no database {options.database}", "setup/dev db list")
    return _serve(ready, options.database, options.port, options.rest)


def _origin(template):
    sources = [ROOT / f'setup/tool/{name}.py' for name in ('cdnow', 'cdnow_import', 'cdnow_loop')]
    return f"made from {template} {fingerprint(*sources)}"


def _serve(ready, database, port, more):
    with running(ready, database, port, more) as served:
        _greet(ready, served.address, database)
        try:
            return served.process.wait()
        except KeyboardInterrupt:
            say("\nstopping")
            return 0


@contextlib.contextmanager
def running(ready, database, port=None, more=()):
    """Odoo serving a database for the time of a block; gives a :class:`Served`."""
    port = port or _free_port()
    _ensure_free(port)
    command = ready.command(
        'server', '-d', database, '--http-port', port, '--no-database-list',
        '--max-cron-threads', '1', '--log-level', 'warn', *more,
    )  # fmt: skip
    step(f"starting Odoo on {database}")
    with subprocess.Popen(command, env={**os.environ, **ready.environment}, cwd=ROOT) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_until_up(server, f"{address}/web/login")
            yield Served(address, server)
        finally:
            server.terminate()


def _greet(ready, address, database):
    rows = ready.server.query(
        database, "SELECT u.login FROM res_users u WHERE u.active AND u.id > 1 ORDER BY u.id"
    )
    say(f"\n  Odoo with the suite:  {address}\n")
    for login, role in LOGINS:
        if login in rows:
            say(f"    {login:<12} password {login:<12} {role}")
    say("\n  中文: choose the language in the preferences of the user menu.")
    say(f"  Ready after {time.monotonic() - STARTED:.0f} s. Stop with Ctrl-C.\n")


def _free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def _ensure_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(('127.0.0.1', port))
        except OSError:
            raise SetupError(
                f"port {port} is taken", "choose another with --port, or leave it out"
            ) from None


def _wait_until_up(server, address):
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise SetupError("Odoo stopped at once", "the lines above say why")
        try:
            with urllib.request.urlopen(address, timeout=30):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise SetupError("Odoo did not answer within two minutes", "the lines above say why")
