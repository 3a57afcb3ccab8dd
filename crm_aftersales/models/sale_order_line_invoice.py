from __future__ import annotations

from datetime import date

from odoo import models
from odoo.tools import float_round


class SaleOrderLine(models.Model):
    """On which day each piece of a line was invoiced."""

    _inherit = 'sale.order.line'

    def _date_units_by_invoice(self) -> None:
        """Enter the day of the invoice on pieces that have none yet."""
        units = self.env['aftersales.unit'].search(
            [('sale_line_id', 'in', self.ids), ('date_invoiced', '=', False)]
        )
        by_day = {}
        for unit in units:
            vals = unit.sale_line_id._prepare_unit_invoice_vals(unit.sale_line_position)
            if vals:
                by_day.setdefault(vals['date_invoiced'], units.browse())
                by_day[vals['date_invoiced']] += unit
        for day, pieces in by_day.items():
            pieces.date_invoiced = day

    def _prepare_unit_invoice_vals(self, position: int) -> dict:
        """Return the day of the invoice of the n-th piece, as values; empty while there is none."""
        days = self._get_unit_invoice_days()
        return {'date_invoiced': days[position - 1]} if 0 < position <= len(days) else {}

    def _get_unit_invoice_days(self) -> list[date]:
        """Return the days of posted invoices, one for each piece invoiced, the earliest first."""
        self.ensure_one()
        lines = self.invoice_lines.filtered(
            lambda line: line.parent_state == 'posted' and line.move_id.move_type == 'out_invoice'
        )
        days = []
        for line in lines.sorted(lambda line: (line.move_id.invoice_date, line.id)):
            quantity = line.product_uom_id._compute_quantity(
                line.quantity, self.product_id.uom_id, round=False
            )
            pieces = float_round(quantity, precision_digits=6, rounding_method='HALF-UP')
            days += [line.move_id.invoice_date] * int(pieces)
        return days
