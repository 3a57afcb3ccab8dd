from odoo import api, models


class LoyaltyCard(models.Model):
    """What follows from the ledger is written by the system; core lets salespeople write cards.

    Stands after all that adds values of the system to a new card: what was given is looked at
    first.
    """

    _name = 'loyalty.card'
    _inherit = ['crm.system.mixin', 'loyalty.card']

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {
            *('tier_id', 'tier_since', 'tier_until', 'qualifying_value'),
            *('merged_into_id', 'merged_row_id', 'is_member'),
        }
