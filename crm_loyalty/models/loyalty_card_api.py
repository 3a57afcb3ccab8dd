from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from decimal import Decimal

from odoo import api, fields, models
from odoo.exceptions import AccessError, ConcurrencyError, UserError, ValidationError

from ..ledger import MAX_POINTS, ZERO, to_points
from .loyalty_card_ledger import Movement

INTERFACE_GROUP = 'crm_loyalty.group_points_interface'
MAX_HOLD_MINUTES = 10 * 365 * 24 * 60  # as the programs' own


class LoyaltyCard(models.Model):
    """Points moved by other systems, by ``POST /json/2/loyalty.card/<method>``.

    Each call has a ``key`` the caller chooses.  The same key with the same content is answered as
    the first time and moves nothing; with other content it is refused.  So a caller who got no
    answer just asks again.  Users of the group *Points Interface* may call, for cards of
    their companies.

    All answers have ``key``, ``card_id``, ``card_code``, ``points`` (signed, what this call moved),
    ``balance`` and ``free`` (what could be redeemed) as of the first time, and ``movement_id`` (row
    of the ledger, None for holds); those about holds have ``held`` and ``held_until`` (UTC).
    """

    _inherit = 'loyalty.card'

    # ------------------------------------------------------------
    # CALLS
    # ------------------------------------------------------------

    @api.model
    def api_earn(
        self,
        card: str | int,
        points: float,
        key: str,
        origin: str = '',
        description: str = '',
        date: str | None = None,
    ) -> dict:
        """Give points that were earned elsewhere.

        :param card: code or id of the card
        :param points: more than 0; rounded to two decimals
        :param key: what the caller knows this movement by
        :param origin: name of the document in the other system, kept in the ledger
        :param description: text for the member
        :param date: when it counts from, UTC, as 2026-05-09 14:30:00; default now
        :raise AccessError: not a user of the interface, or a card of another company
        :raise UserError: no such card, key used for something else, points or date that are none
        """
        member = self._get_api_card(card)
        qty = self._parse_api_points(points)
        moment = self._parse_api_date(date)
        content = {
            'card': member.id,
            'points': qty,
            'origin': origin,
            'description': description,
            'date': moment,
        }

        def earn() -> dict:
            text = description or self.env._("Earned: %s", origin or key)
            row = self._post_api_movement(
                Movement(member.id, qty, 'earn', text, date=moment, origin=origin or key), key
            )
            return {'row': row}

        return self._answer_api_call('api_earn', key, member, content, earn)

    @api.model
    def api_hold(
        self,
        card: str | int,
        points: float,
        key: str,
        minutes: float | None = None,
        description: str = '',
    ) -> dict:
        """Set points aside for somebody who is about to pay with them.

        Nobody else can redeem them until they are captured, released or their time is over.

        :param card: code or id of the card
        :param points: more than 0
        :param key: what the hold is captured or released by
        :param minutes: for how long, at most ten years; default as the program says
        :param description: what for
        :raise AccessError: not a user of the interface, or a card of another company
        :raise ValidationError: the card has not the points
        :raise UserError: no such card, key used for something else, points that are none
        """
        member = self._get_api_card(card)
        qty = self._parse_api_points(points)
        content = {
            'card': member.id,
            'points': qty,
            'minutes': minutes,
            'description': description,
        }
        if minutes is not None:
            self._parse_api_minutes(minutes)
        member._lock_fresh()

        def hold() -> dict:
            held = member.sudo()._hold_points(
                qty, self._get_api_key(key), minutes=minutes, description=description or key
            )
            return {'hold': held}

        return self._answer_api_call('api_hold', key, member, content, hold)

    @api.model
    def api_capture(
        self, hold: str, key: str, points: float | None = None, origin: str = ''
    ) -> dict:
        """Redeem points that are held.

        :param hold: key the points are held by
        :param key: what the caller knows this movement by, another one
        :param points: when not all is needed; the rest is free again
        :param origin: name of the document in the other system, kept in the ledger
        :raise AccessError: not a user of the interface, or a card of another company
        :raise ValidationError: the time of the hold is over, and the points are spent
        :raise UserError: nothing is held any more, less is held, or key used for something else
        """
        held, member = self._get_api_hold(hold)
        qty = None if points is None else self._parse_api_points(points)
        content = {'hold': hold, 'points': qty, 'origin': origin}
        member._lock_fresh()

        def capture() -> dict:
            self.sudo()._capture_points(held.key, qty, origin=origin or key)
            row = self.env['loyalty.history'].sudo().search([('key', '=', f'hold:{held.id}')])
            return {'hold': held, 'row': row}

        return self._answer_api_call('api_capture', key, member, content, capture)

    @api.model
    def api_release(self, hold: str, key: str) -> dict:
        """Let the member redeem points again that were held.

        :param hold: key the points are held by
        :param key: what the caller knows this call by, another one
        :raise AccessError: not a user of the interface, or a card of another company
        :raise UserError: nothing is held by this key, or the points are redeemed
        """
        held, member = self._get_api_hold(hold)
        member._lock_fresh()

        def release() -> dict:
            self.sudo()._release_points(held.key)
            return {'hold': held}

        return self._answer_api_call('api_release', key, member, {'hold': hold}, release)

    @api.model
    def api_reverse(
        self, movement: str, key: str, points: float | None = None, description: str = ''
    ) -> dict:
        """Take back what an earlier call moved, all or part of it.

        Points that were earned are taken away, even if that leaves a debt; points that were
        redeemed go back to the awards they came from.

        :param movement: key of the call of ``api_earn`` or ``api_capture``
        :param key: what the caller knows this movement by, another one
        :param points: more than 0; default all that was not taken back yet
        :param description: text for the member
        :raise AccessError: not a user of the interface, or a card of another company
        :raise UserError: nothing was moved by that key, less is left to take back, or key used for
            something else
        """
        row, member = self._get_api_movement(movement)
        wanted = None if points is None else self._parse_api_points(points)
        content = {'movement': movement, 'points': wanted, 'description': description}
        member._lock_fresh()
        # whoever began before another reversal was committed is run again
        self.env['loyalty.api.call'].sudo().search([('row_id', '=', row.id)])._bump_version()

        def reverse() -> dict:
            change = self._prepare_api_reversal(row, member, wanted, description)
            return {'row': self._post_api_movement(change, key), 'reversed': row}

        return self._answer_api_call('api_reverse', key, member, content, reverse)

    # ------------------------------------------------------------
    # ONCE
    # ------------------------------------------------------------

    @api.model
    def _answer_api_call(
        self, method: str, key: str, member: LoyaltyCard, content: dict, work: Callable[[], dict]
    ) -> dict:
        """Do what is asked for, unless it was done under this key before.

        :param content: all that is asked for
        :param work: does it; returns ``row``, ``hold`` and ``reversed`` as far as there are
        """
        calls = self.env['loyalty.api.call'].sudo()
        fingerprint = calls._get_fingerprint(method, content)
        if known := calls._find(key):
            return known._repeat_answer(fingerprint)
        done = work()
        row = done.get('row', self.env['loyalty.history'])
        answer = self._prepare_api_answer(key, member, row, done.get('hold'))
        inserted = calls._insert_keyed(
            [
                {
                    'key': calls._get_full_key(key),
                    'method': method,
                    'fingerprint': fingerprint,
                    'answer': answer,
                    'card_id': member.id,
                    'row_id': row.id,
                    'reversed_row_id': done['reversed'].id if 'reversed' in done else None,
                    'company_id': self.env.company.id,
                }
            ]
        )
        if not inserted:
            raise ConcurrencyError("The same was asked for at the same time")
        return answer

    @api.model
    def _prepare_api_answer(self, key: str, member: LoyaltyCard, row, hold) -> dict:
        """Return the answer, see the class."""
        card = member.sudo()
        answer = {
            'key': key,
            'card_id': card.id,
            'card_code': card.code,
            'points': float(to_points(row.qty)),
            'balance': float(to_points(card.points)),
            'free': float(to_points(card.points_free)),
            'movement_id': row.id or None,
        }
        if hold:
            live = hold._is_live()
            answer['held'] = float(to_points(hold.qty)) if live else 0.0
            answer['held_until'] = fields.Datetime.to_string(hold.expires_at) if live else None
        return answer

    @api.model
    def _post_api_movement(self, movement: Movement, key: str):
        """Post the movement of a call; return its row (sudo)."""
        row = self.sudo()._post([replace(movement, key=self._get_api_key(key))])
        if not row:
            raise ConcurrencyError("The same was asked for at the same time")
        return row

    @api.model
    def _get_api_key(self, key: str) -> str:
        """Return the key of the row or hold of a call."""
        return f'api:{self.env["loyalty.api.call"]._get_full_key(key)}'

    # ------------------------------------------------------------
    # WHAT IS ASKED FOR
    # ------------------------------------------------------------

    @api.model
    def _ensure_can_call_api(self) -> None:
        """:raise AccessError: not a user of the interface"""
        if not self.env.user.has_group(INTERFACE_GROUP):
            raise AccessError(
                self.env._("Only users of the group Points Interface may move points by calls.")
            )

    @api.model
    def _get_api_card(self, card: str | int) -> LoyaltyCard:
        """Return the card of a member.

        :raise AccessError: not a user of the interface
        :raise UserError: there is none in his companies
        """
        self._ensure_can_call_api()
        if not isinstance(card, str | int):
            found = self.browse()
        elif isinstance(card, str):
            found = self.search([('code', '=', card.strip())]) if card.strip() else self.browse()
        else:
            found = self.search([('id', '=', card)])
        if not found.is_member:
            raise UserError(self.env._("There is no active card of a managed program: %s.", card))
        return found

    @api.model
    def _get_api_hold(self, key: str):
        """Return hold (sudo) and card of a key; of another company there is none."""
        self._ensure_can_call_api()
        hold = self.env['loyalty.hold'].sudo()._get_by_key(self._get_api_key(key))
        if not hold:
            raise UserError(self.env._("No points are held under the key %s.", key))
        card = hold.card_id.with_env(self.env)
        card.check_access('read')
        return hold, card

    @api.model
    def _get_api_movement(self, key: str):
        """Return the row (sudo) an earlier call entered, and the card it concerns now."""
        self._ensure_can_call_api()
        row = self.env['loyalty.api.call']._find(key).row_id
        if row.kind not in ('earn', 'burn'):
            raise UserError(self.env._("No points were earned or redeemed by the key %s.", key))
        card = row.card_id.merged_into_id or row.card_id
        card.with_env(self.env).check_access('read')
        return row, card.with_env(self.env)

    def _get_giving_links(self, row, qty: Decimal) -> dict:
        """Return what a row that gives points back says of those they come from.

        One row is usable until one day: after a merge of contacts, as long as any of them was.
        """
        links = {'reversed_id': row.id}
        if row.card_id.id != self.id:
            parts = [values for _part, values in self.sudo()._split_given_back(row.id, qty)]
            links |= max(parts, key=lambda values: values.get('expire_on') or date.max)
        return links

    @api.model
    def _prepare_api_reversal(
        self, row, member: LoyaltyCard, wanted: Decimal | None, description: str
    ) -> Movement:
        """Return the movement that takes a row back.

        :raise UserError: less is left of it
        """
        earned = row.kind == 'earn'
        kind = 'unearn' if earned else 'unburn'
        calls = self.env['loyalty.api.call'].sudo()
        given = calls.search([('reversed_row_id', '=', row.id)]).row_id
        left = abs(to_points(row.qty)) - sum((abs(to_points(r.qty)) for r in given), ZERO)
        qty = left if wanted is None else wanted
        if not ZERO < qty <= left:
            raise UserError(
                self.env._(
                    "%(left)s of %(points)s points are left to take back.",
                    left=float(left),
                    points=abs(row.qty),
                )
            )
        return Movement(
            member.id,
            -qty if earned else qty,
            kind,
            description or self.env._("Taken back: %s", row.origin or row.description),
            origin=row.origin,
            **({'award_id': row.id} if earned else member._get_giving_links(row, qty)),
        )

    @api.model
    def _parse_api_points(self, points: float) -> Decimal:
        """:raise ValidationError: not a number of points above 0"""
        is_number = isinstance(points, int | float | Decimal) and not isinstance(points, bool)
        if not is_number or not math.isfinite(points) or not 0 < points < MAX_POINTS:
            raise ValidationError(self.env._("This is no number above 0: %s.", points))
        qty = to_points(points)
        if not qty:
            raise ValidationError(self.env._("This is no number above 0: %s.", points))
        return qty

    @api.model
    def _parse_api_minutes(self, minutes: float) -> None:
        """:raise ValidationError: not a time points can be held for"""
        if self._parse_api_points(minutes) > MAX_HOLD_MINUTES:
            raise ValidationError(
                self.env._("Points are held for some time, and not for more than ten years.")
            )

    @api.model
    def _parse_api_date(self, date: str | None):
        """:raise ValidationError: not a moment in the past"""
        if not date:
            return None
        try:
            moment = fields.Datetime.to_datetime(date)
        except (ValueError, TypeError):
            moment = None
        if moment is None or moment > fields.Datetime.now():
            raise ValidationError(self.env._("This is no date and time until now (UTC): %s.", date))
        return moment
