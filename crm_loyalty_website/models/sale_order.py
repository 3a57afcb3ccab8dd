from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import formatLang

from odoo.addons.crm_loyalty.ledger import to_points

#: what somebody enters may be any number
MOST_POINTS = Decimal(10**9)


class PointsChoice(NamedTuple):
    """A reward for any number of points, within a cart."""

    #: ``loyalty.reward``
    reward: models.BaseModel
    #: points that are redeemed for it now, and those it makes sense to redeem at most
    chosen: Decimal
    most: Decimal
    #: numbers of points it can be had for are multiples of this one
    step: Decimal
    #: what to know about the number, in the customer's language
    help: str

    def get_attribute(self, name: str) -> str:
        """Return a number of points as HTML wants it."""
        return f'{getattr(self, name).normalize():f}'


class PointsOffer(NamedTuple):
    """What the points of a member card can do for a cart."""

    #: ``loyalty.card``
    card: models.BaseModel
    #: points nobody else holds, with those redeemed in this cart
    free: Decimal
    #: points that are held for other orders
    held: Decimal
    #: points this order will give
    earned: Decimal
    choices: list[PointsChoice]
    #: why nothing can be redeemed, if so
    refusal: str


class SaleOrder(models.Model):
    """A cart, and the points of whoever fills it."""

    _inherit = 'sale.order'

    # ------------------------------------------------------------
    # WHAT THE CUSTOMER SEES
    # ------------------------------------------------------------

    def _get_points_offers(self) -> list[PointsOffer]:
        """Return what the points of who is logged in can do for this cart, card by card."""
        self.ensure_one()
        if not self._allow_nominative_programs():
            return []
        cards = (self.coupon_point_ids.coupon_id | self.applied_coupon_ids).filtered(
            lambda card: card.is_member and card.active and card.partner_id == self.partner_id
        )
        return [self._prepare_points_offer(card) for card in cards.sorted('id')]

    def _prepare_points_offer(self, card) -> PointsOffer:
        held = card._get_held_points(without=self)
        refusal = ""
        try:
            self._ensure_minimum(card.program_id)
        except UserError as error:
            refusal = str(error)
        choices = [
            self._prepare_points_choice(reward, card)
            for reward in card.program_id.reward_ids
            if reward._has_points_choice() and not refusal
        ]
        return PointsOffer(
            card,
            max(to_points(card.points) - held, Decimal(0)),
            held,
            self._get_points_to_earn(card),
            [choice for choice in choices if choice.most or choice.chosen],
            refusal,
        )

    def _prepare_points_choice(self, reward, card) -> PointsChoice:
        lines = self._get_claim_lines(reward, card)
        redeemed = to_points(sum(lines.mapped('points_cost')))
        most = self._get_max_points(reward, card)
        step = to_points(reward.required_points)
        text = self.env._(
            "In steps of %(step)s, at most %(most)s.",
            step=card._format_points_text(float(step)),
            most=card._format_points_text(float(most)),
        )
        return PointsChoice(reward, reward._to_full_steps(redeemed), most, step, text)

    def _get_points_to_earn(self, card) -> Decimal:
        """Return the points this order will give to a card, within the limits of its program."""
        earned = Decimal(0)
        for entry in self.coupon_point_ids.filtered(lambda entry: entry.coupon_id == card):
            limit = entry._get_limit(is_estimate=True)
            points = to_points(entry.points)
            earned += points if limit is None else min(points, limit)
        return earned

    def _get_visitor_points(self) -> list[str]:
        """Return what this cart would give to a member, told to who is not logged in."""
        self.ensure_one()
        if self._allow_nominative_programs() or not self.website_order_line:
            return []
        programs = self.env['loyalty.program'].search(self._get_program_domain())
        texts, nobody = [], self.env['loyalty.card']
        for program in programs.filtered('managed'):
            points = float(self._get_program_earning(program, nobody).points)
            if points:
                number = formatLang(self.env, points, digits=0 if points % 1 == 0 else 2)
                texts.append(f'{number} {program.portal_point_name or ""}'.strip())
        return texts

    def _get_claimable_and_showable_rewards(self):
        """Leave out what :meth:`_get_points_offers` shows, and what the program does not allow."""
        result = super()._get_claimable_and_showable_rewards()
        for card in [card for card in result if card.is_member]:
            result[card] = result[card].filtered(
                lambda reward, card=card: (
                    not reward._has_points_choice() and self._is_within_limits(reward, card)
                )
            )
            if not result[card]:
                del result[card]
        return result

    # ------------------------------------------------------------
    # WHAT THE CUSTOMER DOES
    # ------------------------------------------------------------

    def _redeem_in_cart(self, reward_id: int, points: float | str, product_id: int = 0) -> None:
        """Redeem points of the customer's own card, instead of those redeemed before.

        :param points: 0 takes the reward away
        :param product_id: which of the products of a reward
        :raise UserError: the reward is not offered, not for so many points, or they are not there
        """
        self.ensure_one()
        for offer in self._get_points_offers():
            for choice in offer.choices:
                if choice.reward.id == reward_id:
                    points = min(offer.card._parse_quoted(points), MOST_POINTS)
                    products = choice.reward.reward_product_ids
                    product = products.filtered(lambda product: product.id == product_id)
                    self._redeem_points(choice.reward, offer.card, points, product=product)
                    self._verify_cart_after_update()
                    return
        raise UserError(self.env._("This reward is not offered for your cart any more."))

    # ------------------------------------------------------------
    # JOBS
    # ------------------------------------------------------------

    @api.autovacuum
    def _gc_abandoned_coupons(self, *args, **kwargs):
        """Compute carts nobody looked at for days again, without holding points for them anew."""
        return super(SaleOrder, self._holding_later())._gc_abandoned_coupons(*args, **kwargs)
