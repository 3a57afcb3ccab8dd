"""The arithmetic of the points ledger, without the database.

What is left of a row is its ``remaining``: of an award (points that came in) what was not spent
yet, of a consumer (points that went out) what no award covered yet, as a negative number.  So at
any time the balance is the sum of all quantities and also the sum of all that remains; awards
and uncovered consumers never stand beside each other, and the uncovered ones are the debt.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import NamedTuple

from odoo.exceptions import ValidationError
from odoo.tools.translate import LazyTranslate

_lt = LazyTranslate(__name__)

ZERO = Decimal(0)
CENT = Decimal('0.01')
#: nobody moves as many at once
MAX_POINTS = 10**12


def to_points(value: float | Decimal | None) -> Decimal:
    """Return points with two decimals, half up; 0.1 ten times is 1.00.

    :raise ValidationError: a number too large to have cents
    """
    try:
        return Decimal(str(value or 0)).quantize(CENT, ROUND_HALF_UP)
    except InvalidOperation as error:
        raise ValidationError(str(_lt("These are too many points."))) from error


@dataclass
class Entry:
    """A row of the ledger as the matching sees it; ``remaining`` is changed in place."""

    id: int
    qty: Decimal
    remaining: Decimal
    #: last day on which the points of an award can be used
    expire_on: date | None = None
    #: the award a consumer takes from first; of an award, the one it goes on with
    award_id: int | None = None
    #: the consumer whose points are given back
    reversed_id: int | None = None
    #: the day on which points are given back, of programs whose points expire
    given_on: date | None = None

    @classmethod
    def from_row(cls, row_id: int, qty: float, remaining: float, *columns) -> Entry:
        """Return the entry of a row as Odoo reads it, where numbers are floats."""
        return cls(row_id, to_points(qty), to_points(remaining), *columns)

    def comes_too_late_for(self, award: Entry) -> bool:
        """Return whether the award had expired when its points were given back."""
        return bool(self.given_on and award.expire_on and award.expire_on < self.given_on)


class Allocation(NamedTuple):
    """Points a consumer took from an award; negative where they were given back."""

    consumer_id: int
    award_id: int
    qty: Decimal


@dataclass
class Ledger:
    """The open rows of one card, to which new rows are applied in the order they were posted.

    Points that expire first are spent first, those that never do at last.
    """

    #: rows by id: all with something remaining, and those that new rows refer to
    entries: dict[int, Entry]
    #: what the reversed consumers took, oldest first
    taken: dict[int, list[Allocation]] = field(default_factory=dict)
    #: what happened, for the journal of allocations
    allocations: list[Allocation] = field(default_factory=list)

    def apply(self, new: Iterable[Entry]) -> None:
        """Match new rows, oldest first, with what is open."""
        for entry in new:
            self.entries[entry.id] = entry
            entry.remaining = entry.qty
            if entry.qty < 0:
                self._consume_award(entry)
            elif entry.reversed_id:
                self._give_back(entry)
            self._settle()

    def get_overdue(self, today: date) -> list[Entry]:
        """Return the open awards whose last day is over, the one that is over for longest first."""
        awards = (entry for entry in self.entries.values() if entry.remaining > 0)
        over = [award for award in awards if award.expire_on and award.expire_on < today]
        return sorted(over, key=lambda award: (award.expire_on, award.id))

    def _consume_award(self, consumer: Entry) -> None:
        """Take from the award a consumer names, then from what goes on with it after a merge."""
        if not consumer.award_id:
            return
        for award in sorted(self.entries.values(), key=lambda entry: entry.id):
            if award.remaining > 0 and consumer.award_id in (award.id, award.award_id):
                self._allocate(consumer, award)

    def _give_back(self, entry: Entry) -> None:
        """Let the awards a consumer took from have their points again, the last one first.

        What was given back covers the consumer instead, so that both stay allocated in full.  The
        points of awards that have expired stay with the entry, which says until when.
        """
        consumer = self.entries.get(entry.reversed_id)
        if consumer is None:
            return
        if consumer.remaining < 0:
            self._allocate(consumer, entry)
        for taken in self._get_net(consumer):
            award = self.entries.get(taken.award_id)
            qty = min(taken.qty, entry.remaining)
            if award is None or qty <= 0 or entry.comes_too_late_for(award):
                continue
            award.remaining += qty
            entry.remaining -= qty
            self.allocations.append(Allocation(consumer.id, award.id, -qty))
            self.allocations.append(Allocation(consumer.id, entry.id, qty))

    def _get_net(self, consumer: Entry) -> list[Allocation]:
        """Return what a consumer still holds of each award, the last one it took from first."""
        held: dict[int, Decimal] = {}
        given = [row for row in self.allocations if row.consumer_id == consumer.id]
        for row in (*self.taken.get(consumer.id, ()), *given):
            held[row.award_id] = held.get(row.award_id, ZERO) + row.qty
        return [
            Allocation(consumer.id, award_id, qty)
            for award_id, qty in reversed(held.items())
            # what covers it since it was given back in part is no award to open again
            if qty > 0 and self.entries[award_id].reversed_id != consumer.id
        ]

    def _settle(self) -> None:
        """Cover open consumers, the oldest first, with open awards, the first to expire first."""
        consumers = [entry for entry in self.entries.values() if entry.remaining < 0]
        awards = [entry for entry in self.entries.values() if entry.remaining > 0]
        if not consumers or not awards:
            return
        awards.sort(key=lambda award: (award.expire_on or date.max, award.id))
        for consumer in sorted(consumers, key=lambda entry: entry.id):
            for award in awards:
                if not consumer.remaining:
                    break
                if award.remaining:
                    self._allocate(consumer, award)

    def _allocate(self, consumer: Entry, award: Entry) -> None:
        qty = min(-consumer.remaining, award.remaining)
        consumer.remaining += qty
        award.remaining -= qty
        self.allocations.append(Allocation(consumer.id, award.id, qty))


def replay(entries: Iterable[Entry]) -> dict[int, Entry]:
    """Return the rows of a card with something remaining, matched anew from the first one.

    :param entries: all rows of the card up to a moment, in the order they were posted
    """
    known: dict[int, Entry] = {}
    taken: dict[int, list[Allocation]] = {}
    still_open = OpenRows()
    going_on: dict[int, set[int]] = {}
    for entry in entries:
        known[entry.id] = entry
        if entry.qty > 0 and entry.award_id:
            going_on.setdefault(entry.award_id, set()).add(entry.id)
        if entry.qty > 0 and not entry.reversed_id and not still_open.owing:
            # by far the most rows: nothing to match
            entry.remaining = entry.qty
            still_open.note(entry)
            continue
        given_back = taken.get(entry.reversed_id, [])
        referred = {entry.award_id, entry.reversed_id, *(row.award_id for row in given_back)}
        referred |= going_on.get(entry.award_id, set())
        rows = {row_id: known[row_id] for row_id in referred if row_id in known}
        ledger = Ledger({**still_open.get_touched(entry), **rows}, {entry.reversed_id: given_back})
        ledger.apply([entry])
        for row in ledger.allocations:
            taken.setdefault(row.consumer_id, []).append(row)
        for row in ledger.entries.values():
            still_open.note(row)
    return still_open.rows


class OpenRows:
    """The rows of a card with something remaining; the awards that expire first are at hand."""

    def __init__(self) -> None:
        self.rows: dict[int, Entry] = {}
        #: uncovered consumers; where there are any, no award is open
        self.owing: set[int] = set()
        #: awards by last day; those that were emptied since are left out when they are met
        self._queue: list[tuple[date, int]] = []

    def note(self, row: Entry) -> None:
        """Take notice of what remains of a row."""
        if row.remaining > 0:
            heapq.heappush(self._queue, (row.expire_on or date.max, row.id))
        (self.owing.add if row.remaining < 0 else self.owing.discard)(row.id)
        if row.remaining:
            self.rows[row.id] = row
        else:
            self.rows.pop(row.id, None)

    def get_touched(self, entry: Entry) -> dict[int, Entry]:
        """Return the rows that a new one is settled with; :meth:`note` them afterwards."""
        if self.owing:
            return dict(self.rows)
        touched: dict[int, Entry] = {}
        missing = -entry.qty
        while missing > 0 and self._queue:
            _last_day, row_id = heapq.heappop(self._queue)
            if row_id in self.rows and row_id not in touched:
                touched[row_id] = self.rows[row_id]
                missing -= touched[row_id].remaining
        return touched
