from __future__ import annotations

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
        (merged | previous).merged_into_id = self
        self._repoint_orders(merged)
        self._take_over_holds(merged)
        merged.pending_ids.sudo().card_id = self
        self._keep_best_tier(merged)
        self._evaluate_tiers(allow_downgrade=False)

    def _prepare_merge_movements(self, merged: LoyaltyCard) -> list[Movement]:
        """Return two rows for each award that is left, and for each debt."""
        rows = self.env.execute_query(
            SQL(
                'SELECT id, card_id, remaining, expire_on FROM loyalty_history'
                ' WHERE card_id IN %s AND remaining <> 0 ORDER BY id',
                tuple(merged.ids),
            )
        )
        text = self.env._("Contacts merged")
        movements = []
        for row_id, card_id, remaining, expire_on in rows:
            shared = {'kind': 'merge', 'description': text, 'award_id': row_id}
            movements.append(Movement(card_id=card_id, qty=-remaining, **shared))
            movements.append(
                Movement(card_id=self.id, qty=remaining, expire_on=expire_on, **shared)
            )
        return movements

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
                cards=", ".join(merged.mapped('code')),
            )
        )

    def _repoint_orders(self, merged: LoyaltyCard) -> None:
        """Let orders earn for, redeem from and cancel on the card that is left."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """UPDATE sale_order_coupon_points points SET coupon_id = %(survivor)s
                    WHERE coupon_id IN %(merged)s
                      AND NOT EXISTS (SELECT FROM sale_order_coupon_points other
                                       WHERE other.order_id = points.order_id
                                         AND other.coupon_id = %(survivor)s)""",
                survivor=self.id,
                merged=tuple(merged.ids),
            )
        )
        self.env['sale.order.coupon.points'].invalidate_model(['coupon_id'], flush=False)
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
