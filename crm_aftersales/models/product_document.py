from odoo import fields, models


class ProductDocument(models.Model):
    _inherit = 'product.document'

    aftersales_shown_to = fields.Selection(
        selection=[
            ('owner', "Owners of the Product"),
            ('everybody', "Everybody Who Scans Its QR Code"),
        ],
        string="After-Sales Visibility",
        help="Manuals and certificates that customers find on the portal, at their product. Empty:"
        " staff only.",
    )
