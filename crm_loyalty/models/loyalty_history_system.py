from odoo import api, models


class LoyaltyHistory(models.Model):
    """Core writes, in the rights of a salesperson, what was issued and used; all else follows.

    Stands after all that adds values of the system to a new row: what was given is looked at
    first.
    """

    _name = 'loyalty.history'
    _inherit = ['crm.system.mixin', 'loyalty.history']

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {
            *('qty', 'kind', 'date', 'posted_at', 'key', 'expire_on'),
            *('award_id', 'reversed_id', 'remaining', 'unfolded', 'origin'),
            *('rate', 'multiplier', 'base_amount', 'document_company_id'),
        }
