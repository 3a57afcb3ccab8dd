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
