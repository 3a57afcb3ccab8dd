from odoo import fields, models


class CrmCustomerType(models.Model):
    """What a customer is to the business: agent, dealer, end user..."""

    _name = 'crm.customer.type'
    _description = 'Customer Type'
    _inherit = ['crm.label.mixin']

    description = fields.Text(translate=True, help="Which customers are filed here.")
