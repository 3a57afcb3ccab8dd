from odoo import api, fields, models


class AftersalesRequest(models.Model):
    """Requests that a meter raised by reaching a limit."""

    _inherit = 'aftersales.request'

    meter_limit_id = fields.Many2one(
        comodel_name='aftersales.meter.limit',
        string="Limit Reached",
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
    )
    meter_date = fields.Date(
        string="Meter Read on",
        readonly=True,
        copy=False,
        help="Day of the reading that reached the limit.",
    )

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {'meter_limit_id', 'meter_date'}
