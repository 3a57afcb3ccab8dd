from odoo import fields, models


class ProductTemplate(models.Model):
    """Parts whose replacements are counted."""

    _inherit = 'product.template'

    aftersales_main_part = fields.Boolean(
        string="Main Part",
        help="Replacements of this part in customers' products are counted by remedy rules, such"
        " as those of an engine or a gearbox.",
    )
