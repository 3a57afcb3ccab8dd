from odoo import api, fields, models
from odoo.tools import SQL

from .loyalty_program import POINT_DIGITS


class LoyaltySeal(models.Model):
    """A link of the chain over the ledger of a program: the rows of a range of ids, and a hash.

    The hash covers these rows and the hash before it, so that a row that is changed, deleted or
    put in later breaks its own link, and a link that is changed breaks the next.
    """

    _name = 'loyalty.seal'
    _description = 'Seal on the Points Ledger'
    _order = 'id desc'
    _rec_name = 'id'
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

    # ------------------------------------------------------------
    # ROWS THAT ARE CHANGED IN THE LIGHT OF DAY
    # ------------------------------------------------------------

    @api.model
    def _claim_chain(self, programs) -> None:
        """Keep others from sealing rows of these programs, or changing sealed ones, meanwhile.

        Whoever began before another who did so is refused, and run again on what that one left.
        """
        self.env.flush_all()
        self.env.execute_query(
            SQL(
                """UPDATE loyalty_program SET write_date = write_date
                    WHERE id IN (SELECT id FROM loyalty_program WHERE id IN %s
                               ORDER BY id FOR NO KEY UPDATE) RETURNING id""",
                tuple(programs.ids),
            )
        )

    @api.model
    def _get_intact(self, row_condition: SQL) -> list[int]:
        """Return the ids of the seals over certain rows that are not broken.

        :param row_condition: condition on ``row`` (``loyalty_history``)
        """
        self.env.flush_all()
        proof = self.env['loyalty.proof']
        return [
            seal_id
            for (seal_id,) in self.env.execute_query(
                SQL(
                    """SELECT seal.id FROM loyalty_seal seal, LATERAL (%(rows)s) rows
                        WHERE COALESCE(seal.accepted_hash, seal.hash) = %(hash)s AND seal.id IN (
                              SELECT DISTINCT over.id FROM loyalty_history row
                                JOIN loyalty_card card ON card.id = row.card_id
                                JOIN loyalty_seal over ON over.program_id = card.program_id
                                     AND over.after_id < row.id AND over.last_id >= row.id
                               WHERE %(condition)s)""",
                    hash=proof._get_hash_sql('seal'),
                    rows=proof._get_digest_sql(
                        SQL('seal.program_id'), SQL('seal.after_id'), SQL('seal.last_id')
                    ),
                    condition=row_condition,
                )
            )
        ]

    def _accept_rows(self, reason: str) -> None:
        """Note what the rows of these seals give now, and who said that this is all right."""
        if not self:
            return
        proof = self.env['loyalty.proof']
        self.env.execute_query(
            SQL(
                """UPDATE loyalty_seal SET accepted_hash = now.hash, accepted_uid = %(uid)s,
                          accepted_reason = %(reason)s
                     FROM (SELECT seal.id, %(hash)s AS hash
                             FROM loyalty_seal seal, LATERAL (%(rows)s) rows
                            WHERE seal.id IN %(ids)s) now
                    WHERE now.id = loyalty_seal.id RETURNING loyalty_seal.id""",
                uid=self.env.uid,
                reason=reason,
                hash=proof._get_hash_sql('seal'),
                rows=proof._get_digest_sql(
                    SQL('seal.program_id'), SQL('seal.after_id'), SQL('seal.last_id')
                ),
                ids=tuple(self.ids),
            )
        )
        self.invalidate_recordset(flush=False)
