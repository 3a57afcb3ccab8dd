from odoo import fields, models


class AftersalesWarrantyPart(models.TransientModel):
    """Which parts were put in, and for how long they are guaranteed."""

    _name = 'aftersales.warranty.part'
    _description = "Warranty on a Repair"

    unit_id = fields.Many2one(
        comodel_name='aftersales.unit', string="Customer Product", required=True, readonly=True
    )
    request_id = fields.Many2one(
        comodel_name='aftersales.request', string="Service Request", readonly=True
    )
    product_ids = fields.Many2many(comodel_name='product.product', string="Parts")
    date = fields.Date(
        string="Repaired on", required=True, default=lambda self: fields.Date.context_today(self)
    )
    months = fields.Integer(help="Zero: as the part or the warranty policy says.")
    chose_repair = fields.Boolean(
        string="Customer Chose Repair",
        help="Adds the months of the warranty policy for choosing repair over replacement, once.",
    )

    def action_grant(self) -> dict:
        """Grant the warranties, and show those of the product.

        :return: window action
        """
        self.ensure_one()
        self.env['aftersales.warranty']._ensure_can_grant()
        unit, request = self.unit_id, self.request_id
        unit._grant_part_warranty(self.product_ids, self.date, self.months or None, request)
        if self.chose_repair:
            unit._grant_repair_extension(self.date, request)
        return unit.action_view_warranties()
