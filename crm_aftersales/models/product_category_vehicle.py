from odoo import api, fields, models


class ProductCategory(models.Model):
    _inherit = 'product.category'

    aftersales_is_vehicle = fields.Boolean(
        string="Vehicles",
        help="Customers' products of this category and of those below have a VIN, a plate and an"
        " odometer.",
    )

    @api.model
    def _get_vehicle_categories(self):
        """Return the categories of vehicles, those below included."""
        marked = self.sudo().search([('aftersales_is_vehicle', '=', True)])
        return self.sudo().search([('id', 'child_of', marked.ids)]) if marked else marked
