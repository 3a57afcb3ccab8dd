from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from odoo import fields, models

from ..ledger import to_points

#: states of a payment that may still, or will, confirm the order
PAYING_STATES = ('draft', 'pending', 'authorized', 'done')
#: value of the context key loyalty_holds_later; an object, which no client can send
LATER = object()


class Wish(NamedTuple):
    """Points of one card an open quotation wants to have held."""

    qty: Decimal
    #: UTC
    until: datetime


class SaleOrder(models.Model):
    """An open quotation holds the points it redeems, as its program says."""

    _inherit = 'sale.order'

    def write(self, vals):
        res = super().write(vals)
        if not {'state', 'validity_date'}.isdisjoint(vals):
            self._sync_holds(renew=True)
        return res

    def unlink(self):
        holds = self.env['loyalty.hold']._get_of_documents(self)
        res = super().unlink()
        for own in holds.values():
            own._release()
        return res

    def _sync_holds(self, renew: bool = False) -> None:
        """Hold what these quotations redeem and release what they do not; idempotent.

        Holds of confirmed orders are captured by the true-up instead.

        :param renew: whether the time of holds begins again
        :raise ValidationError: the points are spent, or held by others
        """
        if self.env.context.get('loyalty_holds_later') is LATER:
            return
        orders = self.filtered(lambda order: order.state != 'sale' and order.id)
        if not orders:
            return
        taken = self.env['loyalty.hold']._get_of_documents(orders)
        for order in orders:
            holds = taken.get(order.id, self.env['loyalty.hold'].sudo())
            order._sync_own_holds(holds, renew)

    def _sync_own_holds(self, holds, renew: bool) -> None:
        """Bring the holds of one quotation in line with what it redeems.

        :param holds: all it ever took, the oldest first
        """
        self.ensure_one()
        wishes = self._get_held_wishes()
        kept = holds.filtered(
            lambda hold: (
                hold._is_live()
                and hold.card_id in wishes
                and to_points(hold.qty) == wishes[hold.card_id].qty
            )
        )
        (holds - kept)._release()
        for hold in kept:
            if renew and hold.expires_at != wishes[hold.card_id].until:
                hold._set_state('held', expires_at=wishes[hold.card_id].until)
        # the key names the hold before it: of two requests at once one is run again
        last = holds[-1:].id or 0
        for card in sorted(wishes.keys() - set(kept.card_id), key=lambda card: card.id):
            card._hold_points(
                wishes[card].qty,
                f'{self._name}:{self.id}:{card.id}:{last}',
                expires_at=wishes[card].until,
                origin=self,
            )

    def _get_held_wishes(self) -> dict:
        """Return what this quotation wants to have held, by member card (sudo)."""
        self.ensure_one()
        costs: dict = {}
        if self.state in ('draft', 'sent'):
            for line in self.sudo().order_line.filtered('points_cost'):
                if line.coupon_id.is_member:
                    cost = costs.get(line.coupon_id, Decimal(0)) + self._get_line_cost(line)
                    costs[line.coupon_id] = cost
        now = fields.Datetime.now()
        wishes = {}
        for card, cost in costs.items():
            until = self._get_held_until(card.program_id, now)
            # what the order gives itself is not there to be held
            qty = cost - self._get_given_here(card)
            if until and until > now and qty > 0:
                wishes[card] = Wish(qty, until)
        return wishes

    def _get_given_here(self, card) -> Decimal:
        """Return the points redeemed on this order that it gives itself."""
        balance = to_points(card.points)
        if not card.program_id._can_redeem_earned() or balance < 0:
            return Decimal(0)
        cost = sum(
            (self._get_line_cost(line) for line in self.order_line if line.coupon_id == card),
            Decimal(0),
        )
        free = balance - card._get_lost_points() - card._get_held_points(without=self)
        return min(max(cost - free, Decimal(0)), self._get_redeemable_earned(card))

    def _get_redeemable_earned(self, card) -> Decimal:
        """Return the points this order will give and that it may redeem itself.

        :param card: ``loyalty.card`` (sudo)
        """
        if not card.program_id._can_redeem_earned():
            return Decimal(0)
        entries = self.sudo().coupon_point_ids.filtered(lambda entry: entry.coupon_id == card)
        return sum((to_points(entry.points) for entry in entries), Decimal(0))

    def _get_held_until(self, program, now: datetime) -> datetime | None:
        """Return until when points are held for this quotation (UTC), None for not at all."""
        self.ensure_one()
        length = timedelta(hours=program.hold_hours)
        until = None
        if program.hold_when == 'claimed' or (program.hold_when == 'sent' and self.state == 'sent'):
            until = now + length
        elif program.hold_when == 'sent' and (since := self._get_paying_since()):
            until = since + length
        if until and self.validity_date:
            until = min(until, program._to_utc(self.validity_date + timedelta(days=1)))
        return until and until.replace(microsecond=0)

    def _get_paying_since(self) -> datetime | None:
        """Return when the last payment that is still under way moved (UTC)."""
        payments = self.sudo().transaction_ids.filtered(lambda tx: tx.state in PAYING_STATES)
        moments = [tx.last_state_change or tx.create_date for tx in payments]
        return max((moment for moment in moments if moment), default=None)

    def _holding_later(self):
        """Return the orders in a context where their holds are left for the caller."""
        return self.with_context(loyalty_holds_later=LATER)

    def _capture_holds(self, redeemed: dict[int, dict[int, Decimal]]) -> None:
        """Note that points held for these orders are redeemed.

        :param redeemed: points by order and card
        """
        for order_id, holds in self.env['loyalty.hold']._get_of_documents(self).items():
            holds._capture(redeemed.get(order_id, {}))
