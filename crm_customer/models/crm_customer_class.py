from odoo import fields, models


class CrmCustomerClass(models.Model):
    """How much attention a customer gets: VIP, key, ordinary..."""

    _name = 'crm.customer.class'
    _description = 'Customer Class'
    _inherit = ['crm.label.mixin']

    description = fields.Text(translate=True, help="Which customers are filed here.")
