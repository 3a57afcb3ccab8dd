from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..ledger import to_points
from .loyalty_card_ledger import Movement
from .loyalty_program import POINT_DIGITS


class LoyaltyCard(models.Model):
    """Holding points: what quotations, tills, web shops and other systems call alike."""

    _inherit = 'loyalty.card'

    hold_ids = fields.One2many(
        'loyalty.hold', 'card_id', domain=[('state', '=', 'held')], readonly=True
    )
    points_held = fields.Float(
        string="Held Points",
        digits=POINT_DIGITS,
        compute='_compute_points_held',
        help="Set aside for open quotations, tills and web orders.",
    )
    points_free = fields.Float(
        string="Free Points",
        digits=POINT_DIGITS,
        compute='_compute_points_held',
        help="What can be redeemed: the balance without the points that are held.",
    )

    @api.depends('points', 'hold_ids.state', 'hold_ids.qty', 'hold_ids.expires_at')
    def _compute_points_held(self):
        overdue = self._read_overdue()
        for card in self:
            held = card._get_held_points()
            card.points_held = held
            # what is held does not expire
            gone = max(held, overdue.get(card.id, Decimal(0)))
            card.points_free = max(to_points(card.points) - gone, 0)

    def _get_lost_points(self) -> Decimal:
        """Return the points that have expired and that no job has taken yet."""
        self.ensure_one()
        overdue = self._read_overdue().get(self.id, Decimal(0))
        return max(overdue - self._get_held_points(), Decimal(0))

    def _get_held_points(self, without=None) -> Decimal:
        """Return the points set aside for others.

        :param without: document whose own holds do not count
        """
        self.ensure_one()
        holds = self.sudo().hold_ids.filtered(lambda hold: hold._is_live())
        if without:
            holds = holds.filtered(lambda hold: not hold._is_of(without))
        return sum((to_points(hold.qty) for hold in holds), Decimal(0))

    def _hold_points(
        self,
        qty: float | Decimal,
        owner_key: str,
        *,
        minutes: float | None = None,
        expires_at: datetime | None = None,
        origin=None,
        description: str = '',
    ):
        """Set points of this card aside, so that nobody else can spend them.

        Idempotent: the same key for the same points gives the same hold, whatever became of it.

        :param owner_key: name of the hold, chosen by the caller; once and for all
        :param minutes: for how long; default as the program says
        :param expires_at: until when instead (UTC)
        :param origin: document the points are held for
        :return: ``loyalty.hold`` (sudo)
        :raise ValidationError: the card has not the points
        :raise UserError: the key was used for something else, or nothing can be held
        """
        self.ensure_one()
        self._lock_fresh()
        qty = to_points(qty)
        holds = self.env['loyalty.hold'].sudo()
        if known := holds._get_by_key(owner_key):
            known._ensure_same(self, qty, origin)
            return known
        self._ensure_can_hold(qty)
        self._ensure_free({self.id: qty})
        if expires_at is None:
            minutes = 60 * self.program_id.hold_hours if minutes is None else minutes
            expires_at = fields.Datetime.now() + timedelta(minutes=minutes)
        hold = holds._insert_keyed(
            [
                {
                    'key': owner_key,
                    'card_id': self.id,
                    'qty': float(qty),
                    'expires_at': expires_at.replace(microsecond=0),
                    'state': 'held',
                    'description': description or (origin and origin.display_name) or owner_key,
                    'origin_model': origin._name if origin else None,
                    'origin_id': origin.id if origin else None,
                }
            ]
        )
        hold._remember_own()
        self._forget_holds()
        return hold

    def _ensure_can_hold(self, qty: Decimal) -> None:
        """:raise UserError: there is nothing to hold, or no ledger to hold it in"""
        if qty <= 0:
            raise UserError(self.env._("Hold more than no points."))
        if not self.is_member or not self.active:
            raise UserError(
                self.env._("%s is not an active card of a managed program.", self.display_name)
            )

    @api.model
    def _capture_points(self, owner_key: str, qty: float | Decimal | None = None, **values):
        """Redeem points that are held.

        Twice the same is once.  A hold whose time is over can be captured as long as the points
        are free.

        :param qty: less than what is held, when not all is needed; the rest is free again
        :param values: of the :class:`Movement`, as ``description``, ``order_model``, ``order_id``
        :return: ``loyalty.hold`` (sudo)
        :raise ValidationError: its time is over, and the points are spent
        :raise UserError: nothing is held under this key, or it was released, or less is held
        """
        hold = self._get_hold(owner_key)
        hold.card_id._lock_fresh()
        wanted = to_points(hold.qty if qty is None else qty)
        if hold.state == 'captured' and to_points(hold.captured_qty) == wanted:
            return hold
        hold._ensure_can_capture(wanted)
        hold._set_state('captured', captured_qty=float(wanted))
        text = values.pop('description', '') or hold.description
        self._post(
            [Movement(hold.card_id.id, -wanted, 'burn', text, key=f'hold:{hold.id}', **values)]
        )
        return hold

    @api.model
    def _release_points(self, owner_key: str):
        """Let others spend points that were held; twice the same is once.

        :return: ``loyalty.hold`` (sudo)
        :raise UserError: nothing is held under this key, or the points are redeemed
        """
        hold = self._get_hold(owner_key)
        if hold.state == 'captured':
            raise UserError(self.env._("The points for %s are redeemed.", hold.description))
        hold._release()
        return hold

    @api.model
    def _get_hold(self, owner_key: str):
        """:raise UserError: nothing is held under this key"""
        hold = self.env['loyalty.hold']._get_by_key(owner_key)
        if not hold:
            raise UserError(self.env._("No points are held under the key %s.", owner_key))
        return hold

    def _forget_holds(self) -> None:
        """Forget what was read of the holds on these cards."""
        self.invalidate_recordset(['hold_ids', 'points_held', 'points_free'], flush=False)

    def _take_over_holds(self, merged: LoyaltyCard) -> None:
        """Let this card answer for what is held on cards merged into it."""
        holds = self.env['loyalty.hold'].sudo().search([('card_id', 'in', merged.ids)])
        holds.card_id = self
        holds._remember_own()
        (self | merged)._forget_holds()

    def action_view_holds(self) -> dict:
        """Open the points that are held on these cards."""
        action = self.env['ir.actions.act_window']._for_xml_id('crm_loyalty.loyalty_hold_action')
        action['domain'] = [('card_id', 'in', self.ids)]
        return action
