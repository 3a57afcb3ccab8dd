from odoo import api, fields, models
from odoo.exceptions import UserError

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
        if QUOTED_FIELDS & vals.keys():
            self._ensure_not_before_the_customer()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_before_the_customer(self):
        self._ensure_not_before_the_customer()

    def _ensure_not_before_the_customer(self) -> None:
        """Refuse to change under the customer what he reads and may sign at this moment.

        The request would go on to say what he was to pay before.

        :raise UserError: names the quotation
        """
        if self.env.su:
            return
        for order in self.order_id:
            if order.state == 'sent' and order.is_aftersales_quotation:
                raise UserError(
                    self.env._(
                        "%(order)s lies before the customer. Cancel it on request %(request)s,"
                        " change what is done there, and quote it again.",
                        order=order.name,
                        request=order.sudo().aftersales_request_id.number,
                    )
                )
