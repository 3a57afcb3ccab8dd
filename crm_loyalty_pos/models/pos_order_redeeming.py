from __future__ import annotations

from collections import Counter
from decimal import ROUND_CEILING, Decimal

from odoo import models
from odoo.exceptions import UserError

from odoo.addons.crm_loyalty.earning import ZERO, cut_points, to_exact
from odoo.addons.crm_loyalty.ledger import to_points
from odoo.addons.crm_loyalty.models.loyalty_card_ledger import Movement

from .pos_order import AT_TILL

#: part of a claim that makes no other one of it: a till rounds in its own ways
CLAIM_NOISE = Decimal('0.05')


class PosOrder(models.Model):
    """What rewards on till orders cost, and what is done when the points are not there."""

    _inherit = 'pos.order'

    # ------------------------------------------------------------
    # REWARDS
    # ------------------------------------------------------------

    def _settle_rewards(self) -> None:
        """Note on the reward lines of an order just paid which card pays for them, and how much."""
        self.ensure_one()
        claims: dict = {}
        for line in self._get_member_reward_lines():
            claims.setdefault((line.reward_id, line.reward_identifier_code), []).append(line)
        # who clears his wallet has what the other rewards left of it
        for reward, code in sorted(claims, key=lambda claim: claim[0].clear_wallet):
            self._settle_reward(reward, self.env['pos.order.line'].union(*claims[reward, code]))
        if programs := self.env['loyalty.program'].union(*(key[0].program_id for key in claims)):
            self._note_limits(programs.sudo())

    def _note_limits(self, programs) -> None:
        """Note where rewards are not within the limits of their programs (sudo)."""
        for program in programs:
            try:
                self._ensure_minimum(program)
                self._ensure_share(program)
            except UserError as error:
                self._note_exception('limits', str(error))
        for program in programs - self._get_earning_programs():
            self._note_exception(
                'limits',
                self.env._(
                    "%(program)s does not apply to this order, whose reward was given.",
                    program=program.name,
                ),
            )

    def _get_member_reward_lines(self):
        """Return the lines with rewards of managed programs that this order pays for."""
        return self._get_threshold_lines().filtered(lambda line: line.reward_id.program_id.managed)

    def _settle_reward(self, reward, lines) -> None:
        """Note card and cost of one reward.

        :param lines: those that make it up
        """
        claimed = to_points(sum(lines.mapped('points_cost')))
        card = self._get_paying_card(reward, lines.coupon_id[:1])
        if not card:
            lines._settling().write({'points_cost': 0})
            self._note_exception(
                'member',
                self.env._(
                    "%(reward)s was given without the card of a member; no points were taken.",
                    reward=reward.description,
                ),
            )
            return
        cost = self._get_reward_cost(reward, lines, claimed)
        if reward.clear_wallet:
            cost = max(cost, self._get_clearable_points(card, lines))
        lines._settling().write({'coupon_id': card.id, 'points_cost': 0})
        lines[0]._settling().points_cost = float(cost)
        if cost != claimed:
            self._note_exception(
                'cost',
                self.env._(
                    "%(reward)s costs %(cost)s, the till took %(claimed)s.",
                    reward=reward.description,
                    cost=card._format_points_text(float(cost)),
                    claimed=card._format_points_text(float(claimed)),
                ),
            )

    def _is_self_ordered(self) -> bool:
        """Return whether a customer sent this order himself, from a kiosk or his phone, and no
        cashier settles it.
        """
        return self.source != 'pos' and self.env.context.get('loyalty_at_till') is not AT_TILL

    def _get_paying_card(self, reward, claimed):
        """Return the card that pays for a reward, never that of another member (sudo).

        :param claimed: card the till named, one that was merged meanwhile or that it made itself
        """
        program = reward.program_id
        if self._is_self_ordered():
            # nobody looked at who he is
            return claimed.sudo().browse()
        if self.partner_id:
            return self._get_member_card(program) or self._create_member_card(program)
        if claimed.is_member and claimed.program_id == program and not claimed.partner_id:
            return claimed.sudo()
        return claimed.sudo().browse()

    def _get_reward_cost(self, reward, lines, claimed: Decimal) -> Decimal:
        """Return what a reward costs, whatever the till took for it.

        :param claimed: taken as it is where only the till can know, within what is possible
        """
        step = to_points(reward.required_points)
        if reward.reward_type == 'product':
            qty = sum((max(line._get_earning_qty(), ZERO) for line in lines), ZERO)
            times = qty / to_exact(reward.reward_product_qty or 1)
            return to_points(step * times.to_integral_value(ROUND_CEILING))
        if reward.discount_mode != 'per_point':
            return to_points(step * self._get_claimed_times(reward, lines))
        value, per_point = max(self._get_reward_value(lines), ZERO), to_exact(reward.discount)
        # the till spreads the discount over the taxes, and each part is rounded
        noise = to_exact(self.currency_id.rounding) * len(lines)
        if claimed >= 0 and abs(claimed * per_point - value) <= noise:
            return claimed
        return to_points(value / per_point)

    def _get_claimed_times(self, reward, lines) -> int:
        """Return how often a discount was claimed at least, whatever the till calls one claim.

        One has a line for each of the order's taxes, and takes off no more than the reward says.
        """
        times = max(Counter(line.tax_ids for line in lines).values())
        most = to_exact(reward.discount)
        if reward.discount_mode == 'percent':
            amounts = [
                line._get_earning_amount('incl') for line in self.lines if not line.reward_id
            ]
            most *= sum((amount for amount in amounts if amount > 0), ZERO) / 100
        if reward.discount_max_amount:
            most = min(most, to_exact(reward.discount_max_amount))
        if most > 0:
            worth = self._get_reward_value(lines) / most - CLAIM_NOISE
            times = max(times, int(worth.to_integral_value(ROUND_CEILING)))
        return times

    def _get_reward_value(self, lines) -> Decimal:
        """Return what reward lines take off the order, taxes included."""
        return -sum((line._get_earning_amount('incl') for line in lines), ZERO)

    def _get_clearable_points(self, card, lines) -> Decimal:
        """Return what a reward that takes all points of a card takes, when the order was paid.

        :param lines: of that reward; what the others on this order cost is left out
        """
        others = self._get_member_reward_lines() - lines
        spent = self._sum_costs(others.sudo()).get(card.id, ZERO)
        given = ZERO
        if card.program_id._can_redeem_earned():
            given = self._get_program_earning(card.program_id, card).points
        # of an order that is sent late: not what came in since
        since = card._sum_moved_since(self._get_earning_moment())
        return self._read_spendable(self.uuid, card, given) - since - spent

    def _get_redeemed_points(self) -> dict[int, Decimal]:
        redeemed = self._get_reward_costs()
        for line in self._get_member_reward_lines().filtered('points_cost'):
            if line.coupon_id.id in redeemed:
                redeemed[line.coupon_id.id] -= self._get_returned_cost(line)
        return redeemed

    def _get_reward_costs(self) -> dict[int, Decimal]:
        """Return what the rewards of this order cost, by member card."""
        return self._sum_costs(self.sudo()._get_member_reward_lines())

    def _get_returned_cost(self, line) -> Decimal:
        """Return what of the cost of a reward was given back, as its value was.

        :param line: the one of the reward's lines that has its cost
        """
        lines = self.lines.filtered(
            lambda other: (
                other.reward_id == line.reward_id
                and other.reward_identifier_code == line.reward_identifier_code
            )
        )
        value = self._get_reward_value(lines)
        if value <= 0:
            return ZERO
        # tills send the amounts of a refund with the sign of the sale, the back end turns it
        back = sum((abs(part._get_earning_amount('incl')) for part in lines._get_refunds()), ZERO)
        share = max(back / value, self._get_credited_share_of(line.product_id))
        return cut_points(to_points(line.points_cost) * min(share, Decimal(1)))

    # ------------------------------------------------------------
    # POINTS THAT ARE NOT THERE
    # ------------------------------------------------------------

    def _finish_movements(self, movements: list[Movement]) -> list[Movement]:
        """Let what was redeemed at a till be posted, and note whose points were not there."""
        movements = super()._finish_movements(movements)
        burns = [row for row in movements if row.kind == 'burn']
        if not burns:
            return movements
        left = self._read_left(burns)
        for row in burns:
            card = self.env['loyalty.card'].sudo().browse(row.card_id)
            given = ZERO
            if card.program_id._can_redeem_earned() and card.points >= 0:
                given = sum(
                    (other.qty for other in movements if self._is_given_with(other, row)), ZERO
                )
            missing = -row.qty - max(left[card.id] + given, ZERO)
            left[card.id] = max(-missing, ZERO)
            if missing > 0 and self._is_of_day_before(card, row):
                # the job was faster than the order
                missing -= card._return_expired(row.date, missing, row.key)
            if missing > 0:
                self.browse(row.order_id)._note_shortfall(card, missing)
        return self._let_burns_pass(movements)

    def _read_left(self, burns: list[Movement]) -> dict[int, Decimal]:
        """Return what there is to be redeemed, by member card, maybe less than nothing.

        What is over when an order is paid is lost as everywhere, unless it was held for it.

        :param burns: movements of orders that were paid
        """
        wanted: dict[int, Decimal] = {}
        for row in burns:
            wanted[row.card_id] = wanted.get(row.card_id, ZERO) - row.qty
        cards = self.env['loyalty.card'].sudo().browse(wanted)
        self.env.flush_all()
        free = cards._read_free_now()
        pinned = cards._take_pinned(wanted)
        left = {}
        for card in cards:
            kept = pinned.get(card.id, ZERO)
            if any(row.card_id == card.id and self._is_of_day_before(card, row) for row in burns):
                kept = free[card.id].overdue
            left[card.id] = free[card.id].with_own(ZERO, kept)
            if lost := free[card.id].get_lost(kept):
                seen = card._read_free(self.env.cr)
                card._expire_lost(lost, seen[card.id], free[card.id])
        return left

    def _is_of_day_before(self, card, burn: Movement) -> bool:
        """Return whether points were redeemed on an earlier day, when they were not over yet."""
        program = card.program_id
        return bool(burn.date) and program._get_local_day(burn.date) < program._get_local_day()

    def _is_given_with(self, row: Movement, burn: Movement) -> bool:
        """Return whether a movement gives points that a reward of the same order may take."""
        return row.kind == 'earn' and (row.card_id, row.order_id) == (burn.card_id, burn.order_id)

    def _note_shortfall(self, card, missing: Decimal) -> None:
        """Say that points were redeemed that the member did not have any more."""
        self.ensure_one()
        self._settling().loyalty_shortfall += float(missing)
        self._note_exception(
            'shortfall',
            self.env._(
                "%(card)s lacked %(points)s that were redeemed here. What becomes of it the "
                "program says: a balance below zero.",
                card=card.display_name,
                points=card._format_points_text(float(missing)),
            ),
        )
