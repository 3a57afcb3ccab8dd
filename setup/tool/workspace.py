"""Odoo, Python and PostgreSQL of this checkout, made ready together."""

import os
import subprocess
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from . import odoo, postgres, python
from .paths import ROOT, RUN, exclusive
from .shell import run
from .ui import SetupError

DATA_DIR = RUN / 'data'
CONFIG = RUN / 'odoo.conf'


@dataclass(frozen=True)
class Workspace:
    """What every command works with."""

    odoo: odoo.Odoo
    server: postgres.Server
    config: Path = CONFIG

    @cached_property
    def environment(self):
        """Variables of every Odoo process."""
        return {
            **python.environment(self.odoo),
            **self.server.environment,
            'ODOO_RC': str(self.config),
            # Chromium puts its profile and sockets there.
            'TMPDIR': str(_temporary()),
        }

    def beside(self, name, *addons):
        """Return the same workspace with more folders of addons.

        :param name: of its configuration
        """
        config = RUN / f'{name}.conf'
        _write_config(config, self.odoo, self.server, addons)
        return replace(self, config=config)

    def command(self, *words):
        """The words that start Odoo's command line."""
        return [str(python.PYTHON), '-m', 'odoo', *map(str, words)]

    def odoo_run(self, *words, what, stdin=None):
        """Run a sub-command of Odoo to its end and return its log.

        :raises SetupError: it failed, or logged an error
        """
        log = run(self.command(*words), what=what, env=self.environment, cwd=ROOT, stdin=stdin)
        wrong = [line for line in log.splitlines() if ' ERROR ' in line or ' CRITICAL ' in line]
        if wrong:
            raise SetupError(f"{what} logged errors\n" + "\n".join(wrong[:10]))
        return log

    def call(self, *words, env=None, stdin=None, output=None):
        """Run a program in the foreground and return its exit code.

        :param output: open file that gets what it prints, in place of the terminal
        """
        return subprocess.run(
            [str(w) for w in words],
            env={**os.environ, **self.environment, **(env or {})},
            cwd=ROOT,
            stdin=stdin,
            stdout=output,
            stderr=output and subprocess.STDOUT,
            check=False,
        ).returncode

    def script(self, database, path, *, what, **variables):
        """Run a Python file with ``env`` of a database and return what it printed.

        :param variables: handed to the file as environment variables ``SUITE_<NAME>``
        """
        return run(
            self._shell(database),
            what=what,
            env={**self.environment, **_settings(variables)},
            cwd=ROOT,
            stdin=path.read_text(),
        )

    def stream(self, database, path, **variables):
        """Like :meth:`script`, showing what it prints; return the exit code."""
        with open(path) as source:
            return self.call(*self._shell(database), env=_settings(variables), stdin=source)

    def _shell(self, database):
        """The words that start Odoo's shell, which reads a script from its input."""
        return self.command('shell', '-d', database, '--no-http', '--log-level=warn')


def _settings(variables):
    return {f'SUITE_{key.upper()}': str(value) for key, value in variables.items()}


def ensure(*, tools=False):
    """Make Odoo, Python and PostgreSQL ready and return the workspace.

    :param tools: also install the linters and the test runner
    """
    with exclusive():
        found = odoo.find()
        python.ensure(tools=tools)
        server = postgres.ensure()
        _write_config(CONFIG, found, server)
    return Workspace(found, server)


def _temporary():
    folder = RUN / 'tmp'
    folder.mkdir(exist_ok=True)
    return folder


def _write_config(config, found, server, more_addons=()):
    options = {
        'addons_path': ",".join(str(path) for path in (*found.addons, *more_addons, ROOT)),
        'data_dir': DATA_DIR,
        'db_host': server.host,
        'db_port': server.port,
        'db_user': server.user,
        **({'db_password': server.password} if server.password else {}),
        'http_interface': '127.0.0.1',
        'list_db': False,
        'unaccent': True,
        'proxy_mode': False,
        'without_demo': False,
    }
    lines = "".join(f"{key} = {value}\n" for key, value in options.items())
    text = "[options]\n" + lines
    if config.exists() and config.read_text() == text:
        return  # another command may be reading it
    config.write_text(text)
    config.chmod(0o600)
