# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Import one slice of the prepared orders and write what it cost; run in Odoo's shell."""

import csv
import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, os.environ['SUITE_ROOT'])

from tool.cdnow_import import Importer, Pace

folder = Path(os.environ['SUITE_FOLDER'])
start, number = int(os.environ['SUITE_START']), int(os.environ['SUITE_NUMBER'])
TICKS = os.sysconf('SC_CLK_TCK')


def backend_seconds():
    """CPU seconds of this connection's PostgreSQL process, when it is on this machine."""
    env.cr.execute("SELECT pg_backend_pid()")
    try:
        fields = Path(f'/proc/{env.cr.fetchone()[0]}/stat').read_text().rpartition(')')[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def buffers():
    env.cr.execute(
        "SELECT pg_stat_force_next_flush(), sum(blks_hit + blks_read) FROM pg_stat_database "
        "WHERE datname = current_database()"
        if env.cr._cnx.server_version >= 150000
        else "SELECT 0, sum(blks_hit + blks_read) FROM pg_stat_database "
        "WHERE datname = current_database()"
    )
    return int(env.cr.fetchone()[1])


def rows_of(name):
    with open(folder / name, encoding='utf-8') as file:
        header, *rows = csv.reader(file)
    return header, rows


importer = Importer(env, env.company, 'America/New_York')
if not number:
    for model, name in (('res.partner', 'customers.csv'), ('product.template', 'products.csv')):
        importer.load(model, *rows_of(name), Pace(name))
    number = 20  # fills the caches and leaves the first slice like the others
header, rows = rows_of('orders.csv')
env.cr.commit()
before = time.monotonic(), time.process_time(), backend_seconds(), env.cr.sql_log_count, buffers()
importer.load('sale.order', header, rows[start : start + number], Pace('orders'))
after = time.monotonic(), time.process_time(), backend_seconds(), env.cr.sql_log_count, buffers()
names = ('wall', 'python', 'database', 'queries', 'buffers')
cost = {name: last - first for name, first, last in zip(names, before, after, strict=True)}
Path(os.environ['SUITE_TARGET']).write_text(json.dumps(cost))
