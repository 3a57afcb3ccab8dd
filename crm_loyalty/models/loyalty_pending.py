from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import SQL

from ..ledger import to_points
from .loyalty_card_ledger import Movement
from .loyalty_program import POINT_DIGITS


class LoyaltyPending(models.Model):
    """Points that were earned but cannot be spent yet, as the goods may still come back.

    No part of the balance.  Taking back lowers the row; on its day a job enters what is left in
    the ledger.  The key of the ledger row is made of the row here, so that it is released once.
    """

    _name = 'loyalty.pending'
    _description = 'Pending Points'
    _inherit = ['crm.keyed.mixin', 'loyalty.card.job']
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
    _due_idx = models.Index("(card_id, release_at) WHERE state = 'pending'")

    @api.model
    def _insert_movements(self, movements: list[Movement], release_at: list[datetime]) -> None:
        """Keep movements until a moment, instead of posting them.

        :param release_at: moment (UTC) of each
        """
        origins = self.env['loyalty.history']._get_origins(
            (row.order_model, row.order_id) for row in movements if not row.origin
        )
        self.sudo()._insert_keyed(
            {
                'key': row.key,
                'card_id': row.card_id,
                'qty': row.qty,
                'description': row.description,
                'release_at': moment,
                'state': 'pending',
                'order_model': row.order_model,
                'order_id': row.order_id,
                'origin': row.origin or origins.get((row.order_model, row.order_id)),
                'rate': row.rate,
                'multiplier': row.multiplier,
                'base_amount': row.base_amount,
                'document_company_id': row.document_company_id,
            }
            for row, moment in zip(movements, release_at, strict=True)
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
        self._do_found('_release_cards', self._get_due_finder(), shard, shards)

    @api.model
    def _get_due_finder(self) -> SQL:
        """Return what finds cards with something to release: a SELECT of ``card_id``."""
        return SQL(
            "SELECT card_id FROM loyalty_pending WHERE state = 'pending' AND release_at <= %s",
            fields.Datetime.now(),
        )

    def _release_cards(self, card_ids: list[int]) -> None:
        """Release what is due on cards whose locks the transaction has.

        The rows are entered as the fold would leave them.  Where there is something to match, as
        a debt, they are entered like any others, and folded.
        """
        cards = self.env['loyalty.card'].sudo().browse(card_ids)
        self.env.flush_all()
        cards._fetch_for_fold()
        cards._lock_rows()
        entered = self.env.execute_query(self._get_release_sql(cards))
        self.invalidate_model(['state'], flush=False)
        cards.invalidate_recordset(['pending_ids', 'points_pending'], flush=False)
        cards._forget_balance()
        unnamed = [row_id for *_card, row_id in entered if row_id]
        self.env['loyalty.history'].browse(unnamed)._fill_origins()
        changes = {
            card_id: ((new := to_points(points)) - to_points(gained), new)
            for card_id, points, gained, _row_id in entered
            if points is not None
        }
        cards.browse(changes)._fold_after_hook(changes)
        cards.browse({card_id for card_id, *_ in entered} - changes.keys())._fold()

    def _get_release_sql(self, cards) -> SQL:
        """Return the statement that releases what is due on these cards.

        It gives each card with its new balance and what it gained, without them where its rows are
        still to be folded; and the rows that lack the name of their document.
        """
        now = fields.Datetime.now()
        return SQL(
            """WITH %(released)s, %(entered)s, folded AS (
                   UPDATE loyalty_card card
                      SET points = round(card.points::numeric + gained.qty, 2), write_date = %(now)s
                     FROM (SELECT card_id, sum(qty) AS qty FROM entered
                            WHERE NOT unfolded GROUP BY card_id) gained
                    WHERE card.id = gained.card_id
                RETURNING card.id, card.points, gained.qty
               )
               SELECT id AS card_id, points, qty, NULL AS row_id FROM folded
                UNION ALL
               SELECT card_id, NULL, NULL, CASE WHEN is_unnamed THEN id END
                 FROM entered WHERE unfolded OR is_unnamed""",
            released=self._get_released_sql(cards, now),
            entered=self._get_entered_sql(cards, now),
            now=now,
        )

    def _get_released_sql(self, cards, now: datetime) -> SQL:
        """Return the CTEs that claim what is due.

        A row that somebody lowers at this moment is left for the next run: who has the locks of
        cards does not wait.
        """
        return SQL(
            """due AS MATERIALIZED (
                   SELECT id FROM loyalty_pending
                    WHERE card_id = ANY(%(cards)s) AND state = 'pending' AND release_at <= %(now)s
                      FOR NO KEY UPDATE SKIP LOCKED
               ), released AS (
                   UPDATE loyalty_pending pending
                      SET state = 'released', write_date = %(now)s, write_uid = %(uid)s
                     FROM due WHERE pending.id = due.id
                RETURNING pending.*
               )""",
            cards=cards.ids,
            now=now,
            uid=self.env.uid,
        )

    def _get_entered_sql(self, cards, now: datetime) -> SQL:
        """Return the CTEs that enter what was released: folded, but where something is open."""
        return SQL(
            """matching AS MATERIALIZED (
                   SELECT card_id FROM loyalty_history
                    WHERE card_id = ANY(%(cards)s) AND remaining < 0
                    UNION
                   SELECT card_id FROM loyalty_history
                    WHERE card_id = ANY(%(cards)s) AND unfolded
               ), entered AS (
                   INSERT INTO loyalty_history (
                       card_id, description, qty, issued, used, kind, key, date, posted_at,
                       order_model, order_id, origin, rate, multiplier, base_amount,
                       document_company_id, expire_on, remaining, unfolded,
                       create_uid, create_date, write_uid, write_date
                   )
                   SELECT released.card_id, description, qty, qty, 0, 'earn',
                          %(key)s || released.id, %(now)s, %(now)s, order_model, order_id, origin,
                          rate, multiplier, base_amount, document_company_id, today.last_day,
                          CASE WHEN matching.card_id IS NULL THEN qty END,
                          matching.card_id IS NOT NULL, %(uid)s, %(now)s, %(uid)s, %(now)s
                     FROM released
                     JOIN (%(days)s) today ON today.card_id = released.card_id
                LEFT JOIN matching ON matching.card_id = released.card_id
                    WHERE qty > 0
                 ORDER BY release_at, released.id
              ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING
                RETURNING id, card_id, qty, unfolded,
                          order_id IS NOT NULL AND origin IS NULL AS is_unnamed
               )""",
            cards=cards.ids,
            days=self._get_last_days_sql(cards, now),
            key=f'{self._name}:',
            now=now,
            uid=self.env.uid,
        )

    def _get_last_days_sql(self, cards, now: datetime) -> SQL:
        """Return a SELECT of the last day of points that cards get now."""
        return SQL(
            """SELECT card.id AS card_id, program.last_day FROM loyalty_card card
                 JOIN (VALUES %s) program (id, last_day) ON program.id = card.program_id
                WHERE card.id = ANY(%s)""",
            SQL(', ').join(
                SQL(
                    '(%s, %s::date)',
                    program.id,
                    program._get_expiry_date(program._get_local_day(now)),
                )
                for program in cards.program_id
            ),
            cards.ids,
        )
