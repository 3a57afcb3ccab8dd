from odoo import models


class PosConfig(models.Model):
    _inherit = 'pos.config'

    def use_coupon_code(self, code, creation_date, partner_id, pricelist_id):
        result = super().use_coupon_code(code, creation_date, partner_id, pricelist_id)
        if result['successful']:
            card = self.env['loyalty.card'].browse(result['payload']['coupon_id'])
            if card.is_member:
                result['payload']['points'] = card.points_free
        return result
