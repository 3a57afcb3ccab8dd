"""A machine that plays random days of a shop against a model of what points must do.

An addon with orders of another channel (a till) plays them too: it inherits
:class:`PointsMachine` in its own tests, adds rules that move ``self.orders`` or further orders of
its own and the same in the model (``Book`` and ``Order`` of ``points_model``), and calls
:func:`play` with its class.  A rule ends like those below: what the model refuses goes through
:meth:`PointsMachine.refused`; all comparing is done after each rule by itself.
"""

import logging
import os
import random
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from unittest.mock import patch

import freezegun
import pytz
from freezegun import freeze_time
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import mute_logger

from ..ledger import to_points
from ..models.loyalty_card_lock import OWN
from .points_model import ZERO, Book, Limits, Order

_logger = logging.getLogger(__name__)

# it looks at the time it needs itself
freezegun.configure(extend_ignore_list=['hypothesis'])

START = datetime(2026, 3, 1, 10)
COST, DISCOUNT = Decimal(100), Decimal(10)
WRITE_OFF_DAYS = 5
WELCOME = Decimal('150.5')
NUMBERS = st.integers(0, 1000)
LIMITS = st.sampled_from(
    [
        {},
        {},
        {'order': 60},
        {'day': 90, 'order': 75},
        {'month': 160},
        {'day': 120, 'month': 250, 'member': 400},
    ]
)
POINTS = st.sampled_from(['0.01', '7', '33.33', '60', '100', '150.5']).map(Decimal)


class Member:
    """A customer: his contact and card in Odoo, his book in the model."""

    def __init__(self, partner, card, book):
        self.partner, self.card, self.book = partner, card, book


class PointsMachine(RuleBasedStateMachine):
    """Rules are what happens in a shop; each is done in Odoo and in the model."""

    def __init__(self, test):
        super().__init__()
        self.test = test
        self.env = test.env
        self.savepoint = self.env.cr.savepoint()
        self.members: list[Member] = []
        #: pairs of ``sale.order`` and the order of the model
        self.orders: list[tuple] = []
        self.closed: list[tuple] = []
        self.number = 0
        self.now = START
        test.clock.move_to(START)

    def teardown(self):
        self.env.cr.cache.pop(OWN, None)
        self.env.invalidate_all(flush=False)
        self.savepoint.close(rollback=True)
        self.env.invalidate_all(flush=False)

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    @property
    def today(self):
        return pytz.utc.localize(self.now).astimezone(self.zone).date()

    def to_utc(self, day):
        local = self.zone.localize(datetime.combine(day, datetime.min.time()))
        return local.astimezone(pytz.utc).replace(tzinfo=None)

    def pick(self, number, among):
        """Return one of several, the last ones for small numbers."""
        among = list(among)
        return among[-1 - number % len(among)]

    def post_orders(self, *orders):
        later = self.to_utc(self.today + timedelta(days=self.delay)) if self.delay else None
        for order in orders:
            order.true_up(self.today, later)

    def refused(self, call):
        """Make sure that something is refused and leaves nothing behind."""
        with self.test.assertRaises(UserError), self.env.cr.savepoint():
            call()

    def do(self, is_allowed, call):
        """Do what the model allows, see it refused otherwise."""
        call() if is_allowed else self.refused(call)

    def add_member(self):
        partner = self.test.create_partner(f"Member {len(self.members)} {self.number}")
        card = self.test.create_card(partner)
        book = Book(self.expire_after, self.reinstate_days, self.policy)
        member = Member(partner, card, book)
        self.members.append(member)
        # something to spend
        self.request('grant', {'card_id': card.id, 'points': float(WELCOME)})
        member.book.enter(WELCOME, self.today)

    def find(self, book):
        return next(member for member in self.members if member.book is book)

    def having(self, *states):
        return [pair for pair in self.orders if pair[1].state in states]

    # ------------------------------------------------------------
    # SHOP
    # ------------------------------------------------------------

    @initialize(
        zone=st.sampled_from(['UTC', 'Asia/Shanghai', 'America/New_York']),
        earn_on=st.sampled_from(['confirm', 'delivered', 'invoiced', 'paid']),
        rate=st.sampled_from(['1', '0.5', '1.37']),
        delay=st.sampled_from([0, 0, 5]),
        expiry=st.sampled_from([(0, 0), (30, 0), (30, 10)]),
        hold_when=st.sampled_from(['never', 'claimed']),
        limits=LIMITS,
        policy=st.sampled_from(['debt', 'floor', 'writeoff']),
    )
    def open_shop(self, zone, earn_on, rate, delay, expiry, hold_when, limits, policy):
        self.zone, self.earn_on, self.delay = pytz.timezone(zone), earn_on, delay
        self.rate = Fraction(rate)
        self.expire_after, self.reinstate_days = expiry
        self.hold_when, self.policy = hold_when, policy
        self.limits = Limits(**{name: Decimal(qty) for name, qty in limits.items()})
        program = self.test.program
        company = self.env['res.company'].search([], order='id', limit=1)
        (program.company_id or company).resource_calendar_id.tz = zone
        program.rule_ids.reward_point_amount = float(rate)
        program.write(
            {
                'earn_on': earn_on,
                'release_delay_days': delay,
                'expire_after': self.expire_after,
                'reinstate_days': self.reinstate_days,
                'redeem_earned': False,
                'earn_on_redeemed': False,
                'hold_when': hold_when,
                'hold_hours': 3,
                'negative_policy': policy,
                'write_off_days': WRITE_OFF_DAYS,
                **{f'cap_{name}': qty for name, qty in limits.items()},
            }
        )
        self.program = program
        self.add_member()
        self.add_member()

    @precondition(lambda self: len(self.members) < 3)
    @rule()
    def join(self):
        self.add_member()

    # ------------------------------------------------------------
    # CLOCK AND JOBS
    # ------------------------------------------------------------

    @rule(minutes=st.sampled_from([1, 30, 60, 181, 24 * 60]))
    def wait(self, minutes):
        self.now += timedelta(minutes=minutes)
        self.test.clock.move_to(self.now)

    @rule(days=st.sampled_from([1, 5, 10, 29, 30, 31]), minute=st.sampled_from([-1, 0, 5]))
    def wait_for_midnight(self, days, minute):
        self.now = self.to_utc(self.today + timedelta(days=days)) + timedelta(minutes=minute)
        self.test.clock.move_to(self.now)

    @rule()
    def expire(self):
        self.env['loyalty.expiry']._cron_expire_points()
        for member in self.members:
            member.book.expire(self.now, self.today)

    @rule()
    def release_pending(self):
        self.env['loyalty.pending']._cron_release()
        for member in self.members:
            book = member.book
            due = [row for row in book.pending if row[2] <= self.now]
            book.pending = [row for row in book.pending if row[2] > self.now]
            for order, qty, _usable_from in sorted(due, key=lambda row: row[2]):
                order.post(qty, self.today)

    @rule()
    def time_holds_out(self):
        self.env['loyalty.hold']._cron_expire()
        for member in self.members:
            book = member.book
            late = [key for key, (_qty, until) in book.holds.items() if until <= self.now]
            for key in late:
                del book.holds[key]
            if late and self.expire_after:
                book.expire(self.now, self.today)

    @rule()
    def write_off_old(self):
        self.env['loyalty.card']._cron_write_off()
        if self.policy == 'writeoff':
            for member in self.members:
                member.book.write_off(self.now - timedelta(days=WRITE_OFF_DAYS), self.today)

    @rule()
    def prove(self):
        self.test.assertEqual(self.test.prove().state, 'ok')

    # ------------------------------------------------------------
    # BY HAND
    # ------------------------------------------------------------

    def request(self, operation, line):
        values = {'operation': operation, 'program_id': self.program.id}
        values['line_ids'] = [Command.create(line)]
        return self.env['loyalty.request']._submit([values])

    @rule(number=NUMBERS, qty=POINTS)
    def grant(self, number, qty):
        member = self.pick(number, self.members)
        self.request('grant', {'card_id': member.card.id, 'points': float(qty)})
        member.book.enter(qty, self.today)

    @rule(number=NUMBERS, qty=POINTS)
    def take(self, number, qty):
        member = self.pick(number, self.members)
        taken = member.book.spend(qty, self.now, self.today)
        line = {'card_id': member.card.id, 'points': float(qty)}
        self.do(taken is not None, lambda: self.request('take', line))

    @rule(number=NUMBERS)
    def write_off(self, number):
        member = self.pick(number, self.members)
        member.card.action_write_off()
        member.book.write_off(self.now, self.today)

    @precondition(lambda self: len(self.members) > 1)
    @rule(number=NUMBERS, qty=POINTS)
    def transfer(self, number, qty):
        source = self.pick(number, self.members)
        goal = self.pick(number + 1, self.members)
        line = {'card_id': source.card.id, 'target_card_id': goal.card.id, 'points': float(qty)}
        taken = source.book.spend(qty, self.now, self.today)
        self.do(taken is not None, lambda: self.request('transfer', line))
        for award, part in taken.parts if taken else ():
            goal.book.enter(part, self.today, award.last_day)

    # ------------------------------------------------------------
    # HOLDS OF OTHER SYSTEMS
    # ------------------------------------------------------------

    @rule(number=NUMBERS, qty=POINTS, minutes=st.sampled_from([30, 3 * 24 * 60]))
    def hold(self, number, qty, minutes):
        member = self.pick(number, self.members)
        book = member.book
        self.number += 1
        key = f'machine:{self.number}'
        is_free = qty <= book.get_free(self.now, self.today)
        self.do(is_free, lambda: member.card._hold_points(float(qty), key, minutes=minutes))
        if is_free:
            book.expire(self.now, self.today)
            book.holds[key] = (qty, self.now + timedelta(minutes=minutes))

    def get_foreign_holds(self):
        """Return members and keys of holds that no quotation has."""
        return [
            (member.book, key)
            for member in self.members
            for key in member.book.holds
            if isinstance(key, str)
        ]

    @precondition(lambda self: self.get_foreign_holds())
    @rule(number=NUMBERS, in_part=st.booleans())
    def capture(self, number, in_part):
        book, key = self.pick(number, self.get_foreign_holds())
        qty = Decimal('0.01') if in_part else book.holds[key][0]
        taken = book.spend(qty, self.now, self.today, own=key)
        call = self.env['loyalty.card']._capture_points
        self.do(taken is not None, lambda: call(key, float(qty)))

    @precondition(lambda self: self.get_foreign_holds())
    @rule(number=NUMBERS)
    def release(self, number):
        book, key = self.pick(number, self.get_foreign_holds())
        self.env['loyalty.card']._release_points(key)
        self.drop_hold(book, key)

    def drop_hold(self, book, key):
        if book.holds.pop(key, None) and self.expire_after:
            book.expire(self.now, self.today)

    # ------------------------------------------------------------
    # ORDERS
    # ------------------------------------------------------------

    @rule(
        number=NUMBERS,
        qty=st.integers(1, 4),
        price=st.sampled_from(['33.33', '20', '99.99']).map(Decimal),
        redeems=st.booleans(),
    )
    def quote(self, number, qty, price, redeems):
        member = self.pick(number, self.members)
        line = {
            'product_id': self.test.product.id,
            'product_uom_qty': qty,
            'price_unit': float(price),
        }
        order = self.test.create_order(partner=member.partner, lines=[line])
        model = self.make_order(Order, member, price, qty)
        self.orders.append((order, model))
        if redeems:
            self.claim(member, order, model)

    def make_order(self, kind, member, price, qty):
        limits = self.limits if self.limits != Limits() else None
        return kind(member.book, price, qty, self.rate, self.earn_on, limits)

    def claim(self, member, order, model):
        """Claim the reward on a quotation."""
        order._update_programs_and_rewards()
        result = order._apply_program_reward(self.test.reward, member.card)
        is_free = model.book.get_free(self.now, self.today) >= COST
        self.test.assertEqual('error' not in result, is_free, result)
        if is_free:
            model.cost, model.discount = COST, DISCOUNT
            if self.hold_when == 'claimed':
                model.book.expire(self.now, self.today)
                model.book.holds[model] = (COST, self.now + timedelta(hours=3))

    @precondition(lambda self: self.having('draft'))
    @rule(number=NUMBERS)
    def confirm(self, number):
        order, model = self.pick(number, self.having('draft'))
        book = model.book
        if model.cost:
            model.taken = book.spend(model.cost, self.now, self.today, own=model)
            if model.taken is None:
                return self.refused(order.action_confirm)
        order.action_confirm()
        model.state = 'sale'
        model.freeze(self.today)
        self.post_orders(model)

    @precondition(lambda self: self.having('draft', 'sale'))
    @rule(number=NUMBERS)
    def cancel(self, number):
        order, model = self.pick(number, self.having('draft', 'sale'))
        if any(invoice.state == 'posted' for invoice in order.invoice_ids):
            return
        order._action_cancel()
        model.state = 'cancel'
        self.post_orders(model)
        if model.taken:
            model.book.give_back(model.taken, self.now, self.today)
        self.drop_hold(model.book, model)
        model.cost, model.discount, model.taken = ZERO, ZERO, None

    @precondition(lambda self: self.having('cancel'))
    @rule(number=NUMBERS)
    def reset(self, number):
        self.draft(number)

    def draft(self, number):
        order, model = self.pick(number, self.having('cancel'))
        if not model.ordered:
            return
        order.action_draft()
        model.state = 'draft'

    @precondition(lambda self: self.having('sale'))
    @rule(number=NUMBERS, qty=st.integers(0, 6))
    def edit(self, number, qty):
        self.change(number, qty)

    def change(self, number, qty):
        order, model = self.pick(number, self.having('sale'))
        qty = max(qty, model.delivered)
        # core takes the price of the list when the quantity changes
        self.get_line(order).write({'product_uom_qty': qty, 'price_unit': float(model.price)})
        model.ordered = qty
        self.post_orders(model)

    def get_line(self, order):
        return order.order_line.filtered(lambda line: not line.reward_id)

    @precondition(lambda self: self.having('sale'))
    @rule(number=NUMBERS, qty=st.integers(0, 4))
    def deliver(self, number, qty):
        order, model = self.pick(number, self.having('sale'))
        model.delivered = min(qty, model.ordered)
        self.get_line(order).qty_delivered = model.delivered
        self.post_orders(model)

    # ------------------------------------------------------------
    # INVOICES
    # ------------------------------------------------------------

    @precondition(lambda self: self.having('sale'))
    @rule(number=NUMBERS)
    def invoice(self, number):
        order, model = self.pick(number, self.having('sale'))
        net = sum(qty - back for qty, back, _paid in model.invoices)
        if model.ordered <= net:
            return
        order._create_invoices().action_post()
        model.invoices.append([model.ordered - net, 0, False])
        self.post_orders(model)
        if model.cost and not model.rewarded:
            model.rewarded = model.invoices[-1]
            # the reward had been credited, and is redeemed once more
            model.taken = model.taken or model.book.spend(
                model.cost, self.now, self.today, final=True
            )

    def get_invoices(self, order):
        invoices = order.invoice_ids.filtered(lambda move: move.move_type == 'out_invoice')
        return invoices.sorted('id')

    def get_billed(self):
        return [pair for pair in self.orders if pair[1].invoices]

    @precondition(lambda self: self.get_billed())
    @rule(number=NUMBERS)
    def pay(self, number):
        order, model = self.pick(number, self.get_billed())
        for invoice, known in zip(self.get_invoices(order), model.invoices, strict=True):
            if not known[2] and known[1] < known[0]:
                wizard = self.env['account.payment.register'].with_context(
                    active_model='account.move', active_ids=invoice.ids
                )
                wizard.create({})._create_payments()
                known[2] = True
        self.post_orders(model)

    @precondition(lambda self: self.get_billed())
    @rule(number=NUMBERS, qty=st.integers(1, 3))
    def credit(self, number, qty):
        order, model = self.pick(number, self.get_billed())
        index = number % len(model.invoices)
        invoice, known = self.get_invoices(order)[index], model.invoices[index]
        qty = min(qty, known[0] - known[1])
        if not qty:
            return
        note = invoice._reverse_moves()
        line = note.invoice_line_ids.filtered(lambda row: row.sale_line_ids == self.get_line(order))
        if qty < known[0]:
            (note.invoice_line_ids - line).unlink()
            line.quantity = qty
        note.action_post()
        known[1] += qty
        self.post_orders(model)
        if qty == known[0] and known is model.rewarded:
            model.book.give_back(model.taken, self.now, self.today)
            model.rewarded = model.taken = None

    # ------------------------------------------------------------
    # CONTACTS
    # ------------------------------------------------------------

    @precondition(lambda self: len(self.members) > 1)
    @rule(number=NUMBERS)
    def merge(self, number):
        gone = self.pick(number, self.members)
        kept = self.pick(number + 1, self.members)
        self.members.remove(gone)
        self.env['base.partner.merge.automatic.wizard'].create({})._merge(
            [gone.partner.id, kept.partner.id], kept.partner
        )
        kept.book.merge(gone.book)

    # ------------------------------------------------------------
    # WHAT MUST BE TRUE AFTER EACH STEP
    # ------------------------------------------------------------

    @invariant()
    def agree(self):
        # the next rule is a request of its own
        self.env.flush_all()
        self.env.invalidate_all(flush=False)
        self.env.cr.cache.pop(OWN, None)
        if not self.members:
            return
        self.test.assert_balanced(*(member.card for member in self.members))
        for member in self.members:
            member.book.close(self.now, self.today)
            self.compare(member.card, member.book)
        self.test.steps += 1

    def compare(self, card, book):
        equal = self.test.assertEqual
        balance = book.get_balance()
        book.history.append((self.now, balance))
        equal(Decimal(str(card.points)), balance, "balance")
        rows = card.history_ids
        left, found = {}, {}
        for award in book.get_open():
            left[award.last_day] = left.get(award.last_day, ZERO) + award.left
        for row in rows.filtered(lambda row: row.remaining > 0):
            day = row.expire_on or None
            found[day] = found.get(day, ZERO) + to_points(row.remaining)
        equal(found, left, "what is left, by last day")
        equal(-sum(row.remaining for row in rows if row.remaining < 0), float(book.debt), "debt")
        pending = sum((row[1] for row in book.pending), ZERO)
        equal(round(card.points_pending, 2), float(pending), "pending")
        free = max(book.get_free(self.now, self.today), ZERO)
        equal(round(card.points_free, 2), float(free), "free")
        for row in rows:
            if row.kind == 'burn' and not book.debt:
                equal(row.remaining, 0, "redeemed points are allocated")
        self.compare_past(card, book)

    def compare_past(self, card, book):
        """Compare the statement as of an earlier day with what the model said then."""
        moment = book.history[len(book.history) // 2][0]
        day = pytz.utc.localize(moment).astimezone(self.zone).date()
        end = self.to_utc(day + timedelta(days=1))
        known = [balance for at, balance in book.history if at < end]
        found = card.get_balance(as_of=str(day))[0]['balance']
        self.test.assertEqual(found, float(known[-1]), f"balance as of {day}")


class MachineMixin:
    """Runs machines in a transaction case of :class:`LoyaltyCommon`."""

    def setUp(self):
        super().setUp()
        self.steps = 0
        # deliveries are entered by hand, whatever other addons are there
        self.product.type = 'service'
        freezer = freeze_time(START)
        self.clock = freezer.start()
        self.addCleanup(freezer.stop)
        settled = patch.object(
            self.registry['loyalty.proof'],
            '_get_settled_id',
            lambda proof: proof._get_last_number(),
        )
        settled.start()
        self.addCleanup(settled.stop)

    def prove(self):
        """Do what the nightly job does; return its proof."""
        job = self.program._enqueue_proof().sudo()
        while self.env['loyalty.proof']._prove_chunk(job):
            pass
        job.state = 'cancelled'
        job.unlink()
        return self.env['loyalty.proof'].search([('program_id', '=', self.program.id)], limit=1)

    def play_many(self):
        """Play with seeds nobody chose.

        ``POINTS_SEED`` plays one seed again, ``POINTS_STEPS`` says how many steps at least (2,000).
        """
        given = os.environ.get('POINTS_SEED')
        wanted = int(os.environ.get('POINTS_STEPS', '2000'))
        draw = random.SystemRandom()
        while self.steps < wanted:
            number = int(given) if given else draw.randrange(10**9)
            _logger.warning("Points machine: seed %s, %s steps before", number, self.steps)
            self.play(number, steps=50)
            if given:
                break
        _logger.warning("Points machine: %s steps", self.steps)

    def play(self, number, machine=PointsMachine, examples=5, steps=25):
        """Play some days with the machine.

        :param number: seed; the same one plays the same again
        """

        def make():
            return machine(self)

        seed(number)(make)
        with mute_logger('odoo.sql_db', 'odoo.addons.sale.models.sale_order'):
            run_state_machine_as_test(
                make,
                settings=settings(
                    max_examples=examples,
                    stateful_step_count=steps,
                    deadline=None,
                    database=None,
                    print_blob=False,
                    verbosity=Verbosity.normal,
                    phases=[Phase.generate, Phase.shrink],
                    suppress_health_check=list(HealthCheck),
                ),
            )
