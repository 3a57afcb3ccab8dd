"""The arithmetic of what an order earns, without the database.

The points of an order are spread over its lines when it is confirmed.  From then on each line
counts as far as its event came (ordered, delivered, invoiced, paid) and did not go back, and the
points follow in that proportion, cut to two decimals once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from .ledger import CENT, ZERO

#: below this is the noise of divisions and of rates kept as binary numbers
NOISE = Decimal('0.000001')


def to_exact(value: float | Decimal | None) -> Decimal:
    """Return a number without the noise of its binary form."""
    return Decimal(str(value or 0)).quantize(NOISE, ROUND_HALF_UP)


def cut_points(value: Decimal) -> Decimal:
    """Return points cut to two decimals: 16.665 is 16.66 in every channel."""
    return value.quantize(NOISE, ROUND_HALF_UP).quantize(CENT, ROUND_DOWN)


@dataclass
class Flow:
    """How far a line of an order came, all in one measure: an amount, or a quantity."""

    ordered: Decimal = ZERO
    delivered: Decimal = ZERO
    #: of what was delivered, what came back to be refunded
    returned: Decimal = ZERO
    invoiced: Decimal = ZERO
    #: of what was invoiced, what is on invoices paid in full
    paid: Decimal = ZERO
    credited: Decimal = ZERO
    #: of what was credited, what is on credit notes for invoices that are not paid
    credited_unpaid: Decimal = ZERO

    def get_counted(self, event: str) -> Decimal:
        """Return what earns points, never below zero.

        Goods that come back and the credit note for them are the same thing and count once,
        whichever of the two is first.  A credit note for what was never delivered, or is invoiced
        again, or is ordered no more, takes nothing from what is left.

        :param event: ``confirm``, ``delivered``, ``invoiced`` or ``paid``
        """
        if event in ('confirm', 'delivered'):
            reached = self.ordered if event == 'confirm' else self.delivered
            kept = max(self.ordered, self.invoiced, reached) - self.credited
            counted = min(reached - self.returned, kept)
        else:
            kept = max(self.ordered, self.invoiced) - self.returned
            reached = self.invoiced if event == 'invoiced' else self.paid + self.credited_unpaid
            counted = min(reached - self.credited, kept)
        return max(counted, ZERO)

    def get_given_back(self) -> Decimal:
        """Return what of a reward was credited and not invoiced again, without its sign."""
        again = max(abs(self.invoiced) - abs(self.ordered), ZERO)
        return min(max(abs(self.credited) - again, ZERO), abs(self.ordered))


@dataclass
class EarnedLine:
    """What a line gave when the order was confirmed."""

    points: Decimal
    amount: Decimal
    qty: Decimal

    def get_share(self, amount: Decimal, qty: Decimal) -> Decimal:
        """Return the points for what counts now; lines that cost nothing go by quantity."""
        if self.amount:
            return self.points * amount / self.amount
        return self.points * qty / self.qty if self.qty else ZERO


@dataclass
class Earning:
    """What the rules of a program give for an order."""

    #: cut to two decimals
    points: Decimal = ZERO
    #: from the currency of the order to that of the program
    rate: Decimal = Decimal(1)
    multiplier: Decimal = Decimal(1)
    #: by id of the order line; new lines are left out
    lines: dict[int, EarnedLine] = field(default_factory=dict)

    @property
    def base(self) -> Decimal:
        """Amount that gave the points, in the currency of the order."""
        return sum((line.amount for line in self.lines.values()), ZERO)

    def get_points(self, counted: dict[int, tuple[Decimal, Decimal]]) -> Decimal:
        """Return the points for what counts now.

        :param counted: amount and quantity by line; lines that were added since earn what the
            others did on average
        """
        before = sum((line.points for line in self.lines.values()), ZERO)
        if not before:
            # there was no line to follow
            return self.points
        now = ZERO
        for line_id, (amount, qty) in counted.items():
            if line := self.lines.get(line_id):
                now += line.get_share(amount, qty)
            elif self.base:
                now += before * amount / self.base
        return cut_points(self.points * now / before)

    def to_json(self) -> dict:
        """Return the lines as they are kept with the order."""
        return {
            str(line_id): [str(line.points), str(line.amount), str(line.qty)]
            for line_id, line in self.lines.items()
        }

    @staticmethod
    def lines_from_json(value: dict | None) -> dict[int, EarnedLine]:
        """Return the lines kept with an order."""
        return {
            int(line_id): EarnedLine(*map(Decimal, numbers))
            for line_id, numbers in (value or {}).items()
        }
