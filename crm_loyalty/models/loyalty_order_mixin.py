from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from odoo import models
from odoo.tools import SQL

from ..ledger import ZERO, to_points
from .loyalty_card_ledger import Movement

if TYPE_CHECKING:
    from .loyalty_order_mixin_earning import LineFlow


class PostedRow(NamedTuple):
    """A row of an order in the ledger."""

    id: int
    #: the card it stands on, and the one that took that card over when contacts were merged
    own_card_id: int
    card_id: int
    kind: str
    qty: Decimal
    reversed_id: int | None


class LoyaltyOrderMixin(models.AbstractModel):
    """What an order gives and takes: one function, whatever happened to the order.

    For orders of all channels.  Whoever inherits it says what the order is made of, see the hooks
    at the end.
    """

    _name = 'loyalty.order.mixin'
    _description = 'Order That Gives and Takes Points'

    def _loyalty_true_up(self) -> None:
        """Post what these orders should have given and taken, less what was posted for them.

        Idempotent, and safe to be called by two transactions at once: a row names the one before
        it in its key, so that the second is run again on what the first one left.
        """
        if not self.ids:
            return
        posted = self._get_posted_rows()
        pending = self._get_pending_rows()
        self._freeze_earning(posted)
        flows = self._get_line_flows()
        movements = []
        redeeming = {}
        for order in self:
            rows = posted.get(order.id, [])
            earned, redeemed = order._get_loyalty_targets(flows)
            waiting = pending.filtered(lambda row, order=order: row.order_id == order.id)
            card_ids = {*earned, *redeemed, *(row.card_id for row in rows), *waiting.card_id.ids}
            for card_id in card_ids:
                own = [row for row in rows if row.card_id == card_id]
                target = earned.get(card_id, ZERO)
                movements += order._prepare_earning(card_id, target, own, waiting, flows)
                movements += order._prepare_redeeming(card_id, redeemed.get(card_id, ZERO), own)
            if redeemed:
                redeeming[order.id] = redeemed
        if any(row.kind == 'burn' for row in movements):
            self.browse(redeeming)._capture_holds(redeeming)
        if movements := self._hold_back(self._finish_movements(movements)):
            self.env['loyalty.card'].sudo()._post(movements)

    def _get_loyalty_targets(
        self, flows: dict[int, LineFlow]
    ) -> tuple[dict[int, Decimal], dict[int, Decimal]]:
        """Return the points this order should give, and those it should take, by member card.

        :param flows: how far the lines came, see :meth:`_get_line_flows`
        """
        self.ensure_one()
        earned: dict[int, Decimal] = {}
        redeemed: dict[int, Decimal] = {}
        if not self._moves_points():
            return earned, redeemed
        for entry in self._get_point_entries():
            if entry.coupon_id.is_member:
                earned[entry.coupon_id.id] = self._get_earned_points(entry, flows)
        return earned, self._get_redeemed_points()

    def _get_posted_rows(self) -> dict[int, list[PostedRow]]:
        """Return the rows of these orders, the oldest first, by order."""
        if not self.ids:
            return {}
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """SELECT row.order_id, row.id, card.id, COALESCE(card.merged_into_id, card.id),
                          row.kind, row.qty, row.reversed_id, row.used
                     FROM loyalty_history row
                     JOIN loyalty_card card ON card.id = row.card_id
                    WHERE row.order_model = %s AND row.order_id IN %s AND card.is_member
                 ORDER BY row.id""",
                self._name,
                tuple(self.ids),
            )
        )
        posted: dict[int, list[PostedRow]] = {}
        for order_id, row_id, own_card_id, card_id, kind, qty, reversed_id, used in rows:
            row = PostedRow(row_id, own_card_id, card_id, kind, to_points(qty), reversed_id)
            if kind == 'earn' and used:
                # core has one row for what an order gave and took
                burnt = row._replace(kind='burn', qty=-to_points(used))
                posted.setdefault(order_id, []).append(burnt)
                row = row._replace(qty=row.qty - burnt.qty)
            posted.setdefault(order_id, []).append(row)
        return posted

    def _prepare_earning(
        self, card_id: int, target: Decimal, rows: list[PostedRow], waiting, flows
    ) -> list[Movement]:
        """Return the row that brings what was earned to the target.

        :param rows: what was posted for this order and card
        :param waiting: ``loyalty.pending`` of this order, lowered first
        """
        earned = [row for row in rows if row.kind in ('earn', 'unearn')]
        waiting = waiting.filtered(lambda row: row.card_id.id == card_id)
        missing = target - sum((row.qty for row in earned), ZERO)
        missing -= sum((to_points(row.qty) for row in waiting), ZERO)
        if missing < 0 and waiting:
            missing = -waiting._lower(-missing)
        if not missing:
            return []
        awards = [row for row in earned if row.kind == 'earn']
        return [
            self._prepare_movement(
                card_id,
                missing,
                'earn' if missing > 0 else 'unearn',
                earned,
                award_id=awards[-1].id if awards and missing < 0 else None,
                **self._get_frozen_columns(card_id, flows),
            )
        ]

    def _prepare_redeeming(
        self, card_id: int, target: Decimal, rows: list[PostedRow]
    ) -> list[Movement]:
        """Return the rows that bring what was redeemed to the target.

        :param rows: what was posted for this order and card
        """
        redeemed = [row for row in rows if row.kind in ('burn', 'unburn')]
        # no more is given back than was taken
        missing = max(target, ZERO) + sum((row.qty for row in redeemed), ZERO)
        if missing > 0:
            return [self._prepare_movement(card_id, -missing, 'burn', redeemed)]
        movements = []
        for burn in reversed([row for row in redeemed if row.kind == 'burn']):
            given = sum((row.qty for row in redeemed if row.reversed_id == burn.id), ZERO)
            qty = min(-missing, -burn.qty - given)
            if qty > 0:
                missing += qty
                movements += self._prepare_giving_back(card_id, qty, burn, redeemed + movements)
        return movements

    def _prepare_giving_back(
        self, card_id: int, qty: Decimal, burn: PostedRow, before: list
    ) -> list[Movement]:
        """Return the rows that give back what was redeemed.

        :param before: as of :meth:`_prepare_movement`
        """
        parts = [(qty, {})]
        if burn.own_card_id != card_id:
            card = self.env['loyalty.card'].sudo().browse(card_id)
            parts = list(card._split_given_back(burn.id, qty))
        movements: list[Movement] = []
        for part, values in parts:
            movements.append(
                self._prepare_movement(
                    card_id, part, 'unburn', before + movements, reversed_id=burn.id, **values
                )
            )
        return movements

    def _prepare_movement(
        self, card_id: int, qty: Decimal, kind: str, before: list, **values
    ) -> Movement:
        """Return a movement of this order.

        :param before: rows and movements of the same side, which the key continues
        """
        self.ensure_one()
        last = next((row.id for row in reversed(before) if isinstance(row, PostedRow)), 0)
        planned = sum(isinstance(row, Movement) for row in before)
        return Movement(
            card_id,
            qty,
            kind,
            description=self._get_loyalty_description(),
            key=f'{self._get_loyalty_key()}:{card_id}:{kind}:{last}:{planned}',
            date=self._get_loyalty_date(kind),
            order_model=self._name,
            order_id=self.id,
            origin=self.sudo().display_name,
            **values,
        )

    def _let_burns_pass(self, movements: list[Movement]) -> list[Movement]:
        """Return the movements, those that redeem whether or not the points are there."""
        return [replace(row, is_final=True) if row.kind == 'burn' else row for row in movements]

    def _sum_costs(self, lines) -> dict[int, Decimal]:
        """Return what the rewards on some lines cost, by member card.

        :param lines: with ``points_cost`` and ``coupon_id`` (sudo)
        """
        costs: dict[int, Decimal] = {}
        for line in lines.filtered('points_cost'):
            if (card := line.coupon_id).is_member:
                costs[card.id] = costs.get(card.id, ZERO) + self._get_line_cost(line)
        return costs

    def _get_line_cost(self, line) -> Decimal:
        """Return what the reward on a line costs, never less than nothing."""
        return max(to_points(line.points_cost), ZERO)

    def _get_loyalty_date(self, kind: str):
        """Return when a movement counts from (UTC), None for now; extend for other events.

        :param kind: of the row
        """
        return None

    def _get_loyalty_description(self) -> str:
        """Return the text of the ledger rows of this order."""
        self.ensure_one()
        return self.env._("Order %s", self.display_name)

    def _get_loyalty_key(self) -> str:
        """Return the beginning of the keys of what this order posts and holds."""
        self.ensure_one()
        return f'{self._name}:{self.id}'

    # ------------------------------------------------------------
    # HOOKS
    # ------------------------------------------------------------

    def _finish_movements(self, movements: list[Movement]) -> list[Movement]:
        """Return the movements as they are posted; extend for channels that cannot refuse any."""
        return movements

    def _moves_points(self) -> bool:
        """Return whether this order gives and takes points by now."""
        raise NotImplementedError

    def _get_point_entries(self):
        """Return what these orders give to cards, of a ``loyalty.order.points.mixin`` (sudo)."""
        raise NotImplementedError

    def _get_loyalty_lines(self):
        """Return all lines of these orders that have a price."""
        raise NotImplementedError

    def _get_redeemed_points(self) -> dict[int, Decimal]:
        """Return the points this order takes, by member card."""
        raise NotImplementedError

    def _get_line_flows(self) -> dict[int, LineFlow]:
        """Return how far the lines of orders that earn came, by id."""
        raise NotImplementedError

    def _capture_holds(self, redeemed: dict[int, dict[int, Decimal]]) -> None:
        """Note that points held for these orders are redeemed.

        :param redeemed: points by order and card
        """
