from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import NamedTuple

from odoo import models
from odoo.tools import SQL

from ..earning import ZERO, Flow
from .loyalty_card_ledger import Movement


class LineFlow(NamedTuple):
    """How far a line came, by amount with and without taxes and by quantity."""

    incl: Flow
    excl: Flow
    qty: Flow


class LoyaltyOrderMixin(models.AbstractModel):
    """How far an order came, and what of it earns points."""

    _inherit = 'loyalty.order.mixin'

    def _freeze_earning(self, posted: dict) -> None:
        """Note what the points of orders just confirmed were computed with.

        :param posted: rows by order, see :meth:`_get_posted_rows`
        """
        entries = self._get_member_entries()
        given = entries.filtered(lambda entry: entry.frozen_at and entry.frozen_points)
        given._touch()
        for entry in entries - given:
            rows = posted.get(entry.order_id.id, ())
            entry._freeze(
                given_before=not entry.frozen_at
                and any(row.card_id == entry.coupon_id.id and row.kind == 'earn' for row in rows)
            )

    def _get_member_entries(self):
        """Return what orders that move points give to member cards."""
        entries = self.filtered(lambda order: order._moves_points())._get_point_entries()
        return entries.filtered(lambda entry: entry.coupon_id.is_member)

    def _get_earned_points(self, entry, flows: dict[int, LineFlow]) -> Decimal:
        """Return the points this order gives to one card by now; extend for other events.

        :param entry: ``loyalty.order.points.mixin``, frozen
        :param flows: how far the lines came, see :meth:`_get_line_flows`
        """
        points = entry._get_frozen().get_points(self._get_counted_lines(entry, flows))
        return entry._keep_limits(points)

    def _get_counted_lines(self, entry, flows: dict[int, LineFlow]) -> dict:
        """Return amount and quantity of each line that count for an entry by now."""
        event, base = entry.frozen_earn_on, entry.frozen_base
        frozen = {int(line_id) for line_id in entry.frozen_lines or ()}
        lines = self._get_loyalty_lines().filtered(lambda line: line.id in frozen)
        if added := self._get_added_lines(entry, frozen):
            lines |= added
        return {
            line.id: (
                getattr(flows[line.id], base).get_counted(event),
                flows[line.id].qty.get_counted(event),
            )
            for line in lines
            if line.id in flows
        }

    def _get_added_lines(self, entry, frozen: set[int]):
        """Return the lines that came after the confirmation and that a rule is for."""
        lines = self._get_earning_lines()._get_lines_with_price_of_each()
        lines = lines.filtered(lambda line: line.id not in frozen)
        if not lines:
            return lines
        products = entry.coupon_id.program_id._get_valid_products(lines.product_id)
        eligible = self.env['product.product'].union(*products.values())
        return lines.filtered(lambda line: line.product_id in eligible)

    def _get_frozen_columns(self, card_id: int, flows: dict[int, LineFlow]) -> dict:
        """Return the columns of a ledger row that say how its points came about."""
        self.ensure_one()
        columns = {'document_company_id': self.company_id.id}
        entry = self._get_point_entries().filtered(lambda e: e.coupon_id.id == card_id)[:1]
        if entry.frozen_at:
            counted = self._get_counted_lines(entry, flows)
            earning = entry._get_frozen()
            columns.update(
                rate=earning.rate,
                multiplier=earning.multiplier,
                base_amount=sum((amount for amount, _qty in counted.values()), ZERO),
            )
        return columns

    # ------------------------------------------------------------
    # PENDING
    # ------------------------------------------------------------

    def _get_pending_rows(self):
        """Return the points of these orders that are not released yet (sudo)."""
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM loyalty_pending
                    WHERE order_model = %s AND order_id IN %s AND state = 'pending'
                 ORDER BY release_at, id""",
                self._name,
                tuple(self.ids) or (0,),
            )
        )
        return self.env['loyalty.pending'].sudo().browse(row_id for (row_id,) in rows)

    def _hold_back(self, movements: list[Movement]) -> list[Movement]:
        """Keep what is earned until the goods can no longer be returned.

        :return: the movements to post now
        """
        cards = self.env['loyalty.card'].sudo()
        cards = cards.browse({row.card_id for row in movements if row.kind == 'earn'})
        delayed = {
            card.id: card.program_id
            for card in cards
            if card.program_id.release_delay_days and card.program_id.managed
        }
        held, posted = [], []
        for row in movements:
            is_held = row.kind == 'earn' and row.card_id in delayed
            (held if is_held else posted).append(row)
        release_at = []
        for row in held:
            program = delayed[row.card_id]
            days = timedelta(days=program.release_delay_days)
            release_at.append(program._to_utc(program._get_local_day(row.date) + days))
        if held:
            self.env['loyalty.pending']._insert_movements(
                [replace(row, key=self._get_pending_key(row)) for row in held], release_at
            )
        return posted

    def _get_pending_key(self, row: Movement) -> str:
        """Return the key of points held back: it names the row before, of either table."""
        [[last]] = self.env.execute_query(
            SQL(
                'SELECT COALESCE(max(id), 0) FROM loyalty_pending'
                ' WHERE order_model = %s AND order_id = %s AND card_id = %s',
                row.order_model,
                row.order_id,
                row.card_id,
            )
        )
        return f'{row.key}:{last}'

    def _get_capped_cards(self):
        """Return the cards of these customers in programs with limits over several orders."""
        if not self.partner_id.ids:
            return self.env['loyalty.card'].sudo()
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """SELECT card.id
                     FROM loyalty_card card
                     JOIN loyalty_program program ON program.id = card.program_id
                    WHERE card.partner_id IN %s AND card.active AND card.is_member
                      AND (program.cap_day > 0 OR program.cap_month > 0
                           OR program.cap_member > 0)""",
                tuple(self.partner_id.ids),
            )
        )
        return self.env['loyalty.card'].sudo().browse(card_id for (card_id,) in rows)
