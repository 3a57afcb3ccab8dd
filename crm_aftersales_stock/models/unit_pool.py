"""Which of the pieces of an order line a transfer is about."""


class UnitPool:
    """Pieces of one order line, of which each is taken once.

    :param units: the pieces
    :param prefer_move: move whose pieces are taken first
    """

    def __init__(self, units, prefer_move=None):
        def get_rank(unit):
            preferred = bool(prefer_move) and unit.stock_move_id == prefer_move
            return not preferred, not unit.stock_return_move_id, unit.sale_line_position, unit.id

        self._units = units.sorted(get_rank)

    def take(self, lot):
        """Return the piece with a lot and take it out; else one that has no number yet.

        Without a lot it is the first one, whatever its number.

        :param lot: a ``stock.lot``, empty for goods without
        :return: an empty record when there is none
        """
        units = self._units
        found = units[:1]
        if lot:
            name = units._normalise_serial(lot.name)
            unknown = units.filtered(lambda unit: not unit.lot_id and not unit.serial_norm)
            found = (
                units.filtered(lambda unit: unit.lot_id == lot)
                or units.filtered(lambda unit: not unit.lot_id and unit.serial_norm == name)
                or unknown
            )[:1]
        self._units -= found
        return found
