from __future__ import annotations

from decimal import Decimal

from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import escape_psql

from odoo.addons.crm_loyalty.ledger import to_points

#: minutes for which a till holds points while the customer pays
HOLD_MINUTES = 15


class PosOrder(models.Model):
    """A till holds points while the customer pays, as far as it is connected."""

    _inherit = 'pos.order'

    @api.model
    def hold_loyalty_points(self, order_uuid: str, claims: list[dict]) -> dict:
        """Hold what an order redeems, before it is paid; for the till.

        The same claims again are the same holds; other claims replace them.

        :param order_uuid: of the order, which the server may not know yet
        :param claims: ``card_id``, ``cost`` and ``won`` of each card
        :return: ``successful``, and if not ``message`` and ``updated_points`` by card
        """
        self.check_access('create')
        wanted = self._get_held_claims(claims)
        holds = self._get_till_holds(order_uuid)
        (holds.filtered(lambda hold: hold.card_id not in wanted))._release()
        try:
            for card in sorted(wanted, key=lambda card: card.id):
                self._hold_claim(order_uuid, card, wanted[card], holds)
        except (UserError, ValidationError) as error:
            return {
                'successful': False,
                'message': str(error),
                'updated_points': {card.id: card.points_free for card in wanted},
            }
        return {'successful': True}

    @api.model
    def _get_held_claims(self, claims: list[dict]) -> dict:
        """Return the points to hold, by member card (sudo)."""
        wanted = {}
        for claim in claims:
            card = self.env['loyalty.card'].browse(int(claim['card_id'])).exists()
            if not card.is_member:
                continue
            card.check_access('read')
            card = card.sudo()
            qty = to_points(claim.get('cost'))
            if card.program_id._can_redeem_earned() and card.points >= 0:
                # what the order gives itself is not there to be held
                qty -= max(to_points(claim.get('won')), Decimal(0))
            if qty > 0:
                wanted[card] = qty
        return wanted

    @api.model
    def _hold_claim(self, order_uuid: str, card, qty: Decimal, holds) -> None:
        """Hold points of one card, instead of what the order held of it before."""
        own = holds.filtered(lambda hold: hold.card_id == card)
        live = own.filtered(lambda hold: hold._is_live())
        if live and to_points(live[-1:].qty) == qty:
            return
        live._release()
        # the key names the hold before it: of two requests at once one is run again
        card._hold_points(
            qty,
            f'{self._get_hold_prefix(order_uuid)}{card.id}:{max(own.ids, default=0)}',
            minutes=HOLD_MINUTES,
            description=self.env._("Till"),
        )

    @api.model
    def _get_hold_prefix(self, order_uuid: str) -> str:
        """Return how the keys of the holds of a till order begin."""
        return f'{self._name}:{order_uuid}:'

    @api.model
    def _get_till_holds(self, order_uuid: str):
        """Return all holds taken for a till order (sudo)."""
        prefix = escape_psql(self._get_hold_prefix(order_uuid))
        holds = self.env['loyalty.hold'].sudo()
        return holds.search([('key', '=like', f'{prefix}%')], order='id')

    def _capture_holds(self, redeemed: dict[int, dict[int, Decimal]]) -> None:
        res = super()._capture_holds(redeemed)
        for order in self:
            holds = self._get_till_holds(order.uuid)
            holds._capture(redeemed.get(order.id, {}))
        return res

    def _release_holds(self) -> None:
        """Let others have the points that were held for these orders."""
        for order_uuid in self.mapped('uuid'):
            self._get_till_holds(order_uuid)._release()
