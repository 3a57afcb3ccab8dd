from __future__ import annotations

from collections import Counter

from odoo import models
from odoo.fields import Domain
from odoo.tools import float_round

from .unit_pool import UnitPool


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
        moves = self.filtered(lambda move: move._concerns_units())
        if not moves:
            return
        # two deliveries of one line at once would both begin with the same piece; the quantity
        # they both write orders them
        moves.sale_line_id.flush_recordset()
        for move in moves.sorted(lambda move: (move.date, move.id)):
            if move.location_dest_id._is_outgoing():
                move._hand_units_over()
            else:
                move._take_units_back()

    def _concerns_units(self) -> bool:
        """Whether pieces that are registered came to a customer, or back from him."""
        self.ensure_one()
        return (
            self.state == 'done'
            and bool(self.sale_line_id)
            and self.product_id.product_tmpl_id._is_aftersales_tracked(self.company_id)
            and self.location_dest_id._is_outgoing() != self.location_id._is_outgoing()
        )

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
        """Register the pieces of a delivery, with the ones the order registered before."""
        Unit = self.env['aftersales.unit'].with_context(active_test=False)
        # each piece by itself: several share a lot, or have none
        registered = Counter(unit.lot_id for unit in Unit.search([('stock_move_id', '=', self.id)]))
        pool = UnitPool(Unit.search(self._get_units_to_hand_over_domain()))
        taken, new = {}, []
        for lot in self._get_piece_lots():
            if registered[lot]:
                registered[lot] -= 1
                continue
            unit = pool.take(lot)
            if unit:
                taken[unit] = lot
            else:
                new.append(lot)
        if self.product_id.tracking == 'serial':
            # before a piece registered ahead gets its number: a former customer's may have it
            Unit._end_former_units(
                self.product_id,
                [lot.name for lot in [*taken.values(), *new] if lot],
                self.company_id,
                self.sale_line_id.order_id.name,
                keep=Unit.union(*taken),
            )
        for unit, lot in taken.items():
            unit.write(self._prepare_handover_vals(lot, unit))
        Unit.create(self._prepare_new_units_vals(new))

    def _get_units_to_hand_over_domain(self) -> Domain:
        """Return the pieces of the order line that this delivery may be about."""
        waiting = Domain('stock_move_id', '=', False) & Domain('state', '!=', 'retired')
        with_us = Domain('stock_return_move_id', '!=', False) & Domain('state', '=', 'in_service')
        of_line = Domain('sale_line_id', '=', self.sale_line_id.id)
        return of_line & Domain('product_id', '=', self.product_id.id) & (waiting | with_us)

    def _prepare_handover_vals(self, lot, unit=None) -> dict:
        """Return what a piece is known by once it is delivered.

        :param unit: the piece, where it is registered already; its own day of delivery stays
        """
        vals = {
            'stock_move_id': self.id,
            'stock_return_move_id': False,
            'lot_id': lot.id,
        }
        if not unit or unit.state == 'draft' or unit.stock_return_move_id:
            vals['state'] = 'active'  # what is lent, or in service for another reason, stays so
        if self.product_id.tracking == 'serial' and lot:
            vals['serial'] = lot.name
        if not (unit and unit.date_delivered):
            vals['date_delivered'] = self._get_handover_day()
        site = self.picking_id.partner_id
        if site != self.sale_line_id.order_id.partner_id and not (unit and unit.site_partner_id):
            vals['site_partner_id'] = site.id
        return vals

    def _prepare_new_units_vals(self, lots: list) -> list[dict]:
        """Return the values of pieces that nobody has registered before."""
        line = self.sale_line_id
        taken = set(line._get_unit_positions().get(line, ()))
        vals_list, position = [], 0
        for lot in lots:
            position += 1
            while position in taken:
                position += 1
            vals_list.append(
                {
                    **line._prepare_unit_vals(position),
                    'product_id': self.product_id.id,
                    **self._prepare_handover_vals(lot),
                }
            )
        return vals_list

    def _get_handover_day(self):
        """Return the day on which the customer got the goods: signed for them, else delivered."""
        moment = self.picking_id.date_signed or self.picking_id.date_done or self.date
        return self.sale_line_id._get_customer_day(moment)

    # ------------------------------------------------------------
    # BACK FROM THE CUSTOMER
    # ------------------------------------------------------------

    def _take_units_back(self) -> None:
        """Take back the pieces of a return.

        What comes back for good is nobody's product any more. What comes back without changing
        the order is still the customer's, and with us for the time being.
        """
        Unit = self.env['aftersales.unit'].with_context(active_test=False)
        registered = Unit.search([('stock_return_move_id', '=', self.id)])
        counted = Counter(unit.lot_id for unit in registered)
        domain = Domain('sale_line_id', '=', self.sale_line_id.id)
        domain &= Domain('product_id', '=', self.product_id.id)
        domain &= Domain('state', 'not in', ('draft', 'retired'))
        domain &= Domain('stock_return_move_id', '=', False)
        pool = UnitPool(Unit.search(domain), prefer_move=self.origin_returned_move_id)
        taken = Unit.browse()
        for lot in self._get_piece_lots():
            if counted[lot]:
                counted[lot] -= 1
                continue
            taken |= pool.take(lot)
        taken.stock_return_move_id = self
        if self.to_refund:
            taken._withdraw()
        else:
            taken.state = 'in_service'
