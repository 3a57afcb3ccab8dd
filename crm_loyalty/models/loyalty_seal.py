from odoo import fields, models

from .loyalty_program import POINT_DIGITS


class LoyaltySeal(models.Model):
    """A link of the chain over the ledger of a program: the rows of a range of ids, and a hash.

    The hash covers these rows and the hash before it, so that a row that is changed, deleted or
    put in later breaks its own link, and a link that is changed breaks the next.
    """

    _name = 'loyalty.seal'
    _description = 'Seal on the Points Ledger'
    _order = 'id desc'
    _log_access = False

    program_id = fields.Many2one(
        'loyalty.program', required=True, readonly=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(related='program_id.company_id')
    proof_id = fields.Many2one(
        'loyalty.proof', readonly=True, index='btree_not_null', ondelete='set null'
    )
    after_id = fields.Integer(readonly=True, help="The rows have a higher number than this.")
    last_id = fields.Integer(readonly=True, help="The last number the seal covers.")
    row_count = fields.Integer(string="Rows", readonly=True)
    qty = fields.Float(string="Points", digits=POINT_DIGITS, readonly=True)
    previous_hash = fields.Char(readonly=True)
    hash = fields.Char(readonly=True)
    sealed_at = fields.Datetime(readonly=True)
    ended = fields.Boolean(
        readonly=True, help="The program left its ledger to others since: the chain began anew."
    )
    # === A broken seal somebody looked into ===
    accepted_hash = fields.Char(
        readonly=True, help="What the rows gave when somebody accepted them as they are."
    )
    accepted_uid = fields.Many2one('res.users', string="Accepted by", readonly=True)
    accepted_reason = fields.Char(readonly=True)

    _program_idx = models.Index('(program_id, after_id) WHERE ended IS NOT TRUE')
