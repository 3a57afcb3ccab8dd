"""One side of a comparison: a database, and what a piece of work costs on it."""

import os
import threading
import time
from pathlib import Path

import odoo.sql_db
from odoo.modules.registry import Registry

TICKS = os.sysconf('SC_CLK_TCK')


class Side:
    """A database whose work is measured.

    :param database: name
    """

    def __init__(self, database):
        self.database = database
        self.registry = Registry(database)

    def measure(self, work):
        """Do a piece of work; return what it cost.

        :param work: function without parameters, that commits
        """
        thread = threading.current_thread()
        before = self.read_database_seconds()
        thread.query_count = 0
        wall, python = time.perf_counter(), time.process_time()
        work()
        python, wall = time.process_time() - python, time.perf_counter() - wall
        queries = thread.query_count
        after = self.read_database_seconds()
        database = sum(value - before.get(pid, 0) for pid, value in after.items())
        return {'python': python, 'database': database, 'wall': wall, 'queries': queries}

    def read_database_seconds(self):
        """CPU seconds of each PostgreSQL process that works for this database."""
        rows = self._ask('SELECT pid FROM pg_stat_activity WHERE datname = %s')
        return {pid: get_seconds(pid) for (pid,) in rows}

    def read_buffers(self):
        [(buffers,)] = self._ask(
            'SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = %s'
        )
        return buffers

    def _ask(self, query):
        """Ask the server from outside, so that asking costs this database nothing."""
        with odoo.sql_db.db_connect('postgres').cursor() as cr:
            cr.execute(query, [self.database])
            return cr.fetchall()


def get_seconds(pid):
    """CPU seconds of a process, to the nanosecond where the kernel tells."""
    try:
        return int(Path(f'/proc/{pid}/schedstat').read_text().split()[0]) / 1e9
    except OSError:
        pass
    try:
        fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS
