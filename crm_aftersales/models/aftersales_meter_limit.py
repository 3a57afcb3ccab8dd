from odoo import api, fields, models
from odoo.fields import Domain


class AftersalesMeterLimit(models.Model):
    """A value whose crossing raises a request: of all meters of a type, or of one product's."""

    _name = 'aftersales.meter.limit'
    _description = "Limit of a Meter"
    _order = 'meter_type_id, unit_id, bound desc, value, id'
    _check_company_auto = True

    name = fields.Char(translate=True, help="Subject of the request, such as “Service due”.")
    meter_type_id = fields.Many2one(
        comodel_name='aftersales.meter.type',
        string="Meter",
        compute='_compute_meter_type_id',
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        index=True,
        ondelete='cascade',
    )
    unit_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="Customer Product",
        index='btree_not_null',
        ondelete='cascade',
        help="Of this product alone: it then replaces the limits on that side of its meter's type.",
    )
    bound = fields.Selection(
        selection=[('upper', "At least"), ('lower', "At most")], required=True, default='upper'
    )
    value = fields.Float(digits=(16, 4), required=True)
    request_type_id = fields.Many2one(
        comodel_name='aftersales.request.type', index='btree_not_null', ondelete='set null'
    )
    company_id = fields.Many2one(related='unit_id.company_id', store=True, index='btree_not_null')
    active = fields.Boolean(default=True)

    @api.depends('unit_id')
    def _compute_meter_type_id(self):
        for limit in self:
            limit.meter_type_id = limit.unit_id.meter_type_id or limit.meter_type_id

    @api.depends('name', 'bound', 'value', 'meter_type_id')
    def _compute_display_name(self):
        bounds = dict(self._fields['bound']._description_selection(self.env))
        for limit in self:
            meter = limit.meter_type_id
            value = meter._format(limit.value) if meter else f'{limit.value:g}'
            condition = f'{bounds.get(limit.bound, "")} {value}'
            limit.display_name = f'{limit.name}: {condition}' if limit.name else condition

    def _is_reached(self, reading) -> bool:
        """Whether a reading lies on the limit or beyond.

        Meters that count upwards are judged by what was used in all, so that an exchanged meter
        makes no product younger.
        """
        self.ensure_one()
        meter = self.meter_type_id
        value = meter._round(reading.total if meter.counts_upward else reading.value)
        limit = meter._round(self.value)
        return value >= limit if self.bound == 'upper' else value <= limit

    @api.model
    def _get_for_units(self, units) -> dict:
        """Return the limits that hold for products: their own, else those of their meters' type."""
        found = self.sudo().search(
            Domain('unit_id', 'in', units.ids)
            | (
                Domain('unit_id', '=', False)
                & Domain('meter_type_id', 'in', units.meter_type_id.ids)
            )
        )
        result = {}
        for unit in units:
            of_meter = found.filtered(
                lambda limit, unit=unit: limit.meter_type_id == unit.meter_type_id
            )
            own = of_meter.filtered(lambda limit, unit=unit: limit.unit_id == unit)
            bounds = set(own.mapped('bound'))
            result[unit] = own | of_meter.filtered(
                lambda limit, bounds=bounds: not limit.unit_id and limit.bound not in bounds
            )
        return result
