from __future__ import annotations

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

    def _get_capped_points(
        self, periods: list[tuple], entry, is_estimate: bool = False
    ) -> list[Decimal]:
        """Return what the orders of this card may give, of those confirmed in each period.

        What goes back later frees nothing for others.

        :param periods: begin and end of each, UTC
        :param entry: ``loyalty.order.points.mixin`` that is left out
        :param is_estimate: what others do at this moment does not matter: nobody waits for them
        """
        self.ensure_one()
        self.env.flush_all()
        if is_estimate or self.id in self._get_own()['fresh'] or self._is_in_test():
            [used] = self.env.execute_query(self._get_used_sql(periods, entry))
            return [to_points(points) for points in used]
        # something was written before the card was locked: what others did is looked at again,
        # what this transaction did they do not see
        self._lock()
        [own] = self.env.execute_query(self._get_used_sql(periods, entry, 'IN'))
        with self.env.registry.cursor() as cr:
            cr.execute(self._get_used_sql(periods, entry, 'NOT IN'))
            others = cr.fetchone()
        return [to_points(sum(pair)) for pair in zip(own, others, strict=True)]

    def _get_used_sql(self, periods: list[tuple], entry, own: str = '') -> SQL:
        """Return the statement that reads what orders may give in each period.

        :param entry: that is left out
        :param own: ``IN`` or ``NOT IN``: only what this transaction gave, or only the rest
        """
        return SQL(
            'SELECT %s FROM (%s) given',
            SQL(', ').join(
                SQL(
                    """COALESCE(sum(CASE WHEN is_limited
                                         THEN GREATEST(LEAST(frozen_points, frozen_limit),
                                                       grown_points)
                                         ELSE frozen_points END)
                                FILTER (WHERE frozen_at >= %s AND frozen_at < %s), 0)""",
                    start,
                    end,
                )
                for start, end in periods
            ),
            self._get_given_sql(entry, own),
        )

    def _get_given_sql(self, entry, own: str) -> SQL:
        """Return a SELECT of what the orders of all channels may give to this card.

        :param entry: that is left out
        :param own: as of :meth:`_get_used_sql`
        """
        selects = []
        for model in self._get_point_models():
            given = tuple(self._get_own()['given'].get(model._name, ())) or (0,)
            selects.append(
                SQL(
                    """SELECT frozen_at, frozen_points, frozen_limit, grown_points, is_limited
                         FROM %s
                        WHERE coupon_id = %s AND frozen_at IS NOT NULL AND id <> %s %s""",
                    SQL.identifier(model._table),
                    self.id,
                    (entry._name == model._name and entry.id) or 0,
                    SQL(f'AND id {own} %s', given) if own else SQL(),
                )
            )
        return SQL(' UNION ALL ').join(selects)

    @api.model
    def _remember_given(self, entry) -> None:
        """Note that this transaction said what an order gives to a card.

        :param entry: ``loyalty.order.points.mixin``
        """
        self._get_own()['given'].setdefault(entry._name, set()).add(entry.id)

    @api.model
    def _get_point_models(self) -> list:
        """Return the models that say what orders give to cards, one for each channel."""
        return [self.env['sale.order.coupon.points']]
