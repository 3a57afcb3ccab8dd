from __future__ import annotations

from collections.abc import Iterator

from odoo import models
from odoo.fields import Domain
from odoo.tools import float_round

from odoo.addons.crm_aftersales_stock.models.aftersales_unit import SoldPiece
from odoo.addons.crm_aftersales_stock.models.unit_pool import UnitPool, in_rounds


class PosOrderLine(models.Model):
    """The pieces of a line, with the numbers the cashier scanned."""

    _inherit = 'pos.order.line'

    def _concerns_units(self) -> bool:
        """Whether the pieces of the line are registered as products of the customer."""
        self.ensure_one()
        return self.product_id.product_tmpl_id._is_aftersales_tracked(self.order_id.company_id)

    def _get_piece_numbers(self) -> list[str]:
        """Return the lot or serial number of each whole piece, '' where nobody entered one."""
        self.ensure_one()
        pieces = int(float_round(abs(self.qty), precision_digits=6, rounding_method='HALF-UP'))
        numbers = [name for name in self.pack_lot_ids.mapped('lot_name') if name]
        if self.product_id.tracking == 'lot' and len(numbers) == 1:
            numbers *= pieces
        return (numbers + [''] * pieces)[:pieces]

    def _get_lots(self) -> dict:
        """Return the lots that these lines sold, by product and number."""
        numbers = [number for line in self for number in line._get_piece_numbers() if number]
        if not numbers:
            return {}
        lots = self.env['stock.lot'].search(
            [
                ('product_id', 'in', self.product_id.ids),
                ('name', 'in', numbers),
                ('company_id', 'in', [False, *self.order_id.company_id.ids]),
            ]
        )
        return {(lot.product_id, lot.name): lot for lot in lots}

    # ------------------------------------------------------------
    # TO THE CUSTOMER
    # ------------------------------------------------------------

    def _hand_units_over(self) -> None:
        """Register the pieces of these lines that are not registered yet."""
        Unit = self.env['aftersales.unit'].with_context(active_test=False)
        pool = UnitPool(
            self._get_ordered_units(), lambda unit: (unit.sale_line_id, unit.product_id)
        )
        missing = self._get_missing_pieces(Unit)
        for pieces in in_rounds(missing, lambda piece: piece[0]._get_number(piece[2])):
            self._hand_pieces_over(Unit, pieces, pool)

    def _hand_pieces_over(self, Unit, pieces: list[tuple], pool: UnitPool) -> None:
        """Register pieces of these lines, each with a number of its own.

        :param Unit: the model of the pieces
        :param pieces: line, position, number and lot of each
        :param pool: the pieces that sales orders registered before
        """
        taken, new, sold = {}, [], []
        for line, position, number, lot in pieces:
            vals = line._prepare_handover_vals(position, number, lot)
            if vals.get('serial'):
                sold.append(line._prepare_sold_piece(number))
            unit = pool.take(lot, (line._get_ordered_lines(), line.product_id))
            if unit:
                taken[unit] = vals
            else:
                new.append({**line._prepare_unit_vals(), **vals})
        # before a piece registered ahead gets its number: a former customer's may have it
        Unit._end_former_units(sold, keep=Unit.union(*taken))
        for unit, vals in taken.items():
            unit.write(vals)
        Unit.create(new)

    def _get_missing_pieces(self, Unit) -> list[tuple]:
        """Return line, position, number and lot of each piece that is not registered yet.

        :param Unit: the model of the pieces
        """
        registered = Unit.search([('pos_order_line_id', 'in', self.ids)])
        known = {(unit.pos_order_line_id, unit.pos_line_position) for unit in registered}
        by_company = self.grouped(lambda line: line.order_id.company_id)
        lots = {company: lines._get_lots() for company, lines in by_company.items()}
        no_lot = self.env['stock.lot']
        return [
            (
                line,
                position,
                number,
                lots[line.order_id.company_id].get((line.product_id, number), no_lot),
            )
            for line, position, number in self._get_pieces()
            if (line, position) not in known
        ]

    def _get_pieces(self) -> Iterator[tuple]:
        """Yield line, position and number of each piece.

        A serial number scanned twice in an order is that of the first.
        """
        seen = set()
        for line in self:
            for position, number in enumerate(line._get_piece_numbers(), start=1):
                key = (line.order_id, line._get_number(number))
                if key[1] and key in seen:
                    number = ''
                seen.add(key)
                yield line, position, number

    def _get_number(self, number: str) -> tuple | None:
        """Return what nothing else in use has: the serial number of a piece with its product."""
        by_serial = self.product_id.tracking == 'serial'
        norm = by_serial and self.env['aftersales.unit']._normalise_serial(number)
        return (self.product_id, norm, self.order_id.company_id) if norm else None

    def _get_ordered_lines(self):
        """Return the lines of sales orders that these lines settle."""
        # of an addon that comes along where both are used
        known = 'sale_order_line_id' in self._fields
        return self['sale_order_line_id'] if known else self.env['sale.order.line']

    def _get_ordered_units(self):
        """Return the pieces of the sales orders the till settles that wait for their delivery."""
        Unit, ordered = self.env['aftersales.unit'], self._get_ordered_lines()
        if not ordered:
            return Unit
        return Unit.search(
            Domain('sale_line_id', 'in', ordered.ids)
            & Domain('product_id', 'in', self.product_id.ids)
            & Domain('state', '=', 'draft')
            & Domain('pos_order_line_id', '=', False)
        )

    def _prepare_sold_piece(self, serial: str) -> SoldPiece:
        """Return what a piece is that the customer got."""
        order = self.order_id
        return SoldPiece(self.product_id, serial, order.company_id, order.name)

    def _prepare_unit_vals(self) -> dict:
        """Return the values of a piece that nobody has registered before."""
        order = self.order_id
        return {
            'product_id': self.product_id.id,
            'partner_id': order.partner_id.id,
            'company_id': order.company_id.id,
        }

    def _prepare_handover_vals(self, position: int, number: str, lot) -> dict:
        """Return what a piece is known by once it was paid; what is shipped later is to come."""
        shipped = bool(self.order_id.shipping_date)
        vals = {
            'pos_order_line_id': self.id,
            'pos_line_position': position,
            'lot_id': lot.id,
            'date_delivered': False if shipped else self._get_customer_day(),
            'state': 'draft' if shipped else 'active',
        }
        if number and self.product_id.tracking == 'serial':
            vals['serial'] = number
        return vals

    def _get_customer_day(self, moment=None):
        """Return the day it was for the customer of the order.

        :param moment: UTC; when the order was made when left out
        """
        order = self.order_id
        return order.partner_id._get_customer_day(order.company_id, moment or order.date_order)

    # ------------------------------------------------------------
    # BACK FROM THE CUSTOMER
    # ------------------------------------------------------------

    def _take_units_back(self) -> None:
        """Take the pieces out of use that these lines refund."""
        Unit = self.env['aftersales.unit'].with_context(active_test=False)
        for line in self.filtered('refunded_orderline_id'):
            numbers = line._get_piece_numbers()
            done = Unit.search_count([('pos_refund_line_id', '=', line.id)])
            present = Unit.search(
                Domain('pos_order_line_id', '=', line.refunded_orderline_id.id)
                & Domain('pos_refund_line_id', '=', False)
                & Domain('state', '!=', 'retired')
            )
            taken = Unit.browse()
            for number in numbers[done:]:
                same = present.filtered(lambda unit, number=number: unit._has_number(number))
                taken |= (same or present)[:1] if number else present[:1]
                present -= taken
            taken.pos_refund_line_id = line
            taken._withdraw()
