from odoo import api, fields, models
from odoo.tools import float_round, formatLang


class AftersalesMeterType(models.Model):
    """What a meter counts or measures, and what is believed of it."""

    _name = 'aftersales.meter.type'
    _description = "Meter"
    _order = 'sequence, name, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    uom = fields.Char(
        string="Unit of Measure", required=True, translate=True, help="As km, hours or bar."
    )
    decimals = fields.Integer(default=0, help="Decimal places of its readings: 0 to 4.")
    counts_upward = fields.Boolean(
        default=True,
        help="As an odometer does: a lower reading is refused. Off for what goes up and down, as a"
        " pressure.",
    )
    suspect_factor = fields.Float(
        default=5,
        help="A reading is suspect when the product was used more than so many times as much as"
        " usual since the one before. Zero: never.",
    )
    max_per_day = fields.Float(
        string="Most per Day",
        help="A reading is suspect when more was used per day since the one before. Zero: any use"
        " is possible.",
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(comodel_name='res.company', index=True)
    limit_ids = fields.One2many(
        comodel_name='aftersales.meter.limit',
        inverse_name='meter_type_id',
        string="Limits",
        domain=[('unit_id', '=', False)],
    )

    _decimals_range = models.Constraint(
        'CHECK(decimals BETWEEN 0 AND 4)', "A reading has 0 to 4 decimal places."
    )
    _bounds_positive = models.Constraint(
        'CHECK(suspect_factor >= 0 AND max_per_day >= 0)',
        "What makes a reading suspect is not below zero.",
    )

    @api.depends('name', 'uom')
    def _compute_display_name(self):
        for meter in self:
            meter.display_name = f"{meter.name} ({meter.uom})" if meter.uom else meter.name

    def _round(self, value: float) -> float:
        """Return a value with the decimal places of the meter."""
        return float_round(value, precision_digits=self.decimals if self else 4)

    def _format(self, value: float) -> str:
        """Return a value as people write it, with its unit of measure."""
        self.ensure_one()
        return f'{formatLang(self.env, value, digits=self.decimals)} {self.uom}'
