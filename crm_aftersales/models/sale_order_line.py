from datetime import date, datetime

from odoo import fields, models
from odoo.tools import float_round

from .res_partner import READER_GROUPS


class SaleOrderLine(models.Model):
    _inherit = 'sale.order.line'

    aftersales_unit_ids = fields.One2many(
        comodel_name='aftersales.unit',
        inverse_name='sale_line_id',
        string="Customer Products",
        groups=READER_GROUPS,
    )

    def _has_missing_units(self) -> bool:
        """Whether a piece ordered is not registered yet."""
        lines = self.filtered(lambda line: line._has_aftersales_units())
        positions = lines._get_unit_positions()
        return any(
            sum(0 < position <= quantity for position in positions.get(line._origin, ())) < quantity
            for line in lines
            for quantity in [line._get_unit_quantity()]
        )

    def _get_unit_positions(self) -> dict:
        """Return which pieces of each line are registered, archived ones too."""
        return dict(
            self.env['aftersales.unit']
            .with_context(active_test=False)
            ._read_group(
                [('sale_line_id', 'in', self.ids)],
                ['sale_line_id'],
                ['sale_line_position:array_agg'],
            )
        )

    def _prepare_missing_units_vals(self) -> list[dict]:
        """Return the values of the pieces ordered that are not registered yet."""
        vals_list = []
        lines = self.filtered(lambda line: line._has_aftersales_units())
        registered = lines._get_unit_positions()
        for line in lines:
            positions = set(registered.get(line._origin, ()))
            vals_list += [
                line._prepare_unit_vals(position)
                for position in range(1, line._get_unit_quantity() + 1)
                if position not in positions
            ]
        return vals_list

    def _has_aftersales_units(self) -> bool:
        """Whether the pieces of the line are registered."""
        self.ensure_one()
        return (
            not self.display_type
            and bool(self.product_id)
            and self.product_id.product_tmpl_id._is_aftersales_tracked(self.company_id)
        )

    def _get_unit_quantity(self) -> int:
        """Return the number of whole pieces ordered."""
        self.ensure_one()
        quantity = self.product_uom_id._compute_quantity(
            self.product_uom_qty, self.product_id.uom_id, round=False
        )
        return int(float_round(quantity, precision_digits=6, rounding_method='HALF-UP'))

    def _prepare_unit_vals(self, position: int) -> dict:
        """Return the values of one piece of the line."""
        self.ensure_one()
        delivered = self._get_unit_delivery_date()
        return {
            'product_id': self.product_id.id,
            'partner_id': self.order_id.partner_id.id,
            'company_id': self.company_id.id,
            'sale_line_id': self.id,
            'sale_line_position': position,
            'date_delivered': delivered,
            'state': 'active' if delivered else 'draft',
            **self._prepare_unit_invoice_vals(position),
        }

    def _get_unit_delivery_date(self):
        """Return the day the pieces reached the customer, or False while they have not.

        Orders know the promised day or the day of the order, in the customer's time zone. Addons
        that know the real delivery answer better.
        """
        self.ensure_one()
        moment = self.order_id.commitment_date or self.order_id.date_order
        if not moment or moment > fields.Datetime.now():
            return False
        return self._get_customer_day(moment)

    def _get_customer_day(self, moment: datetime) -> date:
        """Return the day it was for the customer of the order.

        :param moment: UTC
        """
        self.ensure_one()
        return self.order_id.partner_id._get_customer_day(self.order_id.company_id, moment)
