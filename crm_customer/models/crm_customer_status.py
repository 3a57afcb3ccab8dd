from odoo import fields, models


class CrmCustomerStatus(models.Model):
    """Where a customer stands in the life of the relation: prospect, active, lost..."""

    _name = 'crm.customer.status'
    _description = 'Customer Status'
    _inherit = ['crm.label.mixin']

    closed = fields.Boolean(help="The relation has ended: the customer buys no more.")
    description = fields.Text(translate=True, help="When a customer has this status.")
