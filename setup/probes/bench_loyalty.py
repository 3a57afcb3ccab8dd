# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Fill a database for the benchmark "loyalty", or run one side of it; run in Odoo's shell.

Sides: ``fill`` makes the data, ``fill tiers`` adds tiers to it; ``expiry reference``,
``release reference``, ``tiers reference`` and ``reconcile reference`` run the reference SQL,
``expiry suite``, ``release suite`` and ``tiers suite`` the jobs (one worker, nobody is written to)
and ``reconcile suite`` the self-checks of the ledger.
"""

import json
import os
import resource
import sys
from pathlib import Path

from odoo import fields

sys.path.insert(0, os.environ['SUITE_ROOT'])

from tool.meter import Meter

ROOT = Path(os.environ['SUITE_ROOT'])
SIDE = os.environ['SUITE_SIDE']
MEMBERS = int(os.environ.get('SUITE_MEMBERS', 0))
NAME = "Bench"


def get_program():
    return env['loyalty.program'].with_context(active_test=False).search([('name', '=', NAME)])


def fill():
    """Make the data, and one program that is the only one with a ledger."""
    env['loyalty.program'].with_context(active_test=False).search([]).managed = False
    program = env['loyalty.program'].create(
        {
            'name': NAME,
            'program_type': 'loyalty',
            'expire_after': 365,
            'expiring_template_id': False,
        }
    )
    env.flush_all()
    run_statements('bench_loyalty_data', program)


def fill_tiers():
    """Give the program tiers, and the members those they had yesterday."""
    run_statements('bench_loyalty_tiers', get_program())


def run_statements(name, program):
    parameters = {'members': MEMBERS, **get_parameters(program)}
    for statement in (ROOT / f'probes/{name}.sql').read_text().split(';\n'):
        if statement.strip():
            env.cr.execute(statement, parameters)
    env.cr.commit()
    env.cr._cnx.autocommit = True
    env.cr.execute('VACUUM ANALYZE')
    env.cr._cnx.autocommit = False


def get_parameters(program):
    return {
        'program': program.id,
        'day': program._get_local_day(),
        'now': fields.Datetime.now(),
        'uid': env.uid,
    }


def run_reference(name, **parameters):
    """Do everything in one statement."""
    parameters.update(get_parameters(get_program()))
    env.cr.execute((ROOT / f'bench/ref/{name}.sql').read_text(), parameters)
    env.cr.commit()


def expiry_reference():
    run_reference('expiry')


def release_reference():
    run_reference('release')


def release_suite():
    """Release as the job does, chunk by chunk, each committed and folded."""
    env['loyalty.pending']._cron_release(0, 1)
    env.cr.commit()


def expiry_suite():
    """Expire as the job does, chunk by chunk, each committed."""
    env['loyalty.expiry']._cron_expire_points(0, 1)
    env.cr.commit()


def tiers_reference():
    window = get_program()._get_tier_window()
    run_reference(
        'tiers',
        first_day=window.first_day,
        start_at=window.start,
        end_at=window.end,
        until=window.until,
    )


def tiers_suite():
    """Evaluate as the nightly job does, chunk by chunk, each committed."""
    get_program()._enqueue_tier_evaluation()._run()


def reconcile_reference():
    env.cr.execute((ROOT / 'bench/ref/reconcile.sql').read_text())
    return list(env.cr.fetchone())


def reconcile_suite():
    checks = env['crm.selfcheck']
    found = checks._check_loyalty_balance(), checks._check_loyalty_allocation()
    return [count for _ok, _message, count in found]


def look():
    """Return one number for all that was written, and how much it is."""
    env.cr.execute(
        """SELECT (SELECT sum(hashtextextended(concat_ws('|', id, points, tier_id, tier_since,
                          tier_until, qualifying_value), 0))
                     FROM loyalty_card WHERE code LIKE 'bench-%%')
                + (SELECT COALESCE(sum(hashtextextended(concat_ws('|', card_id, date, change,
                          old_tier_id, new_tier_id, qualifying_value, threshold, window_start),
                          0)), 0) FROM loyalty_tier_history)
                + (SELECT sum(hashtextextended(concat_ws('|', card_id, qty, used, kind, key,
                          award_id, remaining, unfolded, expire_on), 0)) FROM loyalty_history)
                + (SELECT sum(hashtextextended(concat_ws('|', taken.award_id, taken.qty,
                          movement.key), 0))
                     FROM loyalty_allocation taken
                     JOIN loyalty_history movement ON movement.id = taken.consumer_id)
                + (SELECT sum(hashtextextended(concat_ws('|', id, state), 0))
                     FROM loyalty_pending)"""
    )
    [checksum] = env.cr.fetchone()
    env.cr.execute("SELECT count(*), count(*) FILTER (WHERE kind = 'expire') FROM loyalty_history")
    rows, expired = env.cr.fetchone()
    return {'checksum': str(checksum), 'rows': rows, 'expired': expired}


def measure(side):
    env.cr.execute('SET max_parallel_workers_per_gather = 0')  # they would not be counted
    env.cr.commit()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    meter = Meter(env)
    answer = side()
    target = Path(os.environ['SUITE_TARGET'])
    meter.write(target)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    result = {**json.loads(target.read_text()), 'memory': memory / 1024, 'answer': answer}
    target.write_text(json.dumps({**result, **look()}))


if SIDE.startswith('fill'):
    globals()[SIDE.replace(' ', '_')]()
else:
    measure(globals()[SIDE.replace(' ', '_')])
