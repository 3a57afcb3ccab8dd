from odoo import fields, models


class AftersalesUnit(models.Model):
    """The repairs of a customer's product."""

    _inherit = 'aftersales.unit'

    repair_ids = fields.One2many(
        comodel_name='repair.order',
        inverse_name='aftersales_unit_id',
        string="Repairs",
        groups='stock.group_stock_user',
    )
    repair_count = fields.Integer(compute='_compute_repair_count', groups='stock.group_stock_user')

    def _compute_repair_count(self):
        counts = dict(
            self.env['repair.order']._read_group(
                [('aftersales_unit_id', 'in', self.ids)], ['aftersales_unit_id'], ['__count']
            )
        )
        for unit in self:
            unit.repair_count = counts.get(unit, 0)

    def action_view_repairs(self) -> dict:
        """Open the repair orders of these products.

        :return: window action
        """
        action = self.env['repair.order']._get_aftersales_action(self)
        action['domain'] = [('aftersales_unit_id', 'in', self.ids)]
        return action
