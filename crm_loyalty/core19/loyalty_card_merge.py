from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from odoo import api, models
from odoo.tools import SQL

from ..ledger import to_points
from ..models.loyalty_card_ledger import Movement


class LoyaltyCard(models.Model):
    """One card takes over what hangs on others: contacts merged, second cards found."""

    _inherit = 'loyalty.card'

    def _take_over(self, merged: LoyaltyCard) -> None:
        """Let this member card take over points, open orders and tier of others.

        Awards keep the day they expire on; what was earned with the others keeps counting for the
        tier.

        :param merged: member cards, archived by the caller
        """
        self.ensure_one()
        (self | merged)._lock()
        (self | merged)._fold()
        self._post(self._prepare_merge_movements(merged))
        previous = self.with_context(active_test=False).search(
            [('merged_into_id', 'in', merged.ids)]
        )
        merged.merged_row_id = self._get_last_row_id()
        (merged | previous).merged_into_id = self
        self._repoint_orders(merged)
        self._take_over_holds(merged)
        merged.pending_ids.sudo().card_id = self
        self._keep_best_tier(merged)
        self._evaluate_tiers(allow_downgrade=False)

    @api.model
    def _get_last_row_id(self) -> int:
        """Return the last row of all ledgers, 0 when there is none."""
        [[row_id]] = self.env.execute_query(SQL('SELECT max(id) FROM loyalty_history'))
        return row_id or 0

    def _prepare_merge_movements(self, merged: LoyaltyCard) -> list[Movement]:
        """Return two rows for each award that is left, and for each debt."""
        rows = self.env.execute_query(
            SQL(
                """SELECT id, card_id, remaining, expire_on,
                          CASE WHEN qty > 0 THEN COALESCE(award_id, id) ELSE id END AS first_id
                     FROM loyalty_history
                    WHERE card_id IN %s AND remaining <> 0 ORDER BY id""",
                tuple(merged.ids),
            )
        )
        shared = {'kind': 'merge', 'description': self.env._("Contacts merged")}
        movements = []
        for row_id, card_id, remaining, expire_on, first_id in rows:
            movements.append(Movement(card_id, -remaining, award_id=row_id, **shared))
            movements.append(
                Movement(self.id, remaining, award_id=first_id, expire_on=expire_on, **shared)
            )
        return movements

    def _split_given_back(self, row_id: int, qty: Decimal) -> Iterator[tuple[Decimal, dict]]:
        """Yield how points go back that were taken from a card merged into this one since.

        They are usable as long as they were: what was given back of the row since the merge went
        the same way, the award it took from last at first.

        :param row_id: the row that took them
        :return: points, and what else the row that gives them back says
        """
        self.ensure_one()
        program, today = self.program_id, self.program_id._get_local_day()
        for award_id, expire_on, held in self._get_taken_before(row_id):
            part = max(min(to_points(held), qty), Decimal(0))
            qty -= part
            if expire_on and expire_on < today:
                expire_on = today + timedelta(days=program.reinstate_days or -1)
            if part:
                yield part, {'award_id': award_id, 'expire_on': expire_on}
        if qty:
            yield qty, {'award_id': row_id}

    def _get_taken_before(self, row_id: int) -> list[tuple]:
        """Return what a row of a merged card still holds of awards: award, last day, points."""
        return self.env.execute_query(
            SQL(
                """WITH held AS (
                       SELECT max(taken.id) AS place, sum(taken.qty) AS qty, award.expire_on,
                              COALESCE(award.award_id, award.id) AS award_id
                         FROM loyalty_allocation taken
                         JOIN loyalty_history award ON award.id = taken.award_id
                        WHERE taken.consumer_id = %(row)s
                          AND award.reversed_id IS DISTINCT FROM %(row)s
                     GROUP BY award.id HAVING sum(taken.qty) > 0
                   ), given AS (
                       SELECT COALESCE(sum(back.qty), 0) AS qty
                         FROM loyalty_history back
                         JOIN loyalty_history row ON row.id = back.reversed_id
                        WHERE row.id = %(row)s AND back.card_id <> row.card_id
                   )
                   SELECT held.award_id, held.expire_on,
                          LEAST(held.qty, sum(held.qty) OVER (ORDER BY place DESC) - given.qty)
                     FROM held, given ORDER BY place DESC""",
                row=row_id,
            )
        )

    @api.model
    def _merge_second(self, programs) -> int:
        """Merge second cards of one contact in programs that have no ledger yet.

        :return: number of cards that gave way
        """
        self.env.flush_all()
        groups = self.env.execute_query(
            SQL(
                """SELECT array_agg(id ORDER BY id) FROM loyalty_card
                    WHERE program_id IN %s AND active AND partner_id IS NOT NULL
                 GROUP BY partner_id, program_id HAVING count(*) > 1""",
                tuple(programs.ids),
            )
        )
        silent = self.sudo().with_context(loyalty_no_mail=True, tracking_disable=True)
        for (card_ids,) in groups:
            first, others = silent.browse(card_ids[0]), silent.browse(card_ids[1:])
            points = sum(to_points(card.points) for card in first | others)
            first.points = float(points)
            others.write({'points': 0, 'active': False, 'merged_into_id': first.id})
            first._repoint_orders(others)
            first._note_merged(others)
        return sum(len(card_ids) - 1 for (card_ids,) in groups)

    def _note_merged(self, merged: LoyaltyCard) -> None:
        """Say in the chatter of the card that others were merged into it."""
        self.message_post(
            body=self.env._(
                "The points of %(cards)s were moved here: a member has one card.",
                cards=merged.mapped('code'),
            )
        )

    def _repoint_orders(self, merged: LoyaltyCard) -> None:
        """Let orders earn for, redeem from and cancel on the card that is left."""
        self.env.flush_all()
        for model in self._get_point_models():
            self.env.cr.execute(
                SQL(
                    """UPDATE %(table)s points SET coupon_id = %(survivor)s
                        WHERE id IN (SELECT DISTINCT ON (order_id) id FROM %(table)s
                                      WHERE coupon_id IN %(merged)s ORDER BY order_id, id)
                          AND NOT EXISTS (SELECT FROM %(table)s other
                                           WHERE other.order_id = points.order_id
                                             AND other.coupon_id = %(survivor)s)""",
                    table=SQL.identifier(model._table),
                    survivor=self.id,
                    merged=tuple(merged.ids),
                )
            )
            model.invalidate_model(['coupon_id'], flush=False)
        lines = self.env['sale.order.line'].sudo().search([('coupon_id', 'in', merged.ids)])
        lines.coupon_id = self
        orders = self.env['sale.order'].sudo().search([('applied_coupon_ids', 'in', merged.ids)])
        for order in orders:
            order.applied_coupon_ids = order.applied_coupon_ids - merged | self

    def _keep_best_tier(self, merged: LoyaltyCard) -> None:
        """Give the survivor the highest tier of the merged cards, to the day it was kept until."""
        best = (merged | self).filtered('tier_id').sorted(lambda c: c.tier_id.min_value)[-1:]
        if not best or best.tier_id == self.tier_id:
            return
        window = self.program_id._get_tier_window()
        self.env['loyalty.tier.history'].sudo().create(
            {
                'card_id': self.id,
                'program_id': self.program_id.id,
                'date': window.day,
                'change': 'merge',
                'old_tier_id': self.tier_id.id,
                'new_tier_id': best.tier_id.id,
                'qualifying_value': best.qualifying_value,
                'threshold': best.tier_id.min_value,
                'window_start': window.first_day,
            }
        )
        self.write(
            {
                'tier_id': best.tier_id.id,
                'tier_since': best.tier_since,
                'tier_until': best.tier_until,
            }
        )
