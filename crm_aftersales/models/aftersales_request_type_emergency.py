from odoo import api, fields, models


class AftersalesRequestType(models.Model):
    """Emergencies take a path of their own, around the clock and whatever their priority."""

    _inherit = 'aftersales.request.type'

    is_emergency = fields.Boolean(
        string="Emergency",
        compute='_compute_is_emergency',
        store=True,
        readonly=False,
        precompute=True,
        help="Requests of this type are ruled by the service level for emergencies.",
    )

    @api.depends('code')
    def _compute_is_emergency(self):
        for request_type in self:
            request_type.is_emergency = request_type.code == 'emergency'
