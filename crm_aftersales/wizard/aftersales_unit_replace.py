from odoo import api, fields, models


class AftersalesUnitReplace(models.TransientModel):
    """Which piece takes the place of another one, when and why."""

    _name = 'aftersales.unit.replace'
    _description = "Replacement of a Customer Product"

    unit_id = fields.Many2one(
        comodel_name='aftersales.unit', string="Customer Product", required=True, readonly=True
    )
    company_id = fields.Many2one(related='unit_id.company_id')
    commercial_partner_id = fields.Many2one(related='unit_id.commercial_partner_id')
    replacement_id = fields.Many2one(
        comodel_name='aftersales.unit',
        string="New Piece",
        domain="[('commercial_partner_id', '=', commercial_partner_id), ('id', '!=', unit_id),"
        " ('company_id', '=', company_id), ('state', '!=', 'retired'),"
        " ('replaces_ids', '=', False)]",
        help="One that is registered already. Empty: it is registered now.",
    )
    product_id = fields.Many2one(
        comodel_name='product.product',
        compute='_compute_product_id',
        store=True,
        readonly=False,
        domain="[('type', '!=', 'combo'), ('company_id', 'in', [False, company_id])]",
    )
    serial = fields.Char(string="New Serial Number")
    date = fields.Date(
        string="Replaced on",
        compute='_compute_date',
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    reason = fields.Char()

    @api.depends('unit_id')
    def _compute_product_id(self):
        for wizard in self:
            wizard.product_id = wizard.unit_id.product_id

    @api.depends('unit_id')
    def _compute_date(self):
        for wizard in self.filtered('unit_id'):
            wizard.date = wizard.date or wizard.unit_id._get_customer_day()

    def action_replace(self) -> dict:
        """Replace the product, and show the new piece.

        :return: window action
        """
        self.ensure_one()
        replacement = self.replacement_id or self._prepare_unit_vals()
        self.unit_id._replace_by(replacement, self.date, self.reason or '')
        return self.unit_id.replaced_by_id.get_formview_action()

    def _prepare_unit_vals(self) -> dict:
        """Return the values of the new piece that differ from those of the old one."""
        product = self.product_id or self.unit_id.product_id
        return {'product_id': product.id, 'serial': self.serial}
