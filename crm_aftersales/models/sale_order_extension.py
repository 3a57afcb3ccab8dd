from odoo import api, fields, models


class SaleOrder(models.Model):
    """Extended warranties follow what becomes of the order."""

    _inherit = 'sale.order'

    aftersales_has_extensions = fields.Boolean(compute='_compute_aftersales_has_extensions')

    @api.depends('order_line.aftersales_extends_warranty')
    def _compute_aftersales_has_extensions(self):
        for order in self:
            lines = order.order_line
            order.aftersales_has_extensions = any(lines.mapped('aftersales_extends_warranty'))

    @api.constrains('partner_id')
    def _check_aftersales_units(self):
        quotations = self.filtered(lambda order: order.state in ('draft', 'sent'))
        quotations.order_line._check_aftersales_unit()

    def _action_confirm(self):
        result = super()._action_confirm()
        self.order_line._settle_extended_warranties()
        return result

    def _action_cancel(self):
        result = super()._action_cancel()
        self.order_line._settle_extended_warranties()
        return result

    def _aftersales_units_created_hook(self, units):
        result = super()._aftersales_units_created_hook(units)
        self.order_line._settle_extended_warranties()
        return result
