from odoo import fields, models


class AftersalesUnit(models.Model):
    """When a product was installed and invoiced."""

    _inherit = 'aftersales.unit'

    date_installed = fields.Date(string="Installed on", copy=False, tracking=True)
    date_invoiced = fields.Date(
        string="Invoiced on",
        copy=False,
        tracking=True,
        help="Filled by the first posted invoice of the piece.",
    )
