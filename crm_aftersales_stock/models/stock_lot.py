from odoo import fields, models


class StockLot(models.Model):
    _inherit = 'stock.lot'

    aftersales_unit_count = fields.Integer(
        string="Customer Products Count",
        compute='_compute_aftersales_unit_count',
        groups='crm_aftersales.group_own',
    )

    def _compute_aftersales_unit_count(self):
        counts = dict(
            self.env['aftersales.unit']._read_group(
                [('lot_id', 'in', self.ids)], ['lot_id'], ['__count']
            )
        )
        for lot in self:
            lot.aftersales_unit_count = counts.get(lot, 0)

    def action_view_aftersales_units(self) -> dict:
        """Open the customers' products with these lots.

        :return: window action
        """
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_unit_action'
        )
        action['domain'] = [('lot_id', 'in', self.ids)]
        action['context'] = {}
        return action
