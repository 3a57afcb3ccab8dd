from odoo import api, fields, models
from odoo.exceptions import UserError


class AftersalesComponentReplace(models.TransientModel):
    """Which part comes in, in whose place, when and why."""

    _name = 'aftersales.component.replace'
    _description = "Put In or Replace a Part"

    unit_id = fields.Many2one(
        comodel_name='aftersales.unit', string="Customer Product", required=True
    )
    company_id = fields.Many2one(related='unit_id.company_id')
    component_id = fields.Many2one(
        comodel_name='aftersales.unit.component',
        string="Part Taken Out",
        domain="[('unit_id', '=', unit_id), ('date_to', '=', False)]",
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        string="Part Put In",
        compute='_compute_product_id',
        store=True,
        readonly=False,
        domain="[('type', '!=', 'combo'), ('company_id', 'in', [False, company_id])]",
        help="Empty: nothing comes in its place.",
    )
    serial = fields.Char(string="New Serial Number")
    is_registered = fields.Boolean(
        string="Register as a Customer Product",
        compute='_compute_is_registered',
        store=True,
        readonly=False,
        help="The part has requests, meters and a warranty of its own.",
    )
    quantity = fields.Float(
        digits='Product Unit', compute='_compute_quantity', store=True, readonly=False
    )
    date = fields.Date(
        string="On",
        compute='_compute_date',
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    request_id = fields.Many2one(
        comodel_name='aftersales.request', domain="[('unit_id', '=', unit_id)]"
    )
    reason = fields.Char()
    retires_old = fields.Boolean(
        string="Retire the Old Part", default=True, help="It is not used anywhere any more."
    )
    old_unit_id = fields.Many2one(related='component_id.component_unit_id')

    @api.depends('unit_id')
    def _compute_date(self):
        """Propose today where the owner is, whose days parts come in and go out on."""
        today = fields.Date.context_today(self)
        for wizard in self:
            wizard.date = wizard.unit_id._get_customer_day() if wizard.unit_id else today

    @api.depends('component_id')
    def _compute_product_id(self):
        for wizard in self:
            wizard.product_id = wizard.component_id.product_id or wizard.product_id

    @api.depends('component_id')
    def _compute_quantity(self):
        for wizard in self:
            wizard.quantity = wizard.component_id.quantity or 1

    @api.depends('product_id')
    def _compute_is_registered(self):
        for wizard in self:
            template = wizard.product_id.product_tmpl_id
            wizard.is_registered = bool(template) and template._is_aftersales_tracked(
                wizard.company_id
            )

    def action_replace(self) -> dict:
        """Take the old part out, and put the new one in.

        :return: window action
        """
        self.ensure_one()
        if not (self.component_id or self.product_id):
            raise UserError(self.env._("Choose the part that comes in or goes out."))
        unit, old = self.unit_id, self.component_id
        unit._take_out(old, self.date, request_out_id=self.request_id.id, reason=self.reason)
        if self.retires_old:
            old.component_unit_id.action_retire()
        if self.product_id:
            new = unit._put_in(self.product_id, self.date, **self._prepare_component_vals())
            old.sudo().replaced_by_id = new
        return {'type': 'ir.actions.act_window_close'}

    def _prepare_component_vals(self) -> dict:
        """Return the values of the part that comes in."""
        part = self.env['aftersales.unit']
        if self.is_registered:
            part = part.create(self._prepare_part_vals())
        return {
            'component_unit_id': part.id,
            'serial': self.serial,
            'quantity': self.quantity,
            'place': self.component_id.place,
            'request_in_id': self.request_id.id,
        }

    def _prepare_part_vals(self) -> dict:
        """Return the values of a part that is a customer product of its own."""
        return {
            'product_id': self.product_id.id,
            'serial': self.serial,
            'partner_id': self.unit_id.partner_id.id,
            'company_id': self.unit_id.company_id.id,
            'site_partner_id': self.unit_id.site_partner_id.id,
            'date_delivered': self.date,
            'date_installed': self.date,
        }
