# ruff: noqa: F821 - `env` is what Odoo's shell provides
"""Let clients confirm orders of one customer at once, as processes with real commits.

Run in Odoo's shell.  Each client does what a request does, Odoo's retries included.  Ways:
``confirm`` as the button does; ``create`` writes the order in the same transaction before, as a
till; ``pay`` lets a payment confirm it, as a web shop.
"""

import json
import os
import pickle
import random
import sys
import time
import traceback
from functools import partial
from pathlib import Path

sys.path.insert(0, os.path.join(os.environ['SUITE_ROOT'], 'probes'))

from bench_shop import NAME, UID, Shop
from bench_side import get_seconds

from odoo import SUPERUSER_ID, api, sql_db
from odoo.exceptions import UserError
from odoo.modules.registry import Registry
from odoo.service.model import retrying

CLIENTS = int(os.environ['SUITE_CLIENTS'])
NUMBER = int(os.environ['SUITE_NUMBER'])
WAYS = ('confirm', 'create', 'pay')


class HotShop(Shop):
    """A shop where all buy on one card."""

    def run(self, way):
        """Share the orders out among the clients; return what became of each, and the seconds."""
        number = NUMBER + CLIENTS
        ids = [None] * number if way == 'create' else self.create_orders(number, 1, members=1)
        if way == 'pay':
            ids = self.create_payments(ids)
        self.registry.cursor().close()
        start_read, start_write = os.pipe()
        pipes = [self.start(way, ids[n::CLIENTS], start_read) for n in range(CLIENTS)]
        ready = [pipe.readline() for pipe, _pid in pipes]  # all have done one
        begun = time.monotonic()
        os.write(start_write, b'x' * CLIENTS)
        results = [pickle.load(pipe) for pipe, _pid in pipes]
        seconds = time.monotonic() - begun
        for _pipe, pid in pipes:
            os.waitpid(pid, 0)
        assert len(ready) == CLIENTS
        return {
            'seconds': seconds,
            'python': sum(result['python'] for result in results),
            'orders': [order for result in results for order in result['orders']],
        }

    def create_payments(self, order_ids):
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            inactive = env(context={'active_test': False})
            provider = inactive['payment.provider'].search([], limit=1)
            method = inactive['payment.method'].search([], limit=1)
            return (
                env['payment.transaction']
                .create(
                    [
                        {
                            'provider_id': provider.id,
                            'payment_method_id': method.id,
                            'reference': f'{NAME} {order.id}',
                            'amount': order.amount_total,
                            'currency_id': order.currency_id.id,
                            'partner_id': order.partner_id.id,
                            'operation': 'online_direct',
                            'sale_order_ids': [(6, 0, order.ids)],
                        }
                        for order in env['sale.order'].browse(order_ids)
                    ]
                )
                .ids
            )

    def start(self, way, ids, start):
        """Start a client; return what it tells, and its id."""
        read, write = os.pipe()
        pid = os.fork()
        if pid:
            os.close(write)
            return os.fdopen(read, 'rb'), pid
        code = 1
        try:
            random.seed(ids[0])
            sql_db._Pool = sql_db._Pool_readonly = None  # the connections are the parent's
            registry = Registry(self.database)
            registry._db = sql_db.db_connect(self.database)
            with os.fdopen(write, 'wb') as output:
                # a client that has done nothing yet has everything to load
                self.do(registry, way, ids[0], warm=True)
                output.write(b'ready\n')
                output.flush()
                os.read(start, 1)
                before = get_seconds(os.getpid())
                orders = [self.do(registry, way, id_) for id_ in ids[1:]]
                python = get_seconds(os.getpid()) - before
                pickle.dump({'orders': orders, 'python': python}, output)
            code = 0
        except Exception:  # noqa: BLE001 - the parent sees the code
            traceback.print_exc()
        finally:
            os._exit(code)

    def do(self, registry, way, id_, warm=False):
        """Do one order as a request does; return how long it took and what the user was told."""
        begun = time.monotonic()
        error = None
        with registry.cursor() as cr:
            env = api.Environment(cr, UID, {})
            cr.execute('SELECT 1')  # as the session is looked up: the snapshot is old
            try:
                retrying(partial(getattr(self, way), env, id_), env)
                cr.commit()
            except UserError as refused:
                cr.rollback()
                error = str(refused)
            except Exception as failed:  # noqa: BLE001 - the user gets an error
                cr.rollback()
                error = repr(failed)
        return {'seconds': time.monotonic() - begun, 'error': error}

    def confirm(self, env, id_):
        env['sale.order'].browse(id_).with_context(**self.context).action_confirm()

    def create(self, env, _id):
        [vals] = self.prepare_orders(env, 1, 1, members=1)
        env['sale.order'].create(vals).action_confirm()

    def pay(self, env, id_):
        transaction = env['payment.transaction'].sudo().browse(id_)
        transaction._set_done()
        env.flush_all()
        # of what follows, the entry in the books is another matter
        transaction._check_amount_and_confirm_order()


shop = HotShop(env.cr.dbname)
env.cr.rollback()
if os.environ.get('SUITE_PREPARE'):
    shop.prepare()
load = os.getloadavg()[0]
result = {way: shop.run(way) for way in WAYS}
result['points'] = shop.check()
result['load'] = load
Path(os.environ['SUITE_TARGET']).write_text(json.dumps(result))
