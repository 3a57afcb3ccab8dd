from odoo import models


class SaleOrderLine(models.Model):
    _inherit = 'sale.order.line'

    # core counts the uses of a card and guards its deletion by this column
    _coupon_idx = models.Index('(coupon_id) WHERE coupon_id IS NOT NULL')
