from __future__ import annotations

import itertools
from decimal import Decimal

from odoo import fields, models

from odoo.addons.crm_loyalty.earning import ZERO
from odoo.addons.crm_loyalty.ledger import to_points


class PosOrder(models.Model):
    """What a refund took back and gave back, for its receipt.

    The points are those of the order that is refunded, so they are posted for that one.
    """

    _inherit = 'pos.order'

    loyalty_returned = fields.Json(
        string="Points Returned",
        readonly=True,
        copy=False,
        help="What this refund took back of the points of other orders, and gave back, by card.",
    )

    def _loyalty_true_up_refunded(self, orders) -> None:
        """Post what a refund changes for the orders it refunds, and note it with the refund.

        :param orders: of one model, till orders or sales orders
        """
        self.ensure_one()
        if not orders:
            return
        before = self._get_point_sums(orders)
        orders._loyalty_true_up()
        after = self._get_point_sums(orders)
        returned = dict(self.loyalty_returned or {})
        for card_id in {*before, *after}:
            earned, redeemed = before.get(card_id, (ZERO, ZERO))
            earned_now, redeemed_now = after.get(card_id, (ZERO, ZERO))
            taken, given = earned - earned_now, redeemed - redeemed_now
            if taken > 0 or given > 0:
                noted = returned.get(str(card_id), (0, 0))
                returned[str(card_id)] = [
                    noted[0] + float(max(taken, ZERO)),
                    noted[1] + float(max(given, ZERO)),
                ]
        if returned:
            self._settling().loyalty_returned = returned

    def _get_point_sums(self, orders) -> dict[int, tuple[Decimal, Decimal]]:
        """Return what orders gave and took up to now, by member card."""
        earned: dict[int, Decimal] = {}
        redeemed: dict[int, Decimal] = {}
        for row in itertools.chain.from_iterable(orders._get_posted_rows().values()):
            if row.kind in ('earn', 'unearn'):
                earned[row.card_id] = earned.get(row.card_id, ZERO) + row.qty
            elif row.kind in ('burn', 'unburn'):
                redeemed[row.card_id] = redeemed.get(row.card_id, ZERO) - row.qty
        for row in orders._get_pending_rows():
            card_id = row.card_id.id
            earned[card_id] = earned.get(card_id, ZERO) + to_points(row.qty)
        return {
            card_id: (earned.get(card_id, ZERO), redeemed.get(card_id, ZERO))
            for card_id in {*earned, *redeemed}
        }

    def _get_receipt_cards(self):
        ids = {int(card_id) for order in self for card_id in order.loyalty_returned or ()}
        returned = self.env['loyalty.card'].sudo().browse(ids).exists()
        return super()._get_receipt_cards() | returned | returned.merged_into_id

    def _get_points_summary(self, cards) -> list[dict]:
        summary = super()._get_points_summary(cards)
        stats = {stat['card_id']: stat for stat in summary}
        for card_id, (taken, given) in (self.loyalty_returned or {}).items():
            card = cards & cards.browse(int(card_id))
            card = card.merged_into_id or card
            if not card:
                continue
            if card.id not in stats:
                stats[card.id] = self._prepare_points_stat(card)
                summary.append(stats[card.id])
            stats[card.id].update(taken_back=taken, given_back=given)
        return summary
