from __future__ import annotations

from decimal import ROUND_CEILING, Decimal

from odoo import models
from odoo.exceptions import UserError

from odoo.addons.crm_loyalty.earning import ZERO, cut_points, to_exact
from odoo.addons.crm_loyalty.ledger import to_points
from odoo.addons.crm_loyalty.models.loyalty_card_ledger import Movement


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
        for (reward, _code), lines in claims.items():
            self._settle_reward(reward, self.env['pos.order.line'].union(*lines))
        for program in {reward.program_id for reward, _code in claims}:
            try:
                self._ensure_minimum(program)
                self._ensure_share(program)
            except UserError as error:
                self._note_exception('limits', str(error))

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
        """Return whether a customer sent this order himself, from a kiosk or his phone."""
        return self.source != 'pos'

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
        if reward.clear_wallet:
            return max(claimed, step)
        if reward.reward_type == 'product':
            qty = sum((line._get_earning_qty() for line in lines), ZERO)
            times = qty / to_exact(reward.reward_product_qty or 1)
            return to_points(step * times.to_integral_value(ROUND_CEILING))
        if reward.discount_mode != 'per_point':
            return step
        value = -sum((line._get_earning_amount('incl') for line in lines), ZERO)
        per_point = to_exact(reward.discount)
        # the till spreads the discount over the taxes, and each part is rounded
        noise = to_exact(self.currency_id.rounding) * len(lines)
        if abs(claimed * per_point - value) <= noise:
            return claimed
        return to_points(value / per_point)

    def _get_redeemed_points(self) -> dict[int, Decimal]:
        redeemed = self._get_reward_costs()
        for line in self._get_member_reward_lines().filtered('points_cost'):
            if line.coupon_id.id in redeemed:
                redeemed[line.coupon_id.id] -= self._get_refunded_cost(line)
        return redeemed

    def _get_reward_costs(self) -> dict[int, Decimal]:
        """Return what the rewards of this order cost, by member card."""
        return self._sum_costs(self.sudo()._get_member_reward_lines())

    def _get_refunded_cost(self, line) -> Decimal:
        """Return what of the cost of a reward was given back, as its value was.

        :param line: the one of the reward's lines that has its cost
        """
        lines = self.lines.filtered(
            lambda other: (
                other.reward_id == line.reward_id
                and other.reward_identifier_code == line.reward_identifier_code
            )
        )
        value = -sum((part._get_earning_amount('incl') for part in lines), ZERO)
        # tills send the amounts of a refund with the sign of the sale, the back end turns it
        back = sum((abs(part._get_earning_amount('incl')) for part in lines._get_refunds()), ZERO)
        if value <= 0 or back <= 0:
            return ZERO
        return cut_points(to_points(line.points_cost) * min(back / value, Decimal(1)))

    # ------------------------------------------------------------
    # POINTS THAT ARE NOT THERE
    # ------------------------------------------------------------

    def _finish_movements(self, movements: list[Movement]) -> list[Movement]:
        """Let what was redeemed at a till be posted, and note whose points were not there."""
        movements = super()._finish_movements(movements)
        burns = [row for row in movements if row.kind == 'burn']
        if not burns:
            return movements
        cards = self.env['loyalty.card'].sudo().browse({row.card_id for row in burns})
        self.env.flush_all()
        free = cards._read_free_now()
        for row in burns:
            card = cards.browse(row.card_id)
            given = ZERO
            if card.program_id._can_redeem_earned():
                given = sum(
                    (other.qty for other in movements if self._is_given_with(other, row)), ZERO
                )
            missing = -row.qty - max(free[card.id].with_own(given), ZERO)
            if missing > 0:
                self.browse(row.order_id)._note_shortfall(card, missing)
        return self._let_burns_pass(movements)

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
