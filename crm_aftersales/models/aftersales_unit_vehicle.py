from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from .. import vin as vins
from ..texts import normalise_number


class AftersalesUnit(models.Model):
    """Customers' vehicles: identification number, plate and odometer.

    Shown for products of categories of vehicles; elsewhere nobody sees the fields.
    """

    _inherit = 'aftersales.unit'
    # the numbers as they are compared: see ``_search_display_name``
    _rec_names_search = ['ref', 'name']

    is_vehicle = fields.Boolean(
        string="Vehicle", compute='_compute_is_vehicle', search='_search_is_vehicle'
    )
    vin = fields.Char(
        string="VIN",
        copy=False,
        tracking=True,
        index='trigram',
        help="Vehicle identification number: 17 characters, in capitals.",
    )
    vin_hint = fields.Char(compute='_compute_vin_hint')
    plate = fields.Char(string="License Plate", copy=False, tracking=True)
    plate_norm = fields.Char(
        string="Normalised License Plate",
        compute='_compute_plate_norm',
        store=True,
        precompute=True,
        index='trigram',
    )
    date_registered = fields.Date(
        string="First Registered on", copy=False, help="When it was first allowed on the road."
    )
    identifier = fields.Char(
        string="Serial Number, VIN or Plate",
        compute='_compute_identifier',
        search='_search_identifier',
        help="However it is written: with or without blanks, dashes and capitals.",
    )

    _vin_unique = models.UniqueIndex(
        "(vin, company_id) WHERE vin IS NOT NULL AND state <> 'retired'",
        "A vehicle with this VIN is already registered.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends('product_id')
    def _compute_is_vehicle(self):
        categories = self.env['product.category']._get_vehicle_categories()
        for unit in self:
            unit.is_vehicle = unit.product_id.sudo().categ_id in categories

    def _search_is_vehicle(self, operator, value):
        if operator != 'in':
            return NotImplemented
        categories = self.env['product.category']._get_vehicle_categories()
        domain = Domain('product_id.categ_id', 'in', categories.ids)
        return domain if True in value else ~domain

    @api.depends('product_id')
    def _compute_meter_type_id(self):
        res = super()._compute_meter_type_id()
        odometer = self.env.ref(
            'crm_aftersales.aftersales_meter_type_odometer', raise_if_not_found=False
        )
        for unit in self.filtered(lambda unit: not unit.meter_type_id and unit.is_vehicle):
            unit.meter_type_id = odometer
        return res

    @api.depends('plate')
    def _compute_plate_norm(self):
        for unit in self:
            unit.plate_norm = self._normalise_plate(unit.plate)

    @api.model
    def _normalise_plate(self, plate: str | bool) -> str | bool:
        """Return a plate as it is compared: 京A·123 45 is 京A12345."""
        return normalise_number(plate, r'[\W_]+')

    @api.depends('vin')
    def _compute_vin_hint(self):
        for unit in self:
            vin = vins.normalise(unit.vin)
            doubtful = vin and vins.is_well_formed(vin) and not vins.fits_check_digit(vin)
            # where it is needed it is refused
            unit.vin_hint = doubtful and self.env._(
                "Has no check digit, as is usual outside North America and China. Please compare it"
                " once more."
            )

    @api.depends('vin', 'plate', 'serial')
    def _compute_identifier(self):
        for unit in self:
            unit.identifier = unit.plate or unit.vin or unit.serial

    def _search_identifier(self, operator, value):
        if operator not in ('ilike', '=', 'in'):
            return NotImplemented
        texts = [value] if isinstance(value, str) else filter(None, value or ())
        exactly = 'ilike' if operator == 'ilike' else '='
        return Domain.OR(
            Domain(name, exactly, written)
            for text in texts
            for name, written in (
                ('serial_norm', self._normalise_serial(text)),
                ('vin', vins.normalise(text)),
                ('plate_norm', self._normalise_plate(text)),
            )
            if written
        )

    @api.depends('plate')
    def _compute_display_name(self):
        res = super()._compute_display_name()
        for unit in self.filtered('plate'):
            unit.display_name = f'{unit.name} · {unit.plate}'
        return res

    @api.model
    def _search_display_name(self, operator, value):
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented  # all but those that are found
        domain = super()._search_display_name(operator, value)
        if operator == 'in' or (operator in ('ilike', '=') and isinstance(value, str) and value):
            return Domain(domain) | Domain('identifier', operator, value)
        return domain

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        return super().create([self._normalise_vehicle_vals(vals) for vals in vals_list])

    def write(self, vals):
        return super().write(self._normalise_vehicle_vals(vals))

    @api.model
    def _normalise_vehicle_vals(self, vals: dict) -> dict:
        """Return values with the VIN as it is stored."""
        return {**vals, 'vin': vins.normalise(vals['vin'])} if 'vin' in vals else vals

    @api.constrains('vin')
    def _check_vin(self):
        for vin in filter(None, self.mapped('vin')):
            if not vins.is_well_formed(vin):
                raise ValidationError(
                    self.env._(
                        "%(vin)s is no VIN: it has 17 letters and digits, and neither I, O nor Q."
                        " Enter other chassis numbers as the serial number.",
                        vin=vin,
                    )
                )
            if vins.needs_check_digit(vin) and not vins.fits_check_digit(vin):
                raise ValidationError(
                    self.env._(
                        "There is a typing error in %(vin)s: its check digit, in the ninth place,"
                        " does not fit the others.",
                        vin=vin,
                    )
                )
