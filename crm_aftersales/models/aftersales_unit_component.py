from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import ValidationError


class AftersalesUnitComponent(models.Model):
    """Which part was in a customer product from when until when, and what came in its place.

    A part may be a customer product of its own, or just a product with or without serial number.
    """

    _name = 'aftersales.unit.component'
    _description = "Component of a Customer Product"
    # parts that are still in come first
    _order = 'unit_id, date_to desc, date_from desc, id desc'
    _rec_name = 'product_id'
    _check_company_auto = True

    unit_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="Customer Product",
        required=True,
        index=True,
        ondelete='cascade',
    )
    company_id = fields.Many2one(
        related='unit_id.company_id', store=True, precompute=True, index=True
    )
    component_unit_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="Registered as",
        index='btree_not_null',
        ondelete='set null',
        check_company=True,
        help="The part itself, where it is a customer product of its own.",
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        string="Part",
        compute='_compute_from_unit',
        store=True,
        readonly=False,
        precompute=True,
        required=True,
        index=True,
        check_company=True,
        ondelete='restrict',
    )
    serial = fields.Char(
        string="Serial Number",
        compute='_compute_from_unit',
        store=True,
        readonly=False,
        precompute=True,
    )
    quantity = fields.Float(default=1, digits='Product Unit')
    place = fields.Char(help="Where in the product, such as front left.")
    date_from = fields.Date(
        string="In since", required=True, default=lambda self: fields.Date.context_today(self)
    )
    date_to = fields.Date(string="Taken Out on", help="Empty while the part is in.")
    replaced_by_id = fields.Many2one(
        comodel_name='aftersales.unit.component',
        string="Replaced by",
        index='btree_not_null',
        ondelete='set null',
    )
    request_in_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Put In by Request",
        index='btree_not_null',
        ondelete='set null',
        check_company=True,
    )
    request_out_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Taken Out by Request",
        index='btree_not_null',
        ondelete='set null',
        check_company=True,
    )
    reason = fields.Char(help="Why it was taken out.")

    _one_place = models.UniqueIndex(
        '(component_unit_id) WHERE component_unit_id IS NOT NULL AND date_to IS NULL',
        "A part is in one product at a time. Somebody else has just put it in: please reload.",
    )
    _dates_in_order = models.Constraint(
        'CHECK(date_to IS NULL OR date_to >= date_from)',
        "A part is taken out after it was put in.",
    )
    _quantity_positive = models.Constraint(
        'CHECK(quantity > 0)', "The quantity of a part is more than zero."
    )

    @api.depends('component_unit_id')
    def _compute_from_unit(self):
        for component in self:
            part = component.component_unit_id
            component.product_id = part.product_id or component.product_id
            component.serial = part.serial or component.serial

    @api.depends('product_id', 'serial')
    def _compute_display_name(self):
        for component in self:
            parts = [component.product_id.display_name, component.serial]
            component.display_name = " · ".join(filter(None, parts))

    @api.constrains('unit_id', 'component_unit_id')
    def _check_not_itself(self):
        if any(component.unit_id == component.component_unit_id for component in self):
            raise ValidationError(self.env._("A product is not a part of itself."))

    def action_replace(self) -> dict:
        """Ask what comes in the place of this part.

        :return: window action
        """
        self.ensure_one()
        action = self.unit_id.action_replace_component()
        action['context'] = {**action['context'], 'default_component_id': self.id}
        return action
