from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from odoo import models

from ..earning import ZERO, EarnedLine, Earning, cut_points, to_exact

#: rewards that are a way to pay
PAID_WITH = ('loyalty', 'ewallet', 'gift_card')


class LoyaltyOrderMixin(models.AbstractModel):
    """What the rules of a managed program give for an order, the same in every channel.

    Says the same as ``_program_check_compute_points`` of sale_loyalty 19.0 about which rules
    apply, but spreads the points over the lines, converts a foreign currency, knows bonuses, the
    base without taxes and who earns, and cuts to two decimals once, at the end.

    Its lines have ``_get_earning_amount``, ``_get_earning_qty``, ``_is_combo_item``,
    ``_get_lines_with_price`` and ``_get_lines_with_price_of_each``, besides core's ``product_id``
    and ``reward_id``.
    """

    _inherit = 'loyalty.order.mixin'

    def _get_program_earning(self, program, card=None) -> Earning:
        """Return what this order gives in a program, with limits left out.

        :param program: ``loyalty.program``, managed
        :param card: ``loyalty.card`` of the customer, empty where he has none; default: looked up
        """
        self.ensure_one()
        earning = Earning(rate=self._get_rate_to_program(program))
        program = program.sudo()
        if not program._can_earn(self.partner_id):
            return earning
        goods = self._get_earning_lines()
        raw = self._get_points_by_line(program, goods, earning.rate)
        plain = sum(raw.values(), ZERO)
        if not plain:
            return earning
        card = self._get_program_card(program) if card is None else card
        factor = program._get_earning_multiplier(card)
        self._add_bonuses(program, raw, factor)
        total = sum(raw.values(), ZERO)
        earning.points = max(cut_points(total), ZERO)
        earning.multiplier = to_exact(total / plain)
        for line, points in raw.items():
            self._spread_points(earning, line, points, program.earn_base)
        return earning

    def _spread_points(self, earning: Earning, line, points: Decimal, base: str) -> None:
        """Note what a line gave; the items of a combo stand for it."""
        priced = line._get_lines_with_price()
        amounts = {part: max(part._get_earning_amount(base), ZERO) for part in priced}
        total = sum(amounts.values(), ZERO)
        for part, amount in amounts.items():
            share = amount / total if total else Decimal(1) / len(priced)
            earning.lines[part.id] = EarnedLine(points * share, amount, part._get_earning_qty())

    def _spread_evenly(self, earning: Earning, points: Decimal, base: str) -> None:
        """Note points that no rule explains as given by all lines, by their amounts."""
        lines = self._get_earning_lines()
        amounts = {line: max(line._get_earning_amount(base), ZERO) for line in lines}
        total = sum(amounts.values(), ZERO)
        for line, amount in amounts.items():
            if total:
                self._spread_points(earning, line, points * amount / total, base)

    def _get_program_card(self, program):
        """Return the card this order earns for, if there is one (sudo).

        Before it is noted with the order it is the card of the customer.
        """
        cards = self._get_point_entries().coupon_id
        card = cards.filtered(lambda card: card.program_id == program)[:1]
        return card or self._get_member_card(program)

    def _get_member_card(self, program):
        """Return the one card of the customer in a program, if there is any (sudo)."""
        cards = self.env['loyalty.card'].sudo()
        if not self.partner_id:
            return cards
        return cards.search(
            [
                ('partner_id', '=', self.partner_id.id),
                ('program_id', '=', program.id),
                ('is_member', '=', True),
            ],
            limit=1,
        )

    def _get_rate_to_program(self, program) -> Decimal:
        """Return the rate to the currency of the program, as of the date of the order."""
        if self.currency_id == program.currency_id:
            return Decimal(1)
        return Decimal(
            repr(
                self.currency_id._get_conversion_rate(
                    self.currency_id, program.currency_id, self.company_id, self.date_order
                )
            )
        )

    def _get_earning_lines(self):
        """Return the lines that may earn: no rewards, deliveries, discounts or combo items."""
        raise NotImplementedError

    def _get_threshold_lines(self):
        """Return the lines that count for the amount a rule asks for: all but deliveries."""
        return self._get_loyalty_lines()

    def _get_opened_rules(self):
        """Return the rules whose code was entered for this order."""
        return self.env['loyalty.rule']

    def _get_earning_moment(self) -> datetime | None:
        """Return when this order took place (UTC), None for now; extend for other channels."""
        return None

    # ------------------------------------------------------------
    # RULES
    # ------------------------------------------------------------

    def _get_points_by_line(self, program, goods, rate: Decimal) -> dict:
        """Return the points the rules give, by order line, not rounded."""
        products = program._get_valid_products(self._get_loyalty_lines().product_id)
        raw: dict = {}
        for rule in program.rule_ids:
            lines = goods.filtered(lambda line, rule=rule: line.product_id in products[rule])
            if not self._is_rule_met(rule, lines, products[rule]):
                continue
            for line, points in self._get_rule_points(rule, lines, products[rule], rate).items():
                raw[line] = raw.get(line, ZERO) + points
        return raw

    def _is_rule_met(self, rule, lines, products) -> bool:
        """Return whether an order fulfills the conditions of a rule.

        :param lines: what it has of the products of the rule
        """
        if rule.mode == 'with_code' and rule not in self._get_opened_rules():
            return False
        if not lines or sum(line._get_earning_qty() for line in lines) < rule.minimum_qty:
            return False
        counted = (
            self._get_threshold_lines()
            .filtered(
                lambda line: (
                    line.product_id in products
                    and not line._is_combo_item()
                    and not self._is_unrelated_discount(line, rule.program_id)
                )
            )
            ._get_lines_with_price_of_each()
        )
        base = rule.minimum_amount_tax_mode
        amount = sum((line._get_earning_amount(base) for line in counted), ZERO)
        return rule._compute_amount(self.currency_id) <= float(amount)

    def _is_unrelated_discount(self, line, program) -> bool:
        """Return whether a line is a discount that does not lower the amount to reach."""
        reward = line.reward_id
        return reward.reward_type == 'discount' and (
            reward.program_id.trigger == 'auto' or reward.program_id == program
        )

    def _get_rule_points(self, rule, lines, products, rate: Decimal) -> dict:
        """Return the points of one rule that applies, by order line, not rounded."""
        base = rule.program_id.earn_base
        per_point = to_exact(rule.reward_point_amount)
        amounts = {
            line: sum(
                (part._get_earning_amount(base) for part in line._get_lines_with_price()), ZERO
            )
            for line in lines
        }
        goods = {line: amount for line, amount in amounts.items() if amount > 0}
        total = sum(goods.values(), ZERO)
        if rule.reward_point_mode == 'unit':
            return {line: per_point * line._get_earning_qty() for line in lines}
        if rule.reward_point_mode == 'order':
            if not total:
                return {lines[0]: per_point}
            return {line: per_point * amount / total for line, amount in goods.items()}
        if not total:
            return {}
        discounts = sum(amounts.values(), ZERO) - total
        discounts += self._get_discounts(rule.program_id, products)
        share = max(total + discounts, ZERO) / total * self._get_paid_share(rule.program_id)
        return {line: per_point * rate * amount * share for line, amount in goods.items()}

    def _get_discounts(self, program, products) -> Decimal:
        """Return what discounts of other programs take off, below zero."""
        rewards = self._get_threshold_lines().filtered(
            lambda line: (
                line.reward_id
                and not line._is_combo_item()
                and line.product_id in products
                and line.reward_id.program_id.program_type not in PAID_WITH
            )
        )
        return sum((line._get_earning_amount(program.earn_base) for line in rewards), ZERO)

    def _get_paid_share(self, program) -> Decimal:
        """Return which share of the order is paid by something else than points and vouchers."""
        if program.earn_on_redeemed:
            return Decimal(1)
        lines = self._get_loyalty_lines().filtered(lambda line: not line._is_combo_item())
        means = lines.filtered(lambda line: line.reward_id.program_id.program_type in PAID_WITH)
        paid = sum((line._get_earning_amount('incl') for line in means), ZERO)
        total = sum(
            (
                part._get_earning_amount('incl')
                for line in lines - means
                for part in line._get_lines_with_price()
            ),
            ZERO,
        )
        return max(total + paid, ZERO) / total if total > 0 else Decimal(1)

    def _add_bonuses(self, program, raw: dict, factor: Decimal) -> None:
        """Raise the points by line by the multiplier of the member and by running bonuses."""
        bonuses = program._get_running_bonuses(self.partner_id, self._get_earning_moment())
        products = self._get_loyalty_lines().product_id
        of_bonus = {bonus: bonus._filter_products(products) for bonus in bonuses}
        for line in raw:
            mine = [bonus for bonus in bonuses if line.product_id in of_bonus[bonus]]
            raw[line] *= factor * max(
                (to_exact(bonus.multiplier) for bonus in mine), default=Decimal(1)
            )
        for bonus in bonuses.filtered('extra_points'):
            lines = [line for line in raw if line.product_id in of_bonus[bonus]]
            for line in lines:
                raw[line] += to_exact(bonus.extra_points) / len(lines)
