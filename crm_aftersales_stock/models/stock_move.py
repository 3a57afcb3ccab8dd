from __future__ import annotations

from collections import Counter, defaultdict
from itertools import count, filterfalse, groupby

from odoo import models
from odoo.fields import Domain
from odoo.tools import float_round

from .aftersales_unit import SoldPiece
from .unit_pool import UnitPool, in_rounds

#: what each piece of a delivery has for itself
PIECE_FIELDS = {'lot_id', 'serial', 'stock_move_id'}


class StockMove(models.Model):
    """Deliveries hand customers their products, returns take them back."""

    _inherit = 'stock.move'

    def _action_done(self, cancel_backorder=False):
        done = super()._action_done(cancel_backorder=cancel_backorder)
        # warehouse staff needs no rights on customers' products
        done.sudo()._register_units()
        return done

    def _register_units(self) -> None:
        """Register the pieces these moves delivered, and take back those they returned.

        Pieces that are registered already are left alone, so it can be run at any time again.
        """
        moves = self._filter_concerning_units()
        if not moves:
            return
        # two deliveries of one line at once would both begin with the same piece; the quantity
        # they both write orders them
        moves.sale_line_id.flush_recordset()
        ordered = moves.sorted(lambda move: (move.date, move.id))
        outside = moves._get_outside_locations()
        # as it happened, only neighbours together: what came back may be handed over again
        # pylint: disable-next=bad-builtin-groupby
        for is_return, group in groupby(ordered, key=lambda move: move.location_id in outside):
            batch = self.browse().concat(*group)
            if is_return:
                batch._take_units_back()
            else:
                batch._hand_units_over()
        moves._register_units_after_hook()

    def _register_units_after_hook(self) -> None:
        """React to pieces that were delivered or came back. Runs in elevated rights."""

    def _filter_concerning_units(self):
        """Return the moves by which registered pieces came to a customer, or back from him."""
        moves = self.browse(self.ids)  # those of several lines are read line by line
        sold = moves.filtered(lambda move: move.state == 'done' and move.sale_line_id)
        outside = sold._get_outside_locations()
        return sold.filtered(
            lambda move: (
                (move.location_dest_id in outside) != (move.location_id in outside)
                and move.product_id.product_tmpl_id._is_aftersales_tracked(move.company_id)
            )
        )

    def _get_outside_locations(self):
        """Return the places of these moves where goods are with somebody else."""
        places = self.location_id | self.location_dest_id
        return places.filtered(lambda place: place._is_outgoing())

    def _get_piece_lots(self) -> list:
        """Return the lot of each whole piece moved, an empty one where there is none."""
        self.ensure_one()
        lots = []
        for line in self.move_line_ids:
            pieces = float_round(
                line.quantity_product_uom, precision_digits=6, rounding_method='HALF-UP'
            )
            lots += [line.lot_id] * int(pieces)
        return lots

    # ------------------------------------------------------------
    # TO THE CUSTOMER
    # ------------------------------------------------------------

    def _hand_units_over(self) -> None:
        """Register the pieces of deliveries, with the ones their orders registered before."""
        Unit = self.env['aftersales.unit'].with_context(active_test=False)
        # each piece by itself: several share a lot, or have none
        pool = UnitPool(Unit.search(self._get_units_to_hand_over_domain()), self._get_sold_as)
        missing = self._get_missing_pieces(Unit, 'stock_move_id')
        for pieces in in_rounds(missing, lambda piece: piece[0]._get_number(piece[1])):
            self._hand_pieces_over(Unit, pieces, pool)

    def _hand_pieces_over(self, Unit, pieces: list[tuple], pool: UnitPool) -> None:
        """Register pieces of these deliveries, each with a number of its own.

        :param Unit: the model of the pieces
        :param pieces: move and lot of each
        :param pool: the pieces that their orders registered before
        """
        taken, new = [], []
        for move, lot in pieces:
            unit = pool.take(lot, self._get_sold_as(move))
            if unit:
                taken.append((move, lot, unit))
            else:
                new.append((move, lot))
        # before a piece registered ahead gets its number: a former customer's may have it
        Unit._end_former_units(
            [move._prepare_sold_piece(lot) for move, lot in pieces if move._is_by_serial(lot)],
            keep=Unit.union(*(unit for _move, _lot, unit in taken)),
        )
        self._write_handover(taken)
        Unit.create(self._prepare_new_units_vals(new))

    def _get_missing_pieces(self, Unit, field: str) -> list[tuple]:
        """Return move and lot of each piece that is not registered yet.

        :param Unit: the model of the pieces
        :param field: name of what says on a piece by which move it came or went
        """
        registered = Unit.search([(field, 'in', self.ids)])
        counted = Counter((unit[field], unit.lot_id) for unit in registered)
        missing = []
        for move in self:
            for lot in move._get_piece_lots():
                if counted[move, lot]:
                    counted[move, lot] -= 1
                else:
                    missing.append((move, lot))
        return missing

    def _get_sold_as(self, record) -> tuple:
        """Return what pieces and moves have in common that may be about each other."""
        return record.sale_line_id, record.product_id

    def _is_by_serial(self, lot) -> bool:
        """Whether a lot is the serial number of one piece."""
        return bool(lot) and self.product_id.tracking == 'serial'

    def _get_number(self, lot) -> tuple | None:
        """Return what nothing else in use has: the serial number of a piece with its product."""
        number = self._is_by_serial(lot) and self.env['aftersales.unit']._normalise_serial(lot.name)
        return (self.product_id, number, self.company_id) if number else None

    def _prepare_sold_piece(self, lot) -> SoldPiece:
        """Return what a piece is that a customer got."""
        return SoldPiece(
            self.product_id, lot.name, self.company_id, self.sale_line_id.order_id.name
        )

    def _get_units_to_hand_over_domain(self) -> Domain:
        """Return the pieces of the order lines that these deliveries may be about."""
        waiting = Domain('stock_move_id', '=', False) & Domain('state', '!=', 'retired')
        with_us = Domain('stock_return_move_id', '!=', False) & Domain('state', '=', 'in_service')
        of_lines = Domain('sale_line_id', 'in', self.sale_line_id.ids)
        return of_lines & Domain('product_id', 'in', self.product_id.ids) & (waiting | with_us)

    def _write_handover(self, taken: list[tuple]) -> None:
        """Let pieces that are registered already be delivered.

        :param taken: move, lot and customer product of each
        """
        alike = defaultdict(self.env['aftersales.unit'].browse)
        for move, lot, unit in taken:
            vals = move._prepare_handover_vals(lot, unit)
            unit.write({name: vals.pop(name) for name in PIECE_FIELDS & vals.keys()})
            alike[tuple(vals.items())] |= unit
        # what starts warranties and ownership: once for all of a delivery
        for vals, units in alike.items():
            units.write(dict(vals))

    def _prepare_handover_vals(self, lot, unit=None) -> dict:
        """Return what a piece is known by once it is delivered, as values that can be compared.

        :param unit: the piece, where it is registered already; its own day of delivery stays
        """
        vals = {
            'stock_move_id': self.id,
            'stock_return_move_id': False,
            'lot_id': lot.id,
        }
        if not unit or unit.state == 'draft' or unit.stock_return_move_id:
            vals['state'] = 'active'  # what is lent, or in service for another reason, stays so
        if self._is_by_serial(lot):
            vals['serial'] = lot.name
        if not (unit and unit.date_delivered):
            vals['date_delivered'] = self._get_handover_day()
        site = self.picking_id.partner_id
        if site != self.sale_line_id.order_id.partner_id and not (unit and unit.site_partner_id):
            vals['site_partner_id'] = site.id
        return vals

    def _prepare_new_units_vals(self, pieces: list[tuple]) -> list[dict]:
        """Return the values of pieces that nobody has registered before.

        :param pieces: move and lot of each
        """
        positions = self.sale_line_id._get_unit_positions() if pieces else {}
        free = {
            line: filterfalse(set(positions.get(line, ())).__contains__, count(1))
            for line in self.sale_line_id
        }
        return [
            {
                **move.sale_line_id._prepare_unit_vals(next(free[move.sale_line_id])),
                'product_id': move.product_id.id,
                **move._prepare_handover_vals(lot),
            }
            for move, lot in pieces
        ]

    def _get_handover_day(self):
        """Return the day on which the customer got the goods: signed for them, else delivered."""
        moment = self.picking_id.date_signed or self.picking_id.date_done or self.date
        return self.sale_line_id._get_customer_day(moment)

    # ------------------------------------------------------------
    # BACK FROM THE CUSTOMER
    # ------------------------------------------------------------

    def _take_units_back(self) -> None:
        """Take back the pieces of returns.

        What comes back for good is nobody's product any more. What comes back without changing
        the order is still the customer's, and with us for the time being.
        """
        Unit = self.env['aftersales.unit'].with_context(active_test=False)
        pool = UnitPool(Unit.search(self._get_units_to_take_back_domain()), self._get_sold_as)
        withdrawn = kept = Unit
        for move, lot in self._get_missing_pieces(Unit, 'stock_return_move_id'):
            unit = pool.take(lot, self._get_sold_as(move), move.origin_returned_move_id)
            unit.stock_return_move_id = move
            if move._is_back_for_good():
                withdrawn |= unit
            else:
                kept |= unit
        withdrawn._withdraw()
        kept.state = 'in_service'

    def _is_back_for_good(self) -> bool:
        """Whether what a return brings back is nobody's product any more."""
        self.ensure_one()
        return self.to_refund

    def _get_units_to_take_back_domain(self) -> Domain:
        """Return the pieces of the order lines that these returns may be about."""
        return (
            Domain('sale_line_id', 'in', self.sale_line_id.ids)
            & Domain('product_id', 'in', self.product_id.ids)
            & Domain('state', 'not in', ('draft', 'retired'))
            & Domain('stock_return_move_id', '=', False)
        )
