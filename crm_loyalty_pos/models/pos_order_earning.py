from __future__ import annotations

from decimal import Decimal

from odoo import models
from odoo.fields import Domain

from odoo.addons.crm_loyalty.earning import ZERO, to_exact
from odoo.addons.crm_loyalty.ledger import to_points


class PosOrder(models.Model):
    """What a till order earns: the rules are those of all channels."""

    _inherit = 'pos.order'

    # ------------------------------------------------------------
    # PROGRAMS AND CARDS
    # ------------------------------------------------------------

    def _create_point_entries(self) -> None:
        """Note what an order just paid gives to the member."""
        self.ensure_one()
        if not self.partner_id or not self._get_earning_lines():
            return
        for program in self._get_earning_programs():
            card = self._get_member_card(program)
            points = self._get_program_earning(program, card).points
            if points:
                card = card or self._create_member_card(program)
                self._settling().env['pos.order.loyalty.points'].create(
                    {'order_id': self.id, 'coupon_id': card.id, 'points': float(points)}
                )
        self.invalidate_recordset(['loyalty_points_ids'])

    def _get_earning_programs(self):
        """Return the managed programs that applied at this till when the order took place."""
        self.ensure_one()
        programs = self.env['loyalty.program'].sudo().search(self._get_earning_programs_domain())
        return programs.filtered(self._is_program_running)

    def _is_program_running(self, program) -> bool:
        """Return whether a program applied on the day of this order."""
        day = program._get_local_day(self._get_earning_moment())
        return (
            (not program.date_from or program.date_from <= day)
            and (not program.date_to or day <= program.date_to)
            and (not program.limit_usage or program.total_order_count < program.max_usage)
        )

    def _get_earning_programs_domain(self) -> Domain:
        return Domain(
            [
                *(('managed', '=', True), ('pos_ok', '=', True), ('trigger', '=', 'auto')),
                ('currency_id', '=', self.currency_id.id),
                # a branch has those of the company it belongs to
                ('company_id', 'in', (False, *self.company_id.parent_ids.ids)),
                ('pos_config_ids', 'in', (False, self.config_id.id)),
                ('pricelist_ids', 'in', (False, *self.pricelist_id.ids)),
            ]
        )

    def _create_member_card(self, program):
        """Make the customer a member; of two tills at once the later one is run again."""
        cards = self.env['loyalty.card'].sudo().with_context(action_no_send_mail=True)
        card = cards.create(
            {
                'partner_id': self.partner_id.id,
                'program_id': program.id,
                'source_pos_order_id': self.id,
            }
        )
        card.with_context(action_no_send_mail=False)._send_creation_communication()
        return card.with_env(self.env(su=True))

    # ------------------------------------------------------------
    # LINES
    # ------------------------------------------------------------

    def _get_earning_lines(self):
        return self._get_threshold_lines().filtered(
            lambda line: not line.reward_id and not line._is_combo_item() and line.qty > 0
        )

    def _get_threshold_lines(self):
        # what is refunded counts with the order it was bought by, what a sales order sells with
        # that one
        return self.lines.filtered(
            lambda line: not line.refunded_orderline_id and not line._is_settled()
        )

    def _get_earned_points(self, entry, flows: dict) -> Decimal:
        # lines of paid orders do not grow
        return min(super()._get_earned_points(entry, flows), entry._get_given())

    def _get_rule_points(self, rule, lines, products, rate: Decimal) -> dict:
        points = super()._get_rule_points(rule, lines, products, rate)
        if rule.reward_point_mode == 'unit' and points:
            # the till takes free products off by lines of their own
            total = sum((line._get_earning_qty() for line in lines), ZERO)
            free = min(self._get_free_qty(rule.program_id, products), total)
            points = {line: value * (total - free) / total for line, value in points.items()}
        return points

    def _get_discounts(self, program, products) -> Decimal:
        discounts = super()._get_discounts(program, products)
        off = self._get_free_lines(program, products)
        # what is given back without its receipt, in exchange
        off |= self._get_threshold_lines().filtered(
            lambda line: not line.reward_id and line.qty < 0 and line.product_id in products
        )
        return discounts + sum((line._get_earning_amount(program.earn_base) for line in off), ZERO)

    def _get_free_qty(self, program, products) -> Decimal:
        """Return how many of some products the program gives for free on this order."""
        lines = self._get_free_lines(program, products)
        return sum((line._get_earning_qty() for line in lines), ZERO)

    def _get_free_lines(self, program, products):
        """Return the lines that make products free in exchange for points of a program."""
        return self._get_threshold_lines().filtered(
            lambda line: (
                line.reward_id.program_id == program
                and line.reward_id.reward_type == 'product'
                and line.reward_id.reward_product_ids & products
            )
        )

    # ------------------------------------------------------------
    # HOW FAR LINES CAME
    # ------------------------------------------------------------

    def _get_line_flows(self) -> dict:
        orders = self._get_member_entries().order_id
        flows = {}
        for order in orders:
            credited = order._get_credited_share()
            shipped = order._get_shipped_quantities()
            for line in order.lines:
                flows[line.id] = line._get_flow(shipped, credited)
        return flows

    def _get_shipped_quantities(self) -> dict | None:
        """Return what has left of goods shipped later, by product; None: the customer has all."""
        self.ensure_one()
        if not self.shipping_date:
            return None
        moves = self.sudo().picking_ids.move_ids.filtered(
            lambda move: move.state == 'done' and move.location_dest_id._is_outgoing()
        )
        shipped: dict = {}
        for move in moves:
            qty = to_exact(
                move.product_uom._compute_quantity(move.quantity, move.product_id.uom_id)
            )
            shipped[move.product_id] = shipped.get(move.product_id, ZERO) + qty
        return shipped

    def _get_credited_share(self) -> Decimal:
        """Return which share of the invoice was credited by the accountants."""
        total = to_exact(self.sudo().account_move.amount_total)
        credited = sum(map(to_exact, self._get_credit_notes().mapped('amount_total')), ZERO)
        return min(credited / total, Decimal(1)) if total else ZERO

    def _get_credited_share_of(self, product) -> Decimal:
        """Return which share of what the invoice says of a product the accountants credited."""
        credited, total = (
            sum(
                (
                    abs(to_exact(line.price_total))
                    for line in moves.invoice_line_ids
                    if line.product_id == product
                ),
                ZERO,
            )
            for moves in (self._get_credit_notes(), self.sudo().account_move)
        )
        return min(credited / total, Decimal(1)) if total else ZERO

    def _get_credit_notes(self):
        """Return what the accountants credited of the invoice (sudo)."""
        self.ensure_one()
        return self.sudo().account_move.reversal_move_ids.filtered(
            lambda move: (
                move.move_type == 'out_refund'
                and move.state == 'posted'
                # refunds of the till are counted by their lines
                and not move.pos_order_ids
            )
        )

    # ------------------------------------------------------------
    # ORDERS FROM BEFORE
    # ------------------------------------------------------------

    def _loyalty_true_up(self) -> None:
        posted = self._get_posted_rows()
        for order in self.filtered(lambda order: order.id in posted):
            order._adopt_rows(posted[order.id])
        return super()._loyalty_true_up()

    def _adopt_rows(self, rows: list) -> None:
        """Note what an order gave when the till posted its points by itself.

        Core has one row for the difference of what was earned and redeemed.
        """
        known = self._get_point_entries().coupon_id.ids
        costs = self._get_reward_costs()
        for card_id in {row.card_id for row in rows if row.kind in ('earn', 'burn')} - {*known}:
            own = [row for row in rows if row.card_id == card_id]
            earned = sum((row.qty for row in own if row.kind == 'earn'), ZERO)
            redeemed = -sum((row.qty for row in own if row.kind == 'burn'), ZERO)
            points = to_points(earned + max(costs.get(card_id, ZERO) - redeemed, ZERO))
            if points > 0:
                entry = self._settling().env['pos.order.loyalty.points']
                entry = entry.create(
                    {'order_id': self.id, 'coupon_id': card_id, 'points': float(points)}
                )
                entry._freeze(given_before=True)
        self.invalidate_recordset(['loyalty_points_ids'])
