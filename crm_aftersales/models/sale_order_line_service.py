from odoo import fields, models

from .res_partner import READER_GROUPS


class SaleOrderLine(models.Model):
    _inherit = 'sale.order.line'

    aftersales_service_line_ids = fields.One2many(
        comodel_name='aftersales.service.line',
        inverse_name='sale_line_id',
        string="Service Line",
        copy=False,
        groups=READER_GROUPS,
    )

    def _is_aftersales_rounding(self) -> bool:
        """Whether the line settles fractions: it charges by our product, and no service."""
        product = self.env.ref('crm_aftersales.product_correction', raise_if_not_found=False)
        return self.product_id == product and not self.aftersales_service_line_ids
