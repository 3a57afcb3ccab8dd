from odoo import fields, models

from .loyalty_program import POINT_DIGITS


class LoyaltyAllocation(models.Model):
    """Which points were spent by what: a row of the ledger that takes, and one that had given.

    Written by the fold only, by SQL, and only added to: giving back is a negative row.
    """

    _name = 'loyalty.allocation'
    _description = 'Points Allocation'
    _order = 'id'
    _log_access = False

    consumer_id = fields.Many2one(
        'loyalty.history', required=True, readonly=True, index=True, ondelete='cascade'
    )
    award_id = fields.Many2one(
        'loyalty.history', required=True, readonly=True, index=True, ondelete='cascade'
    )
    qty = fields.Float(string="Points", digits=POINT_DIGITS, required=True, readonly=True)
    expire_on = fields.Date(related='award_id.expire_on')
