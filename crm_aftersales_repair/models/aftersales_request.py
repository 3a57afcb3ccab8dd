from odoo import fields, models


class AftersalesRequest(models.Model):
    """The repairs a request led to."""

    _inherit = 'aftersales.request'

    repair_ids = fields.One2many(
        comodel_name='repair.order',
        inverse_name='aftersales_request_id',
        string="Repairs",
        groups='stock.group_stock_user',
    )
    repair_count = fields.Integer(compute='_compute_repair_count', groups='stock.group_stock_user')

    def _compute_repair_count(self):
        counts = dict(
            self.env['repair.order']._read_group(
                [('aftersales_request_id', 'in', self.ids)],
                ['aftersales_request_id'],
                ['__count'],
            )
        )
        for request in self:
            request.repair_count = counts.get(request, 0)

    def _merge_after_hook(self, sources):
        """Let the repairs go on with the request that is left."""
        res = super()._merge_after_hook(sources)
        sources.sudo().repair_ids.aftersales_request_id = self
        return res

    def action_create_repair(self) -> dict:
        """Open a new repair order for what the request is about.

        :return: window action
        """
        self.ensure_one()
        action = self.env['repair.order']._get_aftersales_action(
            self.unit_id, new=True, day=self._get_fault_moment()
        )
        action['context'] |= {
            'default_aftersales_request_id': self.id,
            'default_partner_id': self.partner_id.id,
            'default_product_id': self.product_id.id,
        }
        return action

    def action_view_repairs(self) -> dict:
        """Open the repair orders of these requests.

        :return: window action
        """
        action = self.env['repair.order']._get_aftersales_action(self.unit_id)
        action['domain'] = [('aftersales_request_id', 'in', self.ids)]
        return action
