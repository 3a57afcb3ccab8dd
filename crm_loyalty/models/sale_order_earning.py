from __future__ import annotations

from odoo import models

from ..earning import to_exact
from .loyalty_order_mixin_earning import LineFlow

#: states of invoices that need no more money
PAID_STATES = ('paid', 'in_payment', 'reversed')


class SaleOrder(models.Model):
    """How far an order came."""

    _inherit = 'sale.order'

    def _get_line_flows(self) -> dict[int, LineFlow]:
        orders = self._get_member_entries().order_id
        orders |= self.sudo().order_line.filtered('points_cost').order_id
        lines = orders._get_loyalty_lines()
        if not lines:
            return {}
        returned = lines._get_returned_quantities()
        flows = {line.id: line._get_flow(returned.get(line.id, 0)) for line in lines}
        for line in lines._read_invoiced():
            flow = flows[line['line_id']]
            for part in ('incl', 'excl', 'qty'):
                line_part = getattr(flow, part)
                line_part.invoiced += to_exact(line[f'invoiced_{part}'])
                line_part.paid += to_exact(line[f'paid_{part}'])
                line_part.credited += to_exact(line[f'credited_{part}'])
                line_part.credited_unpaid += to_exact(line.get(f'credited_unpaid_{part}'))
        return flows
