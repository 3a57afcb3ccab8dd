"""Workers that buy, redeem and cancel on the same cards, as processes with real commits."""

import os
import pickle
import random
import signal
import time
import traceback
from datetime import timedelta
from functools import partial

from odoo import SUPERUSER_ID, api, modules, sql_db
from odoo.exceptions import UserError
from odoo.fields import Command, Date
from odoo.service.model import retrying
from odoo.tests import BaseCase, get_db_name

from odoo.addons.crm_loyalty.models.loyalty_card_ledger import Movement
from odoo.addons.crm_loyalty.models.loyalty_card_lock import ANEW

REF = 'loyalty-workers'
#: kinds of rows that no order made
OTHER_KINDS = ('opening', 'grant', 'expire')


class WorkersCase(BaseCase):
    """A program of one point per 1.00, 90 points for a reward, committed and deleted in the end."""

    #: whether orders may begin their transaction anew, as those may that a client confirms
    begin_anew = ANEW

    def setUp(self):
        super().setUp()
        self.addCleanup(self.clean_up)
        with self.open_environment() as env:
            # no other order is concerned
            pricelist = env['product.pricelist'].create({'name': REF})
            program = env['loyalty.program'].create(self.prepare_program(pricelist))
            product = env['product.product'].create(
                {'name': REF, 'list_price': 10, 'taxes_id': False, 'type': 'service'}
            )
            self.pricelist_id, self.program_id = pricelist.id, program.id
            self.product_id = product.id

    def prepare_program(self, pricelist):
        return {
            'name': REF,
            'program_type': 'loyalty',
            'applies_on': 'both',
            'trigger': 'auto',
            'pricelist_ids': [Command.set(pricelist.ids)],
            'rule_ids': [Command.create({'reward_point_mode': 'money', 'reward_point_amount': 1})],
            'reward_ids': [
                Command.create(
                    {
                        'reward_type': 'discount',
                        'discount_mode': 'per_order',
                        'discount': 1,
                        'discount_applicability': 'order',
                        'required_points': 90,
                    }
                )
            ],
            'tier_ids': [
                Command.create({'name': "Basic", 'min_value': 0}),
                Command.create({'name': "Silver", 'min_value': 100}),
            ],
        }

    # ------------------------------------------------------------
    # DATABASE
    # ------------------------------------------------------------

    def open_environment(self):
        """Return a context manager of an environment whose work is committed."""
        return _Committed(modules.registry.Registry(get_db_name()))

    def query(self, query, *params):
        with sql_db.db_connect(get_db_name()).cursor() as cr:
            cr.execute(query, params)  # pylint: disable=sql-injection
            return cr.fetchall() if cr.description else cr.rowcount

    def clean_up(self):
        orders = 'SELECT id FROM sale_order WHERE client_order_ref = %s'
        # of any program, as there may be others in the database
        cards = (
            'SELECT card.id FROM loyalty_card card'
            ' JOIN res_partner partner ON partner.id = card.partner_id WHERE partner.ref = %s'
        )
        self.query(f'DELETE FROM sale_order_coupon_points WHERE coupon_id IN ({cards})', REF)
        self.query(f'DELETE FROM sale_order WHERE id IN ({orders})', REF)
        self.query(f'DELETE FROM loyalty_card WHERE id IN ({cards})', REF)
        [[line_product]] = self.query(
            'SELECT discount_line_product_id FROM loyalty_reward WHERE program_id = %s',
            self.program_id,
        )
        self.query('DELETE FROM loyalty_program WHERE id = %s', self.program_id)
        with self.open_environment() as env:
            products = env['product.product'].browse([line_product, self.product_id])
            products.product_tmpl_id.unlink()
            env['product.pricelist'].browse(self.pricelist_id).unlink()
            env['res.partner'].search([('ref', '=', REF)]).unlink()

    def create_members(self, number, points=0, cards=True):
        """Commit contacts with a card each; return the ids of the contacts."""
        with self.open_environment() as env:
            partners = env['res.partner'].create(
                [{'name': f"{REF} {n}", 'ref': REF} for n in range(number)]
            )
            if cards:
                env['loyalty.card'].create(
                    [
                        {'partner_id': id_, 'program_id': self.program_id, 'points': points}
                        for id_ in partners.ids
                    ]
                )
            return partners.ids

    def create_orders(self, partner_ids, amount=10, reward=False):
        """Commit quotations, one for each contact given; return their ids."""
        with self.open_environment() as env:
            orders = env['sale.order'].create(
                [
                    {
                        'partner_id': partner_id,
                        'client_order_ref': REF,
                        'pricelist_id': self.pricelist_id,
                        'order_line': [
                            Command.create({'product_id': self.product_id, 'price_unit': amount})
                        ],
                    }
                    for partner_id in partner_ids
                ]
            )
            if reward:
                rewards = env['loyalty.program'].browse(self.program_id).reward_ids
                for order in orders:
                    order._update_programs_and_rewards()
                    card = env['loyalty.card'].search(
                        [
                            ('partner_id', '=', order.partner_id.id),
                            ('program_id', '=', self.program_id),
                        ]
                    )
                    order._apply_program_reward(rewards, card)
            return orders.ids

    def create_awards(self, members):
        """Commit 100 points that are over, and 100 that are not, for each member."""
        over, later = Date.today() - timedelta(days=2), Date.today() + timedelta(days=99)
        with self.open_environment() as env:
            cards = env['loyalty.card'].search(
                [('program_id', '=', self.program_id), ('partner_id', 'in', members)]
            )
            cards._post(
                Movement(card.id, 100, 'grant', expire_on=day)
                for card in cards
                for day in (over, later)
            )

    def count_overdue(self):
        [[count]] = self.query(
            """SELECT count(*) FROM loyalty_history award
                 JOIN loyalty_card card ON card.id = award.card_id
                WHERE card.program_id = %s AND award.remaining > 0
                  AND award.expire_on < current_date - 1""",
            self.program_id,
        )
        return count

    # ------------------------------------------------------------
    # WORKERS
    # ------------------------------------------------------------

    def run_workers(self, tasks, workers=8, kill=0, seed=1):
        """Share out tasks among processes; return what became of each.

        :param tasks: ``(method of sale.order, id)``
        :param kill: how many of the processes to kill on their way; their tasks may be undone
        :return: list of ``(seconds, error or None)``; of killed processes what they could tell
        """
        pipes, pids = [], []
        for number in range(workers):
            read, write = os.pipe()
            pids.append(self.start(tasks[number::workers], write, seed + number))
            os.close(write)
            pipes.append(read)
        source = random.Random(seed)
        for pid in pids[:kill]:
            time.sleep(source.uniform(0.05, 0.6))
            os.kill(pid, signal.SIGKILL)
        results = []
        for read in pipes:
            with os.fdopen(read, 'rb') as pipe:
                while True:
                    try:
                        results.append(pickle.load(pipe))
                    except (EOFError, pickle.UnpicklingError):
                        break
        for pid in pids:
            os.waitpid(pid, 0)
        return results

    def start(self, tasks, pipe, seed):
        """Start a process that does its tasks as requests do; return its id."""
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            random.seed(seed)
            modules.module.current_test = None
            sql_db._Pool = sql_db._Pool_readonly = None  # the connections are the parent's
            registry = modules.registry.Registry(get_db_name())
            registry._db = sql_db.db_connect(get_db_name())
            with os.fdopen(pipe, 'wb') as output:
                for method, record_id in tasks:
                    begun = time.monotonic()
                    error = self.do_task(registry, method, record_id)
                    pickle.dump((time.monotonic() - begun, error), output)
                    output.flush()
            code = 0
        except Exception:  # noqa: BLE001 - the parent sees the code
            traceback.print_exc()
        finally:
            os._exit(code)

    def do_task(self, registry, method, record_id):
        """Do one task as a request does; return what the user would be told, or None."""
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            cr.execute('SELECT 1')  # as the key of the API is looked up: the snapshot is old
            try:
                retrying(partial(self.call, env, method, record_id), env)
                cr.commit()  # pylint: disable=invalid-commit
            except UserError as error:
                cr.rollback()
                return str(error)
        return None

    def call(self, env, method, record_id):
        if method == 'points':
            env['loyalty.card'].browse(record_id).points += 1
        elif method == 'expire':
            # the number of the shard
            env['loyalty.expiry']._cron_expire_points(record_id, 2)
        elif method == 'release':
            env['loyalty.pending']._cron_release(record_id, 2)
        else:
            order = env['sale.order'].browse(record_id)
            # as if a client had called it
            getattr(order.with_context(loyalty_begin_anew=self.begin_anew), method)()

    # ------------------------------------------------------------
    # ACCOUNTS
    # ------------------------------------------------------------

    def check_books(self):
        """Check that balances are what the orders say, read and stored, and all is allocated."""
        with self.open_environment() as env:
            cards = env['loyalty.card'].search([('program_id', '=', self.program_id)])
            read = {card.id: round(card.points, 2) for card in cards}
            orders = env['sale.order'].search(
                [('client_order_ref', '=', REF), ('state', '=', 'sale')]
            )
            expected = {
                card.id: sum(
                    card.history_ids.filtered(lambda row: row.kind in OTHER_KINDS).mapped('qty')
                )
                for card in cards
            }
            for entry in orders.coupon_point_ids.filtered(lambda e: e.coupon_id in cards):
                expected[entry.coupon_id.id] += entry.points
            for line in orders.order_line.filtered('points_cost'):
                expected[line.coupon_id.id] -= line.points_cost
            self.assertEqual(read, {card: round(qty, 2) for card, qty in expected.items()})
            env['loyalty.card']._cron_fold()
        with self.open_environment() as env:
            for check in ('_check_loyalty_balance', '_check_loyalty_allocation'):
                ok, message, _count = getattr(env['crm.selfcheck'], check)()
                self.assertTrue(ok, message)
        members = self.query(
            'SELECT count(*), count(DISTINCT partner_id) FROM loyalty_card'
            ' WHERE program_id = %s AND active',
            self.program_id,
        )
        self.assertEqual(*members[0])
        return read


class _Committed:
    def __init__(self, registry):
        self.cr = registry.cursor()

    def __enter__(self):
        self.cr.__enter__()
        return api.Environment(self.cr, SUPERUSER_ID, {'tracking_disable': True})

    def __exit__(self, *exception):
        return self.cr.__exit__(*exception)
