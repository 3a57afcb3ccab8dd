"""What a piece of work in Odoo's shell costs; used by the probes of ``setup/dev bench``."""

import json
import os
import time
from pathlib import Path

TICKS = os.sysconf('SC_CLK_TCK')


class Meter:
    """CPU of this process and of its PostgreSQL processes, queries and buffers.

    :param env: environment of Odoo's shell
    """

    def __init__(self, env):
        self.env = env
        self.before = self._read()

    def write(self, target):
        """Write what was used since the meter was made, as JSON."""
        after = self._read()
        cost = {name: after[name] - before for name, before in self.before.items()}
        Path(target).write_text(json.dumps(cost))

    def _read(self):
        return {
            'wall': time.monotonic(),
            'python': time.process_time(),
            'database': self._backend_seconds(),
            'queries': self.env.cr.sql_log_count,
            'buffers': self._buffers(),
        }

    def _backend_seconds(self):
        """CPU seconds of this process's connections, when PostgreSQL is on this machine."""
        self.env.cr.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = current_setting('application_name')"
        )
        return sum(self._process_seconds(pid) for (pid,) in self.env.cr.fetchall())

    @staticmethod
    def _process_seconds(pid):
        try:
            fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / TICKS

    def _buffers(self):
        flush = "pg_stat_force_next_flush()" if self._version() >= 150000 else "0"
        self.env.cr.execute(
            f"SELECT {flush}, sum(blks_hit + blks_read) FROM pg_stat_database"
            " WHERE datname = current_database()"
        )
        return int(self.env.cr.fetchone()[1])

    def _version(self):
        return self.env.cr._cnx.server_version
