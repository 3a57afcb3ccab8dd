from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import SQL

from ..ledger import to_points
from .loyalty_card_statement import PendingPoints
from .loyalty_program import POINT_DIGITS


class LoyaltyCard(models.Model):
    """What a card will have, and what its limits leave."""

    _inherit = 'loyalty.card'

    pending_ids = fields.One2many(
        'loyalty.pending', 'card_id', string="Pending Points", domain=[('state', '=', 'pending')]
    )
    points_pending = fields.Float(
        string="Pending",
        digits=POINT_DIGITS,
        compute='_compute_points_pending',
        help="Points earned that cannot be spent yet, as the goods may still come back.",
    )

    @api.depends('pending_ids.qty')
    def _compute_points_pending(self):
        groups = self.env['loyalty.pending']._read_group(
            [('card_id', 'in', self.ids), ('state', '=', 'pending')], ['card_id'], ['qty:sum']
        )
        pending = {card.id: qty for card, qty in groups}
        for card in self:
            card.points_pending = pending.get(card.id, 0)

    def _get_pending_points(self):
        pending = super()._get_pending_points()
        rows = self.env['loyalty.pending'].sudo()
        for row in rows.search([('card_id', 'in', self.ids), ('state', '=', 'pending')]):
            day = row.program_id._get_local_day(row.release_at)
            points = PendingPoints(to_points(row.qty), day, row.description)
            pending.setdefault(row.card_id.id, []).append(points)
        return pending

    def _get_capped_points(self, starts: list[datetime | None], entry) -> list[Decimal]:
        """Return what the orders of this card may give, of those confirmed since each moment.

        What goes back later frees nothing for others.

        :param starts: moments, UTC; None for ever
        :param entry: ``loyalty.order.points.mixin`` that is left out
        """
        self.ensure_one()
        self.env.flush_all()
        query = SQL(
            'SELECT %s FROM (%s) given',
            SQL(', ').join(
                SQL(
                    """COALESCE(sum(CASE WHEN is_limited THEN LEAST(frozen_points, frozen_limit)
                                         ELSE frozen_points END)
                                FILTER (WHERE frozen_at >= %s), 0)""",
                    start or datetime.min,
                )
                for start in starts
            ),
            self._get_given_sql(entry),
        )
        [used] = self.env.execute_query(query)
        if self.id not in self._get_own()['fresh'] and not self._is_in_test():
            # something was written before the card was locked: look again at what others did
            self._lock()
            with self.env.registry.cursor() as cr:
                cr.execute(query)
                used = [max(pair) for pair in zip(used, cr.fetchone(), strict=True)]
        return [to_points(points) for points in used]

    def _get_given_sql(self, entry) -> SQL:
        """Return a SELECT of what the orders of all channels may give to this card.

        :param entry: that is left out
        """
        return SQL(' UNION ALL ').join(
            SQL(
                """SELECT frozen_at, frozen_points, frozen_limit, is_limited FROM %s
                    WHERE coupon_id = %s AND frozen_at IS NOT NULL AND id <> %s""",
                SQL.identifier(model._table),
                self.id,
                entry.id if entry._name == model._name else 0,
            )
            for model in self._get_point_models()
        )

    @api.model
    def _get_point_models(self) -> list:
        """Return the models that say what orders give to cards, one for each channel."""
        return [self.env['sale.order.coupon.points']]
