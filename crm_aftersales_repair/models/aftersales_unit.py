from __future__ import annotations

from datetime import date, datetime

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

    def _is_repaired_for_free(self, day: date | datetime | None = None) -> bool:
        """Return whether the warranty pays for the labour and for whatever part is put in.

        Terms that tell parts apart do not: core's *Under Warranty* makes all parts free.

        :param day: of the fault, today when left out; a moment (UTC) is the customer's day
        """
        self.ensure_one()
        answers = [self._get_warranty_answer(day, line_type=kind) for kind in ('part', 'labour')]
        return all(
            answer.state == 'covered'
            and answer.percent == 100
            and not any(
                rule['product_id'] or rule['category_id']
                for rule in answer.warranty.terms.get('rules', ())
            )
            for answer in answers
        )

    def action_view_repairs(self) -> dict:
        """Open the repair orders of these products.

        :return: window action
        """
        action = self.env['repair.order']._get_aftersales_action(self)
        action['domain'] = [('aftersales_unit_id', 'in', self.ids)]
        return action
