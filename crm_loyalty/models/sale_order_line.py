from __future__ import annotations

from decimal import Decimal

from odoo import api, models
from odoo.tools import SQL

from ..earning import Flow, to_exact
from .loyalty_order_mixin_earning import LineFlow
from .sale_order_earning import PAID_STATES

#: what changes the points of a confirmed order
EARNING_FIELDS = frozenset(
    {
        *('product_id', 'product_uom_id', 'product_uom_qty', 'qty_delivered'),
        *('price_unit', 'discount', 'tax_ids'),
    }
)


class SaleOrderLine(models.Model):
    """Lines of confirmed orders: what is changed, and how far they came."""

    _inherit = 'sale.order.line'

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines._get_earning_orders()._loyalty_true_up()
        return lines

    def write(self, vals):
        res = super().write(vals)
        if not EARNING_FIELDS.isdisjoint(vals):
            self._get_earning_orders()._loyalty_true_up()
        return res

    def unlink(self):
        orders = self._get_earning_orders()
        res = super().unlink()
        orders._loyalty_true_up()
        return res

    def _get_earning_orders(self):
        """Return the confirmed orders of these lines that give points; rewards give none."""
        orders = self.filtered(lambda line: line.state == 'sale' and not line.reward_id).order_id
        return orders and orders._get_member_entries().order_id

    def _get_lines_with_price_of_each(self):
        """Return these lines, or the items of a combo instead of it."""
        return self.browse().union(*(line._get_lines_with_price() for line in self))

    def _get_earning_amount(self, base: str) -> Decimal:
        """Return the amount of this line points are given for.

        :param base: ``incl`` or ``excl``
        """
        return to_exact(self.price_total if base == 'incl' else self.price_subtotal)

    def _get_earning_qty(self) -> Decimal:
        """Return the quantity of this line points are given for."""
        return to_exact(self.product_uom_qty)

    def _is_combo_item(self) -> bool:
        """Return whether another line, of the combo, stands for this one."""
        return bool(self.combo_item_id)

    def _get_flow(self, returned: float) -> LineFlow:
        """Return how far this line came, without its invoices.

        :param returned: quantity that came back
        """
        self.ensure_one()
        ordered, back = to_exact(self.product_uom_qty), to_exact(returned)
        delivered = to_exact(self.qty_delivered) + back
        prices = [
            amount / ordered if ordered else Decimal(0)
            for amount in (to_exact(self.price_total), to_exact(self.price_subtotal))
        ]
        return LineFlow(
            *(
                Flow(ordered * price, delivered * price, back * price)
                for price in (*prices, Decimal(1))
            )
        )

    def _get_returned_quantities(self) -> dict[int, float]:
        """Return how much of these lines came back to be refunded; extend where goods move."""
        return {}

    def _read_invoiced(self) -> list[dict]:
        """Return what of these lines is on posted invoices, on those paid, and on credit notes.

        Amounts on invoices in another currency than the order's are converted as of the order.
        """
        if not self.sudo().invoice_lines:
            return []
        self.env.flush_all()
        rows = self.env.execute_query_dict(
            SQL(
                """SELECT rel.order_line_id AS line_id, move.currency_id,
                          move.move_type = 'out_refund' AS is_credit,
                          COALESCE(reversed.payment_state, move.payment_state) IN %s AS is_paid,
                          reversed.id IS NOT NULL AS is_reversing,
                          sum(line.price_total) AS incl, sum(line.price_subtotal) AS excl,
                          sum(line.quantity) AS qty
                     FROM sale_order_line_invoice_rel rel
                     JOIN account_move_line line ON line.id = rel.invoice_line_id
                     JOIN account_move move ON move.id = line.move_id
                LEFT JOIN account_move reversed ON reversed.id = move.reversed_entry_id
                          AND move.move_type = 'out_refund'
                    WHERE rel.order_line_id IN %s AND move.state = 'posted'
                      AND move.move_type IN ('out_invoice', 'out_refund')
                 GROUP BY 1, 2, 3, 4, 5""",
                PAID_STATES,
                tuple(self.ids),
            )
        )
        return [self.browse(row['line_id'])._prepare_invoiced(row) for row in rows]

    def _prepare_invoiced(self, row: dict) -> dict:
        """Return what was read in the currency of the order, by what it means."""
        rate = self._get_invoice_rate(row['currency_id'])
        values = {'line_id': self.id}
        for part, factor in (('incl', rate), ('excl', rate), ('qty', 1)):
            value = float(row[part] or 0) * factor
            values[f'invoiced_{part}'] = 0 if row['is_credit'] else value
            values[f'paid_{part}'] = value if row['is_paid'] and not row['is_credit'] else 0
            values[f'credited_{part}'] = value if row['is_credit'] else 0
            is_unpaid = row['is_credit'] and row['is_reversing'] and not row['is_paid']
            values[f'credited_unpaid_{part}'] = value if is_unpaid else 0
        return values

    def _get_invoice_rate(self, currency_id: int) -> float:
        """Return the rate from the currency of an invoice to that of the order."""
        order = self.order_id
        if order.currency_id.id == currency_id:
            return 1
        currency = self.env['res.currency'].browse(currency_id)
        return currency._get_conversion_rate(
            currency, order.currency_id, order.company_id, order.date_order
        )
