"""What points must do, in plain Python and without Odoo.

Written from what the program promises a member, not from the code: the state machine plays the
same events against both and compares.  Days are those of the program; a moment is UTC.
"""

import itertools
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction

ZERO = Decimal(0)
#: what is redeemed and written off, in this order
COUNTER = itertools.count(1)


@dataclass(eq=False)
class Award:
    """Points that came in together; what goes on with them on another card is another award."""

    left: Decimal
    last_day: date | None
    #: that expired, of it or of what was given back of it
    expired: Decimal = ZERO
    parent: 'Award | None' = None
    #: the one it goes on with, which stands on a card that was merged into this one
    origin: 'Award | None' = None

    def expire(self, qty: Decimal) -> None:
        (self.parent or self).expired += qty
        self.left -= qty


@dataclass(eq=False)
class Spent:
    """Points that were redeemed: of which awards, the last one last."""

    book: 'Book'
    parts: list[tuple[Award, Decimal]]
    number: int = field(default_factory=lambda: next(COUNTER))


@dataclass(eq=False)
class Debt:
    """Points that went out and were not there."""

    qty: Decimal
    #: when they went out; known as soon as all that happened then is done
    since: datetime | None = None
    spent: Spent | None = None


@dataclass(eq=False)
class Loss:
    """Points that were written off."""

    award: Award
    #: what was not taken back of it
    qty: Decimal
    number: int = field(default_factory=lambda: next(COUNTER))


@dataclass(eq=False)
class Book:
    """The points of one member."""

    expire_after: int
    reinstate_days: int
    #: whether a debt stays ('debt') or is written off at once ('floor')
    policy: str = 'debt'
    awards: list[Award] = field(default_factory=list)
    #: the oldest first
    debts: list[Debt] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)
    #: the book that took this one over, and when
    survivor: 'tuple[Book, int] | None' = None
    #: name of a hold: points and until when
    holds: dict[object, tuple[Decimal, datetime]] = field(default_factory=dict)
    #: order, points, and when they can be used, in the order they were earned
    pending: list[list] = field(default_factory=list)
    #: balance after each step
    history: list[tuple[datetime, Decimal]] = field(default_factory=list)
    orders: list['Order'] = field(default_factory=list)

    @property
    def debt(self) -> Decimal:
        return sum((debt.qty for debt in self.debts), ZERO)

    def get_balance(self) -> Decimal:
        return sum((award.left for award in self.awards), -self.debt)

    def get_held(self, now: datetime) -> Decimal:
        return sum((qty for qty, until in self.holds.values() if until > now), ZERO)

    def get_open(self) -> list[Award]:
        """Awards with something left, the first to expire first."""
        known = [award for award in self.awards if award.left]
        return sorted(known, key=lambda award: award.last_day or date.max)

    def get_free(self, now, today, own=None) -> Decimal:
        """What can be spent: not what others hold, nor what is over and nobody holds.

        :param own: name of the hold that is about to be redeemed
        """
        qty, until = self.holds.get(own, (ZERO, now))
        mine = qty if until > now else ZERO
        held = self.get_held(now)
        over = sum((a.left for a in self.get_open() if a.last_day and a.last_day < today), ZERO)
        return self.get_balance() - max(over - held, ZERO) - (held - mine)

    def enter(self, qty, today, last_day=None, parent=None) -> Award:
        if last_day is None and self.expire_after:
            last_day = today + timedelta(days=self.expire_after)
        self.awards.append(Award(qty, last_day, parent=parent))
        self.settle()
        return self.awards[-1]

    def settle(self) -> None:
        """What comes in pays a debt first, the oldest one first."""
        for debt, award in itertools.product(self.debts, self.get_open()):
            paid = min(award.left, debt.qty)
            award.left -= paid
            debt.qty -= paid
            if paid and debt.spent:
                debt.spent.parts.append((award, paid))
        self.debts = [debt for debt in self.debts if debt.qty]

    def take(self, qty, spent=None) -> None:
        """Take from what expires first; what is missing is a debt."""
        self.debts.append(Debt(qty, spent=spent))
        self.settle()

    def close(self, now, today) -> None:
        """End what happened at one moment."""
        for debt in self.debts:
            debt.since = debt.since or now
        if self.policy == 'floor':
            self.write_off(now, today)

    def write_off(self, until, today) -> None:
        """Write off debts that are there since a moment or longer."""
        old = [debt for debt in self.debts if debt.since <= until]
        if qty := sum((debt.qty for debt in old), ZERO):
            # pays them as if it had come in
            self.losses.append(Loss(self.enter(qty, today), qty))

    def get_losses(self, number) -> list[Loss]:
        """What was written off since a moment, here and where these points are now."""
        found = [loss for loss in self.losses if loss.number > number]
        if self.survivor:
            book, merged = self.survivor
            found += book.get_losses(max(number, merged))
        return found

    def expire(self, now, today, pinned=ZERO) -> None:
        """What is over is lost, but for what is held: of that, what is over for the longest."""
        spared = self.get_held(now) + pinned
        for award in self.get_open():
            if award.last_day and award.last_day < today:
                kept = min(spared, award.left)
                spared -= kept
                award.expire(award.left - kept)

    def spend(self, qty, now, today, own=None, final=False) -> Spent | None:
        """Redeem points, those of a hold or free ones; None when there are too few.

        :param final: points that are missing are a debt, as the goods are paid
        """
        if not final and qty > self.get_free(now, today, own):
            return None
        held, until = self.holds.pop(own, (ZERO, now))
        self.expire(now, today, min(held, qty) if until > now else ZERO)
        spent = Spent(self, [])
        self.take(qty, spent)
        return spent

    def restore_losses(self, spent, qty) -> None:
        """What was written off because points had been spent is owed again when they come back."""
        for loss in spent.book.get_losses(spent.number):
            part = min(loss.qty, qty)
            loss.qty -= part
            qty -= part
            self.unearn(loss.award, part)

    def give_back(self, spent, now, today) -> None:
        """Points go back to the awards they came from; for those that are over see the program."""
        total = sum((qty for _award, qty in spent.parts), ZERO)
        anew = []
        for award, qty in reversed(spent.parts):
            is_over = award.last_day is not None and award.last_day < today
            if is_over or award not in self.awards:
                anew.append((award, qty, is_over))
            else:
                award.left += qty
        for award, qty, is_over in anew:
            last_day = today + timedelta(days=self.reinstate_days or -1)
            back = self.enter(qty, today, last_day if is_over else award.last_day)
            back.parent = award.parent or award
            back.origin = None if award in self.awards else award.origin or award
        self.settle()
        self.restore_losses(spent, total)
        self.expire(now, today)

    def unearn(self, award, qty) -> None:
        """Points are taken back from their award; what expired of it is not taken twice."""
        if award is None:
            self.take(qty)
            return
        for own in self.awards:
            if award in (own, own.origin):
                part = min(own.left, qty)
                own.left -= part
                qty -= part
        forgiven = min(qty, award.expired)
        award.expired -= forgiven
        self.take(qty - forgiven)

    def merge(self, other: 'Book') -> None:
        """Take over all of another member."""
        self.awards += [
            Award(
                award.left,
                award.last_day,
                parent=award.parent or award,
                origin=award.origin or award,
            )
            for award in other.awards
            if award.left
        ]
        for debt in other.debts:
            debt.since = None
        self.debts += other.debts
        self.settle()
        other.survivor = self, next(COUNTER)
        self.holds |= other.holds
        self.pending += other.pending
        self.orders += other.orders
        for order in other.orders:
            order.book = self
        other.awards, other.debts, other.holds, other.pending, other.orders = [], [], {}, [], []


def cut(value: Fraction) -> Decimal:
    """Cut to two decimals, once."""
    cents = Decimal(int(value * 100))
    return (cents / 100).quantize(Decimal('0.01'), ROUND_DOWN)


@dataclass(frozen=True)
class Limits:
    """At most so many points are given, counted by confirmed orders; 0 is no limit."""

    order: Decimal = ZERO
    day: Decimal = ZERO
    month: Decimal = ZERO
    member: Decimal = ZERO

    def get_room(self, order: 'Order') -> Decimal:
        """What is left for an order; what came back of others leaves no more."""
        others = [known for known in order.book.orders if known.state == 'sale']
        others.remove(order)
        month = order.day.replace(day=1)
        counted = {
            'day': [other for other in others if other.day == order.day],
            'month': [other for other in others if other.day.replace(day=1) == month],
            'member': others,
        }
        rooms = [self.order] if self.order else []
        for period, orders in counted.items():
            if most := getattr(self, period):
                rooms.append(most - sum((other.granted for other in orders), ZERO))
        return max(min(rooms), ZERO)


@dataclass(eq=False)
class Order:
    """What an order is worth in points: in proportion to how far it came and did not go back."""

    book: Book
    price: Decimal
    ordered: int
    rate: Fraction
    earn_on: str
    limits: Limits | None = None
    state: str = 'draft'
    delivered: int = 0
    #: of what was delivered, what came back to be refunded
    returned: int = 0
    #: of each invoice: pieces, credited pieces, whether it is paid
    invoices: list[list] = field(default_factory=list)
    #: points and money the reward is worth, when there is one
    cost: Decimal = ZERO
    discount: Decimal = ZERO
    given: Decimal = ZERO
    given_for: int = 0
    #: day of the confirmation, and the most it was worth since, within the limits
    day: date | None = None
    granted: Decimal = ZERO
    posted: Decimal = ZERO
    awards: list[Award] = field(default_factory=list)
    taken: Spent | None = None
    #: the invoice that has the reward now
    rewarded: list | None = None

    def __post_init__(self):
        self.book.orders.append(self)

    def freeze(self, today: date) -> None:
        self.given = cut(self.rate * Fraction(self.price * self.ordered - self.discount))
        self.given_for = self.ordered
        self.day, self.granted = today, ZERO
        self.grow(self.given)

    def grow(self, worth: Decimal) -> None:
        """An order that is worth more than ever gets what its limits leave by then."""
        if worth > self.granted:
            room = self.limits.get_room(self) if self.limits else worth
            self.granted = max(min(worth, room), self.granted)

    def count(self) -> int:
        """Pieces that count by now; a return and the credit note for it count once."""
        invoiced = sum(qty for qty, _credited, _paid in self.invoices)
        credited = sum(credited for _qty, credited, _paid in self.invoices)
        paid = sum(qty - back for qty, back, is_paid in self.invoices if is_paid)
        reached = {
            'confirm': self.ordered - self.returned,
            'delivered': self.delivered - self.returned,
            'invoiced': invoiced - credited,
            'paid': paid,
        }[self.earn_on]
        most = max(self.ordered, self.delivered, invoiced)
        return max(min(reached, most - credited, most - self.returned), 0)

    def get_target(self) -> Decimal:
        if self.state != 'sale':
            return ZERO
        worth = cut(Fraction(self.given) * self.count() / self.given_for)
        self.grow(worth)
        return min(worth, self.granted)

    def true_up(self, today, usable_from=None) -> None:
        """Bring what was given to what should have been given.

        :param usable_from: moment until which points are pending; None for at once
        """
        waiting = [row for row in self.book.pending if row[0] is self]
        missing = self.get_target() - self.posted - sum((row[1] for row in waiting), ZERO)
        if missing > 0 and usable_from:
            self.book.pending.append([self, missing, usable_from])
        elif missing > 0:
            self.post(missing, today)
        for row in reversed(waiting):
            part = min(row[1], max(-missing, ZERO))
            row[1] -= part
            missing += part
        self.book.pending = [row for row in self.book.pending if row[1]]
        if missing < 0:
            self.posted += missing
            self.book.unearn(self.awards[-1] if self.awards else None, -missing)

    def post(self, qty, today) -> None:
        self.posted += qty
        self.awards.append(self.book.enter(qty, today))
