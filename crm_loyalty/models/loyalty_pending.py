from __future__ import annotations

import logging
from decimal import Decimal

from odoo import api, fields, models
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

from ..ledger import to_points
from .loyalty_card_ledger import Movement
from .loyalty_program import POINT_DIGITS

_logger = logging.getLogger(__name__)

#: rows released in one transaction
CHUNK_SIZE = 1000
#: how often in a row others may be faster before a run gives up until the next one
MAX_FAILURES = 5


class LoyaltyPending(models.Model):
    """Points that were earned but cannot be spent yet, as the goods may still come back.

    No part of the balance.  Taking back lowers the row; on its day a job enters what is left in
    the ledger.  The key of the ledger row is made of the row here, so that it is released once.
    """

    _name = 'loyalty.pending'
    _description = 'Pending Points'
    _inherit = ['crm.keyed.mixin']
    _order = 'release_at, id'
    _rec_name = 'description'

    card_id = fields.Many2one(
        'loyalty.card', required=True, readonly=True, index=True, ondelete='cascade'
    )
    partner_id = fields.Many2one(related='card_id.partner_id', string="Member")
    program_id = fields.Many2one(related='card_id.program_id')
    company_id = fields.Many2one(related='card_id.company_id')
    description = fields.Char(required=True, readonly=True)
    qty = fields.Float(string="Points", digits=POINT_DIGITS, required=True, readonly=True)
    release_at = fields.Datetime(string="Usable from", required=True, readonly=True)
    state = fields.Selection(
        selection=[
            ('pending', "Pending"),
            ('released', "Released"),
            ('cancelled', "Taken Back"),
        ],
        default='pending',
        required=True,
        readonly=True,
    )
    order_model = fields.Char(readonly=True)
    order_id = fields.Many2oneReference(model_field='order_model', readonly=True)
    origin = fields.Char(string="Document Name", readonly=True)
    rate = fields.Float(digits=0, readonly=True)
    multiplier = fields.Float(digits=(16, 4), readonly=True)
    base_amount = fields.Float(digits=(16, 2), readonly=True)
    document_company_id = fields.Many2one('res.company', readonly=True)

    _order_ref_idx = models.Index('(order_model, order_id)')
    _due_idx = models.Index("(release_at, id) WHERE state = 'pending'")

    @api.model
    def _insert_movements(self, movements: list[Movement], release_at: dict[int, object]) -> None:
        """Keep movements until a moment, instead of posting them.

        :param release_at: moment (UTC) by card
        """
        self.sudo()._insert_keyed(
            {
                'key': row.key,
                'card_id': row.card_id,
                'qty': row.qty,
                'description': row.description,
                'release_at': release_at[row.card_id],
                'state': 'pending',
                'order_model': row.order_model,
                'order_id': row.order_id,
                'origin': row.origin,
                'rate': row.rate,
                'multiplier': row.multiplier,
                'base_amount': row.base_amount,
                'document_company_id': row.document_company_id,
            }
            for row in movements
        )

    def _lower(self, qty: Decimal) -> Decimal:
        """Take back pending points, those released last first.

        :return: what more there was to take back
        """
        for row in self.sudo().sorted(lambda row: (row.release_at, row.id), reverse=True):
            taken = min(to_points(row.qty), qty)
            left = to_points(row.qty) - taken
            row.write({'qty': float(left), 'state': 'pending' if left else 'cancelled'})
            qty -= taken
            if not qty:
                break
        return qty

    # ------------------------------------------------------------
    # RELEASE
    # ------------------------------------------------------------

    @api.model
    def _cron_release(self, shard: int = 0, shards: int = 1) -> None:
        """Enter in the ledger what has become usable, of this worker's share of the cards.

        To work with more workers, give each scheduled action its number and all of them the new
        total.

        :param shard: number of the worker, from 0
        :param shards: how many workers there are
        """
        failures = 0
        while failures < MAX_FAILURES:
            try:
                done = self._release_chunk(shard, shards)
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY as error:
                self.env.cr.rollback()
                self.env.invalidate_all(flush=False)
                failures += 1
                _logger.info("Pending points: others were faster, trying again: %s", error)
                continue
            failures = 0
            if not done:
                break
            remaining = int(done >= CHUNK_SIZE)
            if not self.env['ir.cron']._commit_progress(done, remaining=remaining):
                break

    @api.model
    def _release_chunk(self, shard: int = 0, shards: int = 1) -> int:
        """Release the next rows that are due; the claim is the first statement.

        :return: number of rows released
        """
        self.env.flush_all()
        released = self.env.execute_query(self._get_release_sql(shard, shards))
        self.invalidate_model(['state'], flush=False)
        self.env['loyalty.card'].invalidate_model(['pending_ids', 'points_pending'], flush=False)
        entered = [row for _number, *row in released if row[0]]
        self.env['loyalty.card'].sudo()._entered([(row_id, card) for row_id, card, _ in entered])
        unnamed = [row_id for row_id, _card_id, is_unnamed in entered if is_unnamed]
        self.env['loyalty.history'].browse(unnamed)._fill_origins()
        [number, *_row] = released[0]
        return number

    @api.model
    def _get_release_sql(self, shard: int, shards: int) -> SQL:
        """Return the statement that releases a chunk: how many rows, and each row entered."""
        return SQL(
            """WITH due AS (
                   SELECT id FROM loyalty_pending
                    WHERE state = 'pending' AND release_at <= %(now)s
                      AND CASE WHEN card_id %% %(shards)s = %(shard)s THEN TRUE ELSE FALSE END
                 ORDER BY release_at, id LIMIT %(limit)s
                      FOR NO KEY UPDATE SKIP LOCKED
               ), released AS (
                   UPDATE loyalty_pending pending
                      SET state = 'released', write_date = %(now)s, write_uid = %(uid)s
                     FROM due WHERE pending.id = due.id
                RETURNING pending.*
               ), entered AS (
                   INSERT INTO loyalty_history (
                       card_id, description, qty, issued, used, kind, key, date, posted_at,
                       order_model, order_id, origin, rate, multiplier, base_amount,
                       document_company_id, unfolded,
                       create_uid, create_date, write_uid, write_date
                   )
                   SELECT card_id, description, qty, qty, 0, 'earn', %(key)s || id, %(now)s,
                          %(now)s, order_model, order_id, origin, rate, multiplier, base_amount,
                          document_company_id, TRUE, %(uid)s, %(now)s, %(uid)s, %(now)s
                     FROM released
                    WHERE qty > 0
                 ORDER BY id
              ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING
                RETURNING id, card_id, order_id IS NOT NULL AND origin IS NULL AS is_unnamed
               )
               SELECT number, id, card_id, is_unnamed
                 FROM (SELECT count(*) AS number FROM released) total
            LEFT JOIN entered ON TRUE ORDER BY id""",
            now=fields.Datetime.now(),
            uid=self.env.uid,
            key=f'{self._name}:',
            shard=shard,
            shards=shards,
            limit=CHUNK_SIZE,
        )
