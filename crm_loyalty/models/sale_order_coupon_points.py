from odoo import models


class SaleOrderCouponPoints(models.Model):
    _inherit = 'sale.order.coupon.points'

    # merging and removing cards looks the rows up by card
    _coupon_idx = models.Index('(coupon_id)')
