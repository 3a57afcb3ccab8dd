from odoo import fields, models

from ..warranty import LINE_TYPES
from .aftersales_warranty_check import WHOLE


class AftersalesWarrantyCheckLine(models.TransientModel):
    """What the warranties of a product say about one kind of cost."""

    _name = 'aftersales.warranty.check.line'
    _description = "Answer about a Warranty"

    check_id = fields.Many2one(
        comodel_name='aftersales.warranty.check', required=True, index=True, ondelete='cascade'
    )
    line_type = fields.Selection(selection=[WHOLE, *LINE_TYPES], string="For")
    state = fields.Selection(
        selection=[
            ('covered', "Covered"),
            ('not_covered', "Not Covered"),
            ('unknown', "Unknown"),
        ],
        string="Answer",
    )
    percent = fields.Float(string="Covered (%)", digits=(5, 2))
    until = fields.Date()
    reason = fields.Char(string="Why")
    warranty_id = fields.Many2one(comodel_name='aftersales.warranty')
