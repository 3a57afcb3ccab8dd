from odoo import api, fields, models

from ..values import differs
from .res_partner import READER_GROUPS

#: what the customer is shown, and agrees to
QUOTED_FIELDS = {
    'discount',
    'price_unit',
    'product_id',
    'product_uom_id',
    'product_uom_qty',
    'tax_ids',
}


class SaleOrderLine(models.Model):
    _inherit = 'sale.order.line'

    aftersales_service_line_ids = fields.One2many(
        comodel_name='aftersales.service.line',
        inverse_name='sale_line_id',
        string="Service Line",
        copy=False,
        groups=READER_GROUPS,
    )

    @api.model_create_multi
    def create(self, vals_list):
        lines = super().create(vals_list)
        lines.filtered(lambda line: not line.display_type)._ensure_not_before_the_customer()
        return lines

    def write(self, vals):
        if names := QUOTED_FIELDS & vals.keys():
            changed = self.filtered(
                lambda line: any(differs(line, name, vals[name]) for name in names)
            )
            changed._ensure_not_before_the_customer()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_before_the_customer(self):
        self._ensure_not_before_the_customer()

    def _ensure_not_before_the_customer(self) -> None:
        """Refuse to change under the customer what he reads and may sign at this moment.

        :raise UserError: names the quotation
        """
        self.order_id._ensure_not_before_the_customer()
