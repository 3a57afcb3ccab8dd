from odoo import fields, models


class ProductCategory(models.Model):
    _inherit = 'product.category'

    aftersales_warranty_policy_id = fields.Many2one(
        comodel_name='aftersales.warranty.policy',
        string="Warranty Policy",
        company_dependent=True,
        check_company=True,
        help="Of products of the category and those below it that have none of their own.",
    )
