"""Which of the pieces that are registered already a transfer is about."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable


def in_rounds(pieces: Iterable, get_number: Callable) -> list[list]:
    """Return pieces in rounds in which no number comes twice: what comes again is sold again.

    :param get_number: function of a piece; what is the same for the same number, nothing for a
        piece without
    """
    rounds, times = defaultdict(list), Counter()
    for piece in pieces:
        number = get_number(piece)
        rounds[times[number] if number else 0].append(piece)
        times[number] += 1
    return list(rounds.values())


class UnitPool:
    """Pieces of order lines, of which each is taken once.

    :param units: the pieces
    :param key: what pieces are taken by, a function of a piece or the name of a field; all are
        alike when left out
    """

    def __init__(self, units, key=None):
        def get_rank(unit):
            return not unit.stock_return_move_id, unit.sale_line_position, unit.id

        self._none = units.browse()
        self._units = units.sorted(get_rank).grouped(key or (lambda unit: None))

    def take(self, lot, key=None, prefer_move=None):
        """Return the piece with a lot and take it out; else one that has no number yet.

        Without a lot it is the first one, whatever its number.

        :param lot: a ``stock.lot``, empty for goods without
        :param key: of the pieces it may be
        :param prefer_move: move whose pieces are taken first
        :return: an empty record when there is none
        """
        units = self._units.get(key, self._none)
        if prefer_move:
            units = units.sorted(lambda unit: unit.stock_move_id != prefer_move)
        found = (self._find_lot(units, lot) if lot else units)[:1]
        if found:
            self._units[key] -= found
        return found

    def _find_lot(self, units, lot):
        """Return the pieces that have a lot; else those with its name, or without a number."""
        name = units._normalise_serial(lot.name)
        return (
            units.filtered(lambda unit: unit.lot_id == lot)
            or units.filtered(lambda unit: not unit.lot_id and unit.serial_norm == name)
            or units.filtered(lambda unit: not unit.lot_id and not unit.serial_norm)
        )
