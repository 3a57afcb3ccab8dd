# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Look whether a used shop of core's loyalty is right; run in Odoo's shell.

SUITE_PHASE is ``before`` (note what there is), ``installed`` (the ledgers begin), ``updated``,
``uninstalled`` or ``again``.  Prints a line ``FINDING ...`` for each problem.
"""

import json
import os
from pathlib import Path

phase = os.environ['SUITE_PHASE']
notes = Path(os.environ['SUITE_TARGET'])
parameters = env['ir.config_parameter']
waiting_id, done_id, bought_id = map(int, parameters.get_param('used_loyalty.orders').split(','))


def finding(text):
    print(f"FINDING used shop, {phase}: {text}")


def equal(found, expected, what):
    if found != expected:
        finding(f"{what} is {found} instead of {expected}")


def sums():
    """Points of each customer in each program, to two decimals; of cards without one by card."""
    env.flush_all()
    env.cr.execute(
        """
        SELECT concat_ws(':', card.program_id, COALESCE(card.partner_id, -card.id)),
               sum(round(COALESCE(card.points, 0)::numeric, 2))::text
          FROM loyalty_card card JOIN loyalty_program program ON program.id = card.program_id
         WHERE program.name::text LIKE '%Used%' GROUP BY 1
        """
    )
    return {key: float(points) for key, points in env.cr.fetchall()}


def compare(expected):
    found = sums()
    for key in expected.keys() | found.keys():
        if round(found.get(key, 0), 2) != round(expected.get(key, 0), 2):
            finding(f"points of {key} are {found.get(key)} instead of {expected.get(key)}")


def begin_ledgers():
    """Do what the administrator does after the report."""
    programs = env['loyalty.program'].with_context(active_test=False)
    programs = programs.search([('name', 'like', 'Used%'), ('program_type', '=', 'loyalty')])
    equal(set(programs.mapped('managed')), {False}, "managed before anybody said so")
    programs.action_manage_ledger()
    env.cr.commit()


def check_books():
    for check in ('balance', 'allocation', 'card'):
        ok, message, _count = getattr(env['crm.selfcheck'], f'_check_loyalty_{check}')()
        if not ok:
            finding(message)
    for index in ('loyalty_card_member_unique', 'loyalty_history_key_unique'):
        env.cr.execute("SELECT indexdef FROM pg_indexes WHERE indexname = %s", [index])
        if not env.cr.fetchone():
            finding(f"there is no index {index}")
    env.cr.execute(
        """SELECT count(*) FROM loyalty_history
            WHERE qty IS NULL OR kind IS NULL OR date IS NULL OR posted_at IS NULL"""
    )
    equal(env.cr.fetchone()[0], 0, "rows without a column of the ledger")


def check_orders():
    """Confirm what was open, and take it back; take back what core had confirmed."""
    waiting = env['sale.order'].browse(waiting_id)
    card = waiting.coupon_point_ids.coupon_id
    if not card.active or len(card) != 1:
        finding("an open quotation earns for a card that gave way")
    before = card.points
    with env.cr.savepoint() as savepoint:
        waiting.action_confirm()
        equal(round(card.points - before, 2), 100.0, "what an open quotation gave")
        waiting._action_cancel()
        equal(round(card.points, 2), round(before, 2), "the balance after it was cancelled")
        done, bought = env['sale.order'].browse(done_id), env['loyalty.card'].browse(bought_id)
        before = bought.points
        done._action_cancel()
        equal(round(bought.points - before, 2), -200.0, "what a cancelled order of before took")
        savepoint.rollback()
    env.invalidate_all(flush=False)


def check_first_order():
    """A first order makes one card."""
    partner = env['res.partner'].create({'name': "Used Newcomer"})
    order = env['sale.order'].browse(waiting_id).copy({'partner_id': partner.id})
    with env.cr.savepoint() as savepoint:
        order.action_confirm()
        club = env['loyalty.card'].browse(bought_id).program_id
        cards = env['loyalty.card'].search(
            [('partner_id', '=', partner.id), ('program_id', '=', club.id)]
        )
        equal(cards.mapped('points'), [100.0], "cards of a newcomer")
        savepoint.rollback()
    env.invalidate_all(flush=False)
    env.cr.rollback()


try:
    if phase == 'before':
        notes.write_text(json.dumps(sums()))
    else:
        compare(json.loads(notes.read_text()))
        if phase in ('installed', 'again'):
            begin_ledgers()
            compare(json.loads(notes.read_text()))
        if phase != 'uninstalled':
            check_books()
        check_orders()
        check_first_order()
except Exception as error:
    finding(f"{type(error).__name__}: {error}")
    raise
