from odoo import fields, models


class CrmLabelMixin(models.AbstractModel):
    """Words that a business files its customers under, and adds to as it likes."""

    _name = 'crm.label.mixin'
    _description = 'Words to File Customers Under'
    _inherit = ['crm.named.mixin']
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    color = fields.Integer()
    active = fields.Boolean(default=True)
