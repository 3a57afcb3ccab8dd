from odoo import api, fields, models
from odoo.exceptions import AccessError

from odoo.addons.crm_loyalty.models.loyalty_program import POINT_DIGITS

from .pos_order import SETTLING


class PosOrderLoyaltyPoints(models.Model):
    """What a till order gives to a member card, as the server computed it."""

    _name = 'pos.order.loyalty.points'
    _description = 'Points of a Till Order'
    _inherit = ['loyalty.order.points.mixin']
    _rec_name = 'order_id'

    order_id = fields.Many2one('pos.order', required=True, index=True, ondelete='cascade')
    coupon_id = fields.Many2one(
        'loyalty.card', string="Member Card", required=True, ondelete='cascade'
    )
    points = fields.Float(digits=POINT_DIGITS, required=True, readonly=True)

    _order_card_unique = models.Constraint(
        'UNIQUE (order_id, coupon_id)', "An order gives points to a card once."
    )

    @api.model_create_multi
    def create(self, vals_list):
        if self.env.context.get('loyalty_settling') is not SETTLING:
            raise AccessError(self.env._("What an order gives is computed by the server."))
        return super().create(vals_list)
