from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command

from ..earning import to_exact
from ..ledger import to_points

CONFIRMED = ('sale', 'done')
#: value of the context key loyalty_discountable; an object, which no client can send
ANYTHING = object()


class PointsLimit(NamedTuple):
    """Value of the context key loyalty_points_limit; an object, which no client can send."""

    card_id: int
    points: Decimal


class SaleOrder(models.Model):
    """What an order can redeem: free points only, within the limits of the program."""

    _inherit = 'sale.order'

    #: how many points somebody chose to redeem, by reward and card
    loyalty_chosen_points = fields.Json(copy=False)

    # ------------------------------------------------------------
    # CORE
    # ------------------------------------------------------------

    def _get_real_points_for_coupon(self, coupon, post_confirm=False):
        if not coupon.sudo().is_member:
            return super()._get_real_points_for_coupon(coupon, post_confirm=post_confirm)
        usable = self._get_usable_points(coupon.sudo())
        limit = self.env.context.get('loyalty_points_limit')
        if isinstance(limit, PointsLimit) and limit.card_id == coupon.id:
            usable = min(usable, limit.points)
        return float(usable)

    def _apply_program_reward(self, reward, coupon, *, points=None, **kwargs):
        """Claim a reward; see core.

        :param points: how many points to redeem, default as many as make sense
        """
        if coupon.sudo().is_member:
            points = self.env.context.get('loyalty_points') if points is None else points
            points = self._add_to_claim(reward, coupon, points, **kwargs)
            self._choose_points(reward, coupon.sudo(), points, **kwargs)
        orders = super(SaleOrder, self._holding_later())
        result = orders._apply_program_reward(reward, coupon, **kwargs)
        self._sync_holds()
        return result

    def _update_programs_and_rewards(self):
        res = super(SaleOrder, self._holding_later())._update_programs_and_rewards()
        self._sync_holds()
        return res

    def _get_reward_line_values(self, reward, coupon, **kwargs):
        card = coupon.sudo()
        if not card.is_member:
            return super()._get_reward_line_values(reward, coupon, **kwargs)
        # when rewards are computed again, core takes away what is refused here
        self._ensure_minimum(reward.sudo().program_id)
        order = self
        if (limit := self._get_points_limit(reward.sudo(), card, **kwargs)) is not None:
            order = self.with_context(loyalty_points_limit=PointsLimit(card.id, limit))
        values = super(SaleOrder, order)._get_reward_line_values(reward, coupon, **kwargs)
        if reward.reward_type == 'discount':
            self._ensure_share(reward.sudo().program_id, self._get_values_amount(values))
        return values

    def _get_claimable_rewards(self, forced_coupons=None):
        order = self
        if not self._get_applied_global_discount():
            # then all that core asks is whether there is anything to discount
            order = self.with_context(loyalty_discountable=ANYTHING)
        result = super(SaleOrder, order)._get_claimable_rewards(forced_coupons)
        for card in list(result):
            if card.sudo().is_member:
                result[card] = result[card].filtered(
                    lambda reward, card=card: self._is_within_limits(reward.sudo(), card.sudo())
                )
                if not result[card]:
                    del result[card]
        return result

    def _discountable_amount(self, rewards_to_ignore):
        if self.env.context.get('loyalty_discountable') is ANYTHING:
            # core computes the taxes of all lines, which takes a sixth of a confirmation
            lines = self.order_line - self._get_no_effect_on_threshold_lines()
            lines = lines.filtered(lambda line: line.product_uom_qty and line.price_unit)
            if all(line.price_subtotal > 0 and line.price_total > 0 for line in lines):
                return sum(lines.mapped('price_total'))
        return super()._discountable_amount(rewards_to_ignore)

    def action_open_reward_wizard(self):
        self.ensure_one()
        if self._may_choose_points():
            # core claims the only reward at once, for all points
            self._update_programs_and_rewards()
            rewards = self._get_claimed_choices().reward_id.union(
                *self._get_claimable_rewards().values()
            )
            if any(reward._has_points_choice() for reward in rewards):
                return self.env['ir.actions.actions']._for_xml_id(
                    'sale_loyalty.sale_loyalty_reward_wizard_action'
                )
        return super().action_open_reward_wizard()

    def _try_apply_code(self, code):
        """Apply a code; see core.

        The number of a member card is none, and what it holds is told to its owner only.
        """
        domain = [('code', '=', code), ('is_member', '=', True)]
        card = self.env['loyalty.card'].sudo().search(domain, limit=1)
        if not card:
            return super()._try_apply_code(code)
        if card.partner_id != self.partner_id:
            return {'error': self.env._("This code is invalid (%s).", code), 'not_found': True}
        return {
            'error': self.env._("A member card needs no code: its points are offered as rewards.")
        }

    def _may_choose_points(self) -> bool:
        """Return whether the customer has a card with rewards by the point."""
        cards = (
            self.env['loyalty.card']
            .sudo()
            .search([('partner_id', '=', self.partner_id.id), ('is_member', '=', True)])
        )
        return any(reward._has_points_choice() for reward in cards.program_id.reward_ids)

    # ------------------------------------------------------------
    # FREE POINTS
    # ------------------------------------------------------------

    def _get_usable_points(self, card) -> Decimal:
        """Return what this order can redeem from a card, less what it does already.

        Below zero only when it redeems more than there is: a debt is no reason to refuse an order
        that redeems nothing.  A card that was closed redeems nothing.

        :param card: ``loyalty.card`` (sudo)
        """
        self.ensure_one()
        balance = to_points(card.points)
        usable = balance - card._get_lost_points() - card._get_held_points(without=self)
        used = Decimal(0)
        if self.state not in CONFIRMED:
            lines = self.order_line.filtered(lambda line: line.coupon_id.id == card.id)
            used = sum(map(self._get_line_cost, lines), Decimal(0))
            usable += self._get_redeemable_earned(card)
        if balance < 0 or not card.active:
            usable = Decimal(0)
        return max(usable, Decimal(0)) - used

    # ------------------------------------------------------------
    # AS MANY AS SOMEBODY CHOSE
    # ------------------------------------------------------------

    def _redeem_points(self, reward, card, points: float, product=None) -> None:
        """Redeem a chosen number of points for a reward, instead of what was chosen before.

        :param reward: ``loyalty.reward`` by the point
        :param points: 0 takes the reward away
        :param product: which of several products of the reward
        :raise UserError: the reward cannot be had for so many, or the order does not allow it
        """
        self.ensure_one()
        lines = self._get_claim_lines(reward, card)
        if lines:
            lines.unlink()
        if points:
            result = self._apply_program_reward(reward, card, points=points, product=product)
            if error := result.get('error'):
                raise UserError(error)
        self._update_programs_and_rewards()

    def _add_to_claim(self, reward, card, points: float | None, product=None, **kwargs):
        """Make one claim of two of the same kind, as one number is chosen for them.

        :param points: None for as many as make sense
        :param product: which of several products of the reward
        :return: points to redeem in all, None for as many as make sense
        """
        lines = self._get_claim_lines(reward, card) if reward._has_points_choice() else None
        if lines and reward.multi_product:
            lines = lines.filtered(lambda line: line.product_id == product)
        if lines:
            points = points and points + sum(lines.mapped('points_cost'))
            lines.unlink()
        return points

    @api.model
    def _get_choice_key(self, reward, card, product=None, **kwargs) -> str:
        """Return the key of a choice in ``loyalty_chosen_points``."""
        key = f'{reward.id}:{card.id}'
        return f'{key}:{product.id}' if product and reward.multi_product else key

    def _choose_points(self, reward, card, points: float | None, **kwargs) -> None:
        """Note how many points are to be redeemed, for when rewards are computed again.

        :param points: None for as many as make sense
        :param kwargs: the product, where a reward has several
        :raise UserError: the reward cannot be had for so many
        """
        key = self._get_choice_key(reward, card, **kwargs)
        chosen = dict(self.loyalty_chosen_points or {})
        if points is None:
            if key not in chosen:
                return
            del chosen[key]
        else:
            points = to_points(points)
            self._ensure_can_choose(reward.sudo(), card, points)
            chosen[key] = float(points)
        self.loyalty_chosen_points = chosen

    def _ensure_can_choose(self, reward, card, points: Decimal) -> None:
        """:raise UserError: a reward cannot be had for so many points"""
        step = to_points(reward.required_points)
        if points != step and not reward._has_points_choice():
            raise UserError(
                self.env._(
                    "%(reward)s costs %(points)s.",
                    reward=reward.description,
                    points=card._format_points_text(float(step)),
                )
            )
        usable = self._get_usable_points(card)
        if points > usable:
            raise UserError(card._get_too_few_message(points, max(usable, Decimal(0))))
        if points <= 0 or reward._to_steps(points) != points:
            raise UserError(
                self.env._(
                    "%(reward)s is to be had in steps of %(points)s.",
                    reward=reward.description,
                    points=card._format_points_text(float(step)),
                )
            )

    def _get_points_limit(self, reward, card, **kwargs) -> Decimal | None:
        """Return how many points may be redeemed for a reward at most, None for any number.

        :param kwargs: the product, where a reward has several
        """
        chosen = (self.loyalty_chosen_points or {}).get(
            self._get_choice_key(reward, card, **kwargs)
        )
        limit = None if chosen is None else to_points(chosen)
        share = self._get_points_of_share(reward)
        if share is not None and (limit is None or share < limit):
            limit = share
        return limit

    def _get_points_of_share(self, reward) -> Decimal | None:
        """Return the points that pay for the share of this order that may be paid with them."""
        program = reward.program_id
        is_limited = program.redeem_max_percent < 100 and reward.reward_type == 'discount'
        if not is_limited or reward.discount_mode != 'per_point':
            return None
        amount = self._convert_to_program(program, max(self._get_share_left(program), 0))
        # a point may be worth less than a cent
        worth = to_exact(reward.discount)
        return reward._to_steps(to_points(amount) / worth if worth > 0 else Decimal(0))

    def _get_max_points(self, reward, card) -> Decimal:
        """Return how many points it makes sense to redeem for a reward.

        Those this order redeems for it already count as free.
        """
        lines = self._get_claim_lines(reward, card)
        points = self._get_usable_points(card)
        if (share := self._get_points_of_share(reward)) is not None:
            points = min(points, share)
        most = reward._to_steps(points + to_points(sum(lines.mapped('points_cost'))))
        if (useful := self._get_useful_points(reward, lines)) is not None:
            most = min(most, reward._to_full_steps(useful))
        return most

    def _get_claim_lines(self, reward, card):
        """Return the lines by which this order redeems points of a card for a reward."""
        return self.order_line.filtered(
            lambda line: line.reward_id == reward and line.coupon_id == card
        )

    def _get_claimed_choices(self):
        """Return the lines of rewards of which somebody may choose another number of points."""
        return self.order_line.filtered(
            lambda line: line.coupon_id.sudo().is_member and line.reward_id._has_points_choice()
        )

    def _get_useful_points(self, reward, lines) -> Decimal | None:
        """Return how many points pay for all of this order, None where that is not to be told.

        :param lines: what the reward takes off now
        """
        if reward.reward_type != 'discount' or reward.discount <= 0:
            return None
        amount = self.amount_total - sum(lines.mapped('price_total'))
        amount = to_points(self._convert_to_program(reward.program_id, amount))
        return amount / to_exact(reward.discount)

    # ------------------------------------------------------------
    # LIMITS
    # ------------------------------------------------------------

    def _ensure_redeeming_allowed(self) -> None:
        """:raise ValidationError: an order redeems more than its programs allow by now"""
        for order in self:
            lines = order.order_line.filtered('points_cost').sudo()
            for program in lines.coupon_id.filtered('is_member').program_id:
                try:
                    order._ensure_minimum(program)
                    order._ensure_share(program)
                except UserError as error:
                    raise ValidationError(str(error)) from error

    def _is_within_limits(self, reward, card) -> bool:
        """Return whether a reward can be claimed on this order."""
        program = reward.program_id
        if self._get_base_left(program) < 0:
            return False
        share = self._get_points_of_share(reward)
        return share is None or share >= to_points(reward.required_points)

    def _get_values_amount(self, values: list[dict]) -> float:
        """Return what reward lines to be written take off an order, taxes included."""
        amount = 0.0
        for vals in values:
            tax_ids = [command[1] for command in vals['tax_ids'] if command[0] == Command.LINK]
            taxes = (
                self.env['account.tax']
                .browse(tax_ids)
                .compute_all(
                    vals['price_unit'],
                    currency=self.currency_id,
                    quantity=vals['product_uom_qty'],
                    partner=self.partner_id,
                )
            )
            amount -= taxes['total_included']
        return amount
