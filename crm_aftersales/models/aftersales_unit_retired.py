from odoo import api, fields, models


class AftersalesUnit(models.Model):
    """When a product went out of use."""

    _inherit = 'aftersales.unit'

    date_retired = fields.Date(
        string="Retired on",
        compute='_compute_date_retired',
        store=True,
        readonly=False,
        precompute=True,
        copy=False,
        help="Until then it counts as in service.",
    )

    @api.depends('state')
    def _compute_date_retired(self):
        for unit in self:
            retired = unit.state == 'retired'
            unit.date_retired = retired and (unit.date_retired or fields.Date.context_today(unit))
