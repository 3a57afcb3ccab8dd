# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Fill a database for the benchmark "gate", or run one side of it; run in Odoo's shell.

Sides: ``fill`` makes the data; ``reference`` runs the reference SQL, ``gate`` the worker of the
gate.  What messages are written to is not part of it: nothing is composed.
"""

import json
import os
import time
from datetime import datetime
from pathlib import Path

from odoo.tools import SQL

from odoo.addons.crm_customer.gate import GateSource

ROOT = Path(os.environ['SUITE_ROOT'])
SIDE = os.environ['SUITE_SIDE']
CUSTOMERS = int(os.environ.get('SUITE_CUSTOMERS', 0))
NOW = datetime(2026, 6, 1, 13, 0)  # evening in China, afternoon in Europe, night in New Zealand
SALT = 'bench'
TICKS = os.sysconf('SC_CLK_TCK')


def fill():
    """Make the data, with one policy of its own."""
    env['crm.contact.policy'].search([]).active = False
    env['crm.quiet.period'].search([]).active = False
    env['crm.message'].search([('state', '=', 'planned')]).write({'state': 'cancelled'})
    env['crm.contact.policy'].create(
        {'name': "Bench", 'max_messages': 2, 'window_days': 7, 'quiet_from': 21, 'quiet_to': 8}
    )
    env.flush_all()
    parameters = {'customers': CUSTOMERS, 'now': NOW, 'company': env.company.id}
    for statement in (ROOT / 'probes/bench_gate_data.sql').read_text().split(';\n'):
        if statement.strip():
            env.cr.execute(statement, parameters)
    env.cr.commit()
    env.cr._cnx.autocommit = True
    env.cr.execute('VACUUM ANALYZE')
    env.cr._cnx.autocommit = False


def reference():
    """Decide about everything in one statement."""
    query = (ROOT / 'bench/ref/gate.sql').read_text()
    env.cr.execute(query, {'now': NOW, 'salt': SALT})
    env.cr.commit()


def gate():
    """Decide as the worker does, batch by batch, each committed."""
    model = env.registry['crm.message']
    model._get_gate_sources = lambda self: [get_holdout()]
    model._enqueue = lambda self: None
    messages = env['crm.message']
    with messages._prepared_gate():
        messages._run_gate(NOW, 0, 1)


def get_holdout():
    query = SQL(
        'SELECT id AS person_id, NULL::int AS company_id, NULL::timestamp AS until FROM crm_person'
        " WHERE get_byte(sha256(convert_to(%s || person_key, 'UTF8')), 0) < 26",
        SALT,
    )
    return GateSource(reason='holdout', by='person_id', final=True, query=query)


def backend_seconds():
    """CPU seconds of this connection's PostgreSQL process, when it is on this machine."""
    env.cr.execute("SELECT pg_backend_pid()")
    try:
        fields = Path(f'/proc/{env.cr.fetchone()[0]}/stat').read_text().rpartition(')')[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def look():
    """Return what became of the messages: one number for all of them, and how many of each."""
    env.cr.execute(
        "SELECT sum(hashtextextended(concat_ws('|', id, state, reason, due_at, decided_at,"
        " counted_at), 0))::text FROM crm_message WHERE key LIKE 'bench:due:%'"
    )
    [checksum] = env.cr.fetchone()
    env.cr.execute(
        "SELECT concat_ws(' ', state, reason), count(*) FROM crm_message"
        " WHERE key LIKE 'bench:due:%' GROUP BY 1 ORDER BY 1"
    )
    return {'checksum': checksum, 'outcomes': dict(env.cr.fetchall())}


def measure(side):
    env.cr.execute('SET max_parallel_workers_per_gather = 0')  # they would not be counted
    env.cr.commit()
    before = time.monotonic(), time.process_time(), backend_seconds(), env.cr.sql_log_count
    side()
    after = time.monotonic(), time.process_time(), backend_seconds(), env.cr.sql_log_count
    names = ('wall', 'python', 'database', 'queries')
    cost = {name: last - first for name, first, last in zip(names, before, after, strict=True)}
    return {**cost, **look()}


if SIDE == 'fill':
    fill()
else:
    result = measure({'reference': reference, 'gate': gate}[SIDE])
    Path(os.environ['SUITE_TARGET']).write_text(json.dumps(result))
