from __future__ import annotations

from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import escape_psql

from odoo.addons.crm_loyalty.ledger import to_points

#: minutes for which a till holds points while the customer pays
HOLD_MINUTES = 15
#: orders for which one user holds points at once
MAX_ORDERS = 50


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
        try:
            with self.env.cr.savepoint():
                self._hold_claims(order_uuid, wanted)
        except (UserError, ValidationError) as error:
            return {
                'successful': False,
                'message': str(error),
                'updated_points': {
                    card.id: max(float(self._read_spendable(order_uuid, card)), 0)
                    for card in wanted
                },
            }
        return {'successful': True}

    @api.model
    def _hold_claims(self, order_uuid: str, wanted: dict) -> None:
        """Bring the holds of an order in line with its claims.

        :param wanted: points by member card (sudo)
        :raise UserError: some points are not there
        """
        holds = self._get_till_holds(order_uuid)
        holds.filtered(lambda hold: hold.card_id not in wanted)._release()
        if not holds and self._holds_for_many():
            return
        for card in sorted(wanted, key=lambda card: card.id):
            self._hold_claim(order_uuid, card, wanted[card], holds)

    @api.model
    def _holds_for_many(self) -> bool:
        """Return whether this user holds points for so many orders that he may be up to no good.

        More orders are sold without, as by a till without connection.
        """
        holds = self.env['loyalty.hold'].sudo()
        live = holds.search(
            [
                ('create_uid', '=', self.env.uid),
                ('state', '=', 'held'),
                ('expires_at', '>', fields.Datetime.now()),
                ('key', '=like', escape_psql(f'{self._name}:') + '%'),
            ]
        )
        return len({key.rsplit(':', 2)[0] for key in live.mapped('key')}) >= MAX_ORDERS

    @api.model
    def _read_spendable(self, order_uuid: str, card, given: Decimal = Decimal(0)) -> Decimal:
        """Return what an order can redeem from a card; what it held itself is there.

        :param given: points it gives itself and may redeem
        """
        holds = self._get_till_holds(order_uuid).filtered(lambda hold: hold._is_live())
        held = sum((to_points(hold.qty) for hold in holds if hold.card_id == card), Decimal(0))
        return card._read_free_now()[card.id].plus(held=-held).with_own(given, held)

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
