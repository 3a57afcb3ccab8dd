from __future__ import annotations

from odoo import models
from odoo.fields import Domain
from odoo.tools import float_round

from odoo.addons.crm_aftersales_stock.models.unit_pool import UnitPool


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

    def _find_lot(self, number: str):
        """Return the lot of a number, an empty one while there is none."""
        lots = self.env['stock.lot']
        if not number:
            return lots
        return lots.search(
            [
                ('product_id', '=', self.product_id.id),
                ('name', '=', number),
                ('company_id', 'in', [False, self.order_id.company_id.id]),
            ],
            limit=1,
        )

    # ------------------------------------------------------------
    # TO THE CUSTOMER
    # ------------------------------------------------------------

    def _hand_units_over(self) -> None:
        """Register the pieces of the line that are not registered yet."""
        self.ensure_one()
        Unit = self.env['aftersales.unit'].with_context(active_test=False)
        registered = Unit.search([('pos_order_line_id', '=', self.id)])
        positions = set(registered.mapped('pos_line_position'))
        missing = [
            (position, number)
            for position, number in enumerate(self._get_piece_numbers(), start=1)
            if position not in positions
        ]
        pool = UnitPool(self._get_ordered_units())
        taken, new = {}, []
        for position, number in missing:
            vals = self._prepare_handover_vals(position, number)
            unit = pool.take(self._find_lot(number))
            if unit:
                taken[unit] = vals
            else:
                new.append({**self._prepare_unit_vals(), **vals})
        serials = [vals['serial'] for vals in [*taken.values(), *new] if vals.get('serial')]
        # before a piece registered ahead gets its number: a former customer's may have it
        Unit._end_former_units(
            self.product_id,
            serials,
            self.order_id.company_id,
            self.order_id.name,
            keep=Unit.union(*taken),
        )
        for unit, vals in taken.items():
            unit.write(vals)
        Unit.create(new)

    def _get_ordered_units(self):
        """Return the pieces of the sales order the till settles that wait for their delivery."""
        Unit = self.env['aftersales.unit']
        # of an addon that comes along where both are used
        sale_line = self['sale_order_line_id'] if 'sale_order_line_id' in self._fields else None
        if not sale_line:
            return Unit
        return Unit.search(
            Domain('sale_line_id', '=', sale_line.id)
            & Domain('product_id', '=', self.product_id.id)
            & Domain('state', '=', 'draft')
            & Domain('pos_order_line_id', '=', False)
        )

    def _prepare_unit_vals(self) -> dict:
        """Return the values of a piece that nobody has registered before."""
        order = self.order_id
        return {
            'product_id': self.product_id.id,
            'partner_id': order.partner_id.id,
            'company_id': order.company_id.id,
        }

    def _prepare_handover_vals(self, position: int, number: str) -> dict:
        """Return what a piece is known by once it was paid; what is shipped later is to come."""
        shipped = bool(self.order_id.shipping_date)
        vals = {
            'pos_order_line_id': self.id,
            'pos_line_position': position,
            'lot_id': self._find_lot(number).id,
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
