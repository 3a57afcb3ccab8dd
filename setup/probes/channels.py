# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Take the channels of a used loyalty program away, one by one; run in Odoo's shell.

SUITE_CHANNELS are addons of core, in the order in which they go.  After each the books agree, the
statement is read as it was before, core's orders and the portal work.  Prints a line
``FINDING ...`` for each problem, and for each error that is logged meanwhile.
"""

import logging
import os
from uuid import uuid4

from werkzeug.test import Client

from odoo import Command, fields, http
from odoo.service.security import compute_session_token

step = "used"


def finding(text):
    print(f"FINDING channels, {step}: {text}")


def equal(found, expected, what):
    if found != expected:
        finding(f"{what} is {found} instead of {expected}")


#: what core logs without ours as well: rules of the warehouse still name the types of `repair`
LOGGED_BY_CORE = 'bad query: b\'DELETE FROM "stock_picking_type"'


class Errors(logging.Handler):
    def emit(self, record):
        text = record.getMessage().strip()
        if not text.startswith(LOGGED_BY_CORE):
            finding(f"logged: {text.splitlines()[0]}")


logging.getLogger().addHandler(Errors(logging.ERROR))

# ------------------------------------------------------------
# WHAT A SHOP DOES
# ------------------------------------------------------------


def program(name, **values):
    rule = {'reward_point_mode': 'money', 'reward_point_amount': 1}
    reward = {'discount_mode': 'per_order', 'discount': 10, 'required_points': 100}
    return env['loyalty.program'].create(
        {
            'name': name,
            'program_type': 'loyalty',
            'applies_on': 'both',
            'trigger': 'auto',
            'portal_visible': True,
            'portal_point_name': "Points",
            'rule_ids': [Command.create(rule)],
            'reward_ids': [Command.create(reward)],
            **values,
        }
    )


def order(price=100, claim=False, **values):
    line = {'product_id': product_id, 'price_unit': price, 'tax_ids': False}
    found = env['sale.order'].create(
        {'partner_id': member_id, 'order_line': [Command.create(line)], **values}
    )
    if claim:
        found._update_programs_and_rewards()
        found._apply_program_reward(club().reward_ids, card())
    return found


def club():
    # with what the addons of the moment make of it
    return env['loyalty.program'].browse(club_id)


def card():
    return env['loyalty.card'].search(
        [('partner_id', '=', member_id), ('program_id', '=', club_id)]
    )


def till():
    """A till with an open session, and the method its orders are paid by."""
    journal = env['account.journal'].create({'name': "Till", 'type': 'bank', 'code': 'TILL'})
    method = env['pos.payment.method'].create({'name': "Card", 'journal_id': journal.id})
    found = env['pos.config'].create(
        {'name': "Till", 'payment_method_ids': [Command.set(method.ids)]}
    )
    found.with_user(env.ref('base.user_admin')).open_ui()
    found.current_session_id.set_opening_control(0, None)
    return found


def sell(at, price, **values):
    """Send an order as a till does."""
    line = {
        'uuid': str(uuid4()),
        'product_id': product_id,
        'qty': 1,
        'price_unit': price,
        'price_subtotal': price,
        'price_subtotal_incl': price,
        'tax_ids': [Command.set([])],
        'pack_lot_ids': [],
        **values,
    }
    payment = {
        'uuid': str(uuid4()),
        'payment_method_id': at.payment_method_ids.id,
        'amount': price,
        'name': fields.Datetime.to_string(fields.Datetime.now()),
    }
    sale = {
        'uuid': str(uuid4()),
        'access_token': str(uuid4()),
        'state': 'paid',
        'date_order': fields.Datetime.to_string(fields.Datetime.now()),
        'session_id': at.current_session_id.id,
        'partner_id': member_id,
        'lines': [Command.create(line)],
        'amount_total': price,
        'amount_tax': 0,
        'amount_paid': price,
        'amount_return': 0,
        'payment_ids': [Command.create(payment)],
        'last_order_preparation_change': '{}',
        'to_invoice': False,
    }
    env['pos.order'].sync_from_ui([sale])


def use():
    """Earn and redeem in every channel; leave a quotation and a hold open."""
    order(500).action_confirm()
    order(50, claim=True).action_confirm()
    order(70, website_id=env['website'].search([], limit=1).id).action_confirm()
    order(30, claim=True)
    order(20).action_confirm()
    shop = till()
    sell(shop, 200)
    sell(shop, 40)
    card()._hold_points(15, 'channels', minutes=600, description="Hotel")


# ------------------------------------------------------------
# WHAT IS LOOKED AT
# ------------------------------------------------------------


def read_statement():
    """Return what does not depend on who else is installed."""
    rows = card().get_statement(limit=1000)['movements']
    return [(row['id'], row['text'], row['points'], row['balance']) for row in rows]


def check_books():
    for check in ('balance', 'allocation', 'card'):
        ok, message, _count = getattr(env['crm.selfcheck'], f'_check_loyalty_{check}')()
        if not ok:
            finding(message)
    job = club()._enqueue_proof().sudo()
    while env['loyalty.proof']._prove_chunk(job):
        pass
    proof = env['loyalty.proof'].search([('program_id', '=', club_id)], limit=1)
    equal(proof.state, 'ok', f"the proof ({proof.verdict})")


def check_statement(expected):
    equal(read_statement(), expected, "the statement")
    rows = card().history_ids
    for row in rows:
        shown = row.web_read({'description': {}, 'origin': {}, 'order_id': {}, 'order_model': {}})
        if not shown[0]['description']:
            finding(f"the row {row.id} has no text")
        if row.order_id and not row._get_order_description():
            finding(f"the document of the row {row.id} has no name")


def check_order():
    """Confirm and cancel a new order, cancel those confirmed before."""
    before = card().points
    with env.cr.savepoint() as savepoint:
        new = order(60)
        new.action_confirm()
        if 'sale.order.coupon.points' in env:
            equal(round(card().points - before, 2), 60.0, "what an order gave")
        new._action_cancel()
        equal(round(card().points, 2), round(before, 2), "the balance after it was cancelled")
        confirmed = [('partner_id', '=', member_id), ('state', '=', 'sale')]
        env['sale.order'].search(confirmed)._action_cancel()
        savepoint.rollback()
    env.invalidate_all(flush=False)
    equal(card().points, before, "the balance afterwards")


def check_portal():
    """Open the pages of the member."""
    env.cr.commit()
    user = env['res.users'].browse(user_id)
    session = http.root.session_store.new()
    session.update(http.get_default_session(), db=env.cr.dbname, _trace_disable=True)
    session.uid, session.login = user.id, user.login
    session.session_token = compute_session_token(session, user.with_user(user).env)
    session.context = {'lang': 'en_US'}
    http.root.session_store.save(session)
    client = Client(http.root)
    client.set_cookie('session_id', session.sid, domain='localhost')
    for page in ('/my', '/my/orders', f'/my/loyalty_card/{card().id}/history'):
        answer = client.get(page)
        if answer.status_code != 200:
            finding(f"{page} answers {answer.status}")
    http.root.session_store.delete(session)


def check_rests():
    """Look for names and columns of addons that are not there any more."""
    env.cr.execute(
        """SELECT data.module || '.' || data.name
             FROM ir_model_data data JOIN ir_module_module module ON module.name = data.module
            WHERE module.state = 'uninstalled' AND module.name LIKE 'crm_loyalty%'"""
    )
    equal(env.cr.fetchall(), [], "what is left")
    for name in ('loyalty.program', 'loyalty.card', 'loyalty.history', 'sale.order', 'res.partner'):
        env.cr.execute(
            'SELECT column_name FROM information_schema.columns WHERE table_name = %s',
            [env[name]._table],
        )
        columns = {column for (column,) in env.cr.fetchall()}
        equal(columns - set(env[name]._fields), set(), f"columns of {name} without a field")


def check(expected):
    for part in (check_books, check_order, check_portal, check_rests):
        if part is check_books and 'loyalty.proof' not in env:
            continue
        try:
            part()
        except Exception as error:  # noqa: BLE001 - every failure is a finding
            env.cr.rollback()
            finding(f"{part.__name__}: {type(error).__name__}: {error}")
    if 'loyalty.proof' in env:
        check_statement(expected)
    env.cr.commit()


env['loyalty.program'].search([]).active = False
goods = {'name': "Tea", 'type': 'consu', 'list_price': 100, 'taxes_id': False}
product_id = env['product.product'].create({**goods, 'available_in_pos': True}).id
rights = [Command.set(env.ref('base.group_portal').ids)]
user = env['res.users'].create(
    {'name': "Channel Member", 'login': 'channel_member', 'group_ids': rights}
)
user_id, member_id = user.id, user.partner_id.id
club_id = program("Channel Club").id
use()
env.cr.commit()
expected, balance = read_statement(), card().points
check(expected)
for step in os.environ['SUITE_CHANNELS'].split(','):
    module = env['ir.module.module'].search([('name', '=', step), ('state', '=', 'installed')])
    if not module:
        finding("is not installed")
    module.button_immediate_uninstall()
    env.cr.rollback()
    env.transaction.reset()
    if 'loyalty.card' in env:
        equal(card().points, balance, "the balance")
        check(expected)
