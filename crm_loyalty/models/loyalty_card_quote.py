from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

from odoo import api, models
from odoo.exceptions import ValidationError
from odoo.fields import Date

from ..ledger import CENT, ZERO, to_points

#: points or money, in the smallest of currencies too
MAX_QUOTED = 10**15


class LoyaltyCard(models.Model):
    """What if: told before anything is bought or redeemed, and nothing is written."""

    _inherit = 'loyalty.card'

    @api.readonly
    def quote_earning(
        self, amount: float, quantity: float = 1.0, currency: str | None = None
    ) -> dict:
        """Tell what buying for an amount would earn.

        Rules and bonuses for certain products, rules with a code and limits are left out, as there
        is no order; the order itself decides.

        :param amount: price with taxes, of which rules speak
        :param quantity: number of pieces
        :param currency: code of the amount's currency, as USD; default that of the program
        :return: ``points``, ``point_name``, ``balance_after``, and ``has_other_rules``: whether
            rules or bonuses were left out
        :raise AccessError: the card is not the user's, nor may he read it
        :raise ValidationError: an amount or a currency that is none
        """
        self.ensure_one()
        card = self._ensure_can_read_statement()
        amount = card._convert_quoted(self._parse_quoted(amount), currency)
        quantity = self._parse_quoted(quantity)
        rules = card.program_id.rule_ids.filtered(lambda rule: rule.mode == 'auto')
        general = rules.filtered(lambda rule: not card._is_for_some_products(rule))
        points = sum((card._get_quoted_points(r, amount, quantity) for r in general), ZERO)
        if not card.program_id._can_earn(card.partner_id):
            points = ZERO
        points *= card.program_id._get_earning_multiplier(card)
        points = points.quantize(CENT, ROUND_DOWN)
        bonuses = card.program_id._get_running_bonuses(card.partner_id)
        return {
            'points': float(points),
            'point_name': card.point_name or '',
            'balance_after': float(to_points(card.points) + points),
            'has_other_rules': bool(bonuses) or len(general) < len(card.program_id.rule_ids),
        }

    @api.readonly
    def quote_redemption(self, points: float | None = None) -> dict:
        """Tell what points are worth.

        :param points: number of points, of any size; default those that can be redeemed now
        :return: ``points``, ``free``, ``is_enough`` (the card has them), ``currency``, ``worth``
            (money for all of it, by the best reward with a price of its own; 0 when there is none)
            and ``rewards``: ``id``, ``name``, ``type``, ``required_points``, ``times`` it can be
            taken, ``value`` of taking it once (None where it depends on what is bought)
        :raise AccessError: the card is not the user's, nor may he read it
        :raise ValidationError: a number that is none
        """
        self.ensure_one()
        card = self._ensure_can_read_statement()
        free = to_points(card.points_free)
        wanted = free if points is None else to_points(self._parse_quoted(points))
        rewards = card._get_quoted_rewards().with_env(card.env)
        quoted = [card._quote_reward(reward, wanted) for reward in rewards]
        return {
            'points': float(wanted),
            'free': float(free),
            'is_enough': free >= wanted,
            'currency': card.currency_id.name or '',
            'worth': max(((row['value'] or 0) * row['times'] for row in quoted), default=0.0),
            'rewards': quoted,
        }

    @api.model
    def _parse_quoted(self, number: float) -> Decimal:
        try:
            number = Decimal(str(number))
        except ArithmeticError as error:
            raise ValidationError(self.env._("Give a number.")) from error
        if not number.is_finite() or number < 0:
            raise ValidationError(self.env._("Give a number that is not negative."))
        if number >= MAX_QUOTED:
            raise ValidationError(self.env._("These are too many points."))
        return number

    def _convert_quoted(self, amount: Decimal, code: str | None) -> Decimal:
        """Return an amount in the currency of the program."""
        own = self.program_id.currency_id
        if not code or code == own.name:
            return amount
        currency = self.env['res.currency'].search([('name', '=', code)], limit=1)
        if not currency:
            raise ValidationError(self.env._("There is no currency %(code)s.", code=code))
        company = self.company_id or self.env.company
        converted = currency._convert(float(amount), own, company, Date.today())
        return Decimal(str(converted))

    @api.model
    def _is_for_some_products(self, rule) -> bool:
        """Return whether a rule asks for certain products."""
        return not rule._get_valid_product_domain().is_true()

    def _get_quoted_points(self, rule, amount: Decimal, quantity: Decimal) -> Decimal:
        """Return what a rule earns; for other topics to extend.

        :param amount: in the program's currency
        """
        if amount < Decimal(str(rule.minimum_amount)) or quantity < rule.minimum_qty:
            return ZERO
        factors = {'money': amount, 'unit': quantity, 'order': Decimal(1)}
        return Decimal(str(rule.reward_point_amount)) * factors[rule.reward_point_mode]

    def _get_quoted_rewards(self):
        """Return the rewards a member may choose from, the cheapest first."""
        return self.program_id.reward_ids.sorted('required_points')

    def _quote_reward(self, reward, points: Decimal) -> dict:
        """Return what a number of points gets of a reward; for other topics to extend."""
        required = to_points(reward.required_points)
        value, times = None, int(points // required) if required > 0 else 0
        if reward.reward_type == 'discount' and reward.discount_mode != 'percent':
            value = Decimal(str(reward.discount))
            if reward.discount_mode == 'per_point':
                # one discount of any number of points, from the least number on
                value *= points
                times = int(points >= required and points > 0)
            if reward.discount_max_amount:
                value = min(value, Decimal(str(reward.discount_max_amount)))
            value = reward.currency_id.round(float(value))
        return {
            'id': reward.id,
            'name': reward.description or '',
            'type': reward.reward_type,
            'required_points': float(required),
            'times': times,
            'value': value,
        }
