from __future__ import annotations

from datetime import date

from odoo import fields, models


class AftersalesUnit(models.Model):
    """Notes how long a product was in service when it leaves."""

    _inherit = 'aftersales.unit'

    stay_ids = fields.One2many(
        comodel_name='aftersales.unit.stay',
        inverse_name='unit_id',
        string="Stays in Service",
        copy=False,
        groups='base.group_user',
    )

    def _add_repair_time(self, date_from: date, date_to: date) -> None:
        res = super()._add_repair_time(date_from, date_to)
        self.env['aftersales.unit.stay'].sudo().create(
            {'unit_id': self.id, 'date_from': date_from, 'date_to': date_to}
        )
        return res
