from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from dateutil.relativedelta import relativedelta

from odoo import fields, models
from odoo.tools import SQL

from ..earning import Earning, to_exact
from ..ledger import to_points
from .loyalty_program import POINT_DIGITS


class LoyaltyOrderPointsMixin(models.AbstractModel):
    """What an order gives to a card; what that was computed with is frozen when it is confirmed.

    Whoever inherits it has an ``order_id`` (of a ``loyalty.order.mixin``), a ``coupon_id`` and
    ``points``.
    """

    _name = 'loyalty.order.points.mixin'
    _description = 'Points of an Order'

    frozen_at = fields.Datetime(readonly=True, copy=False)
    frozen_points = fields.Float(digits=POINT_DIGITS, readonly=True, copy=False)
    #: at most so many are given: what the limits of the program left
    frozen_limit = fields.Float(digits=POINT_DIGITS, readonly=True, copy=False)
    is_limited = fields.Boolean(readonly=True, copy=False)
    #: the most it was worth since, of what the limits left by then
    grown_points = fields.Float(digits=POINT_DIGITS, readonly=True, copy=False)
    frozen_rate = fields.Float(digits=0, readonly=True, copy=False)
    frozen_multiplier = fields.Float(digits=(16, 4), readonly=True, copy=False)
    #: event and base of the program at that time
    frozen_earn_on = fields.Char(readonly=True, copy=False)
    frozen_base = fields.Char(readonly=True, copy=False)
    #: points, amount and quantity by order line
    frozen_lines = fields.Json(readonly=True, copy=False)

    # merging and removing cards looks the rows up by card
    _coupon_idx = models.Index('(coupon_id)')

    def _freeze(self, given_before: bool) -> None:
        """Note what the points of the order were computed with.

        An order that gave nothing so far is looked at again at each event.

        :param given_before: points were given when there were no settings to keep
        """
        self.ensure_one()
        program = self.coupon_id.program_id
        earning = self.order_id._get_program_earning(program, self.coupon_id or None)
        points = earning.points if self.frozen_at else to_points(self.points)
        if points and not earning.lines:
            # given by something else than the rules of today
            self.order_id._spread_evenly(earning, points, program.earn_base)
        limit = None if given_before else self._get_limit()
        self.env['loyalty.card']._remember_given(self)
        self.write(
            {
                # what was given before counts for no limit of today
                'frozen_at': self.order_id.date_order if given_before else self._get_moment(),
                'frozen_points': float(points),
                'frozen_limit': float(limit or 0),
                'is_limited': limit is not None,
                'grown_points': 0,
                'frozen_rate': float(earning.rate),
                'frozen_multiplier': float(earning.multiplier),
                'frozen_earn_on': 'confirm' if given_before else program.earn_on,
                'frozen_base': program.earn_base,
                'frozen_lines': earning.to_json(),
            }
        )

    def _get_moment(self) -> datetime:
        """Return when the order took place, as far as its points go (UTC)."""
        return self.order_id._get_earning_moment() or fields.Datetime.now()

    def _get_frozen(self) -> Earning:
        """Return what was noted when the order was confirmed."""
        self.ensure_one()
        return Earning(
            points=to_points(self.frozen_points),
            rate=Decimal(str(self.frozen_rate)),
            multiplier=to_exact(self.frozen_multiplier),
            lines=Earning.lines_from_json(self.frozen_lines),
        )

    def _get_given(self) -> Decimal:
        """Return the points the order may give, within the limits: as many as it ever could."""
        self.ensure_one()
        points = to_points(self.frozen_points)
        if not self.is_limited:
            return points
        return max(min(points, to_points(self.frozen_limit)), to_points(self.grown_points))

    def _keep_limits(self, points: Decimal) -> Decimal:
        """Return what an order gives of the points it is worth by now.

        One that became larger since it was confirmed gives more as far as the orders of the same
        period leave something, and what it gives then counts for them.
        """
        self.ensure_one()
        if not self.is_limited or points <= (given := self._get_given()):
            return points
        limit = self._get_limit(self.frozen_at)
        grown = points if limit is None else min(points, limit)
        if grown > given:
            self.env['loyalty.card']._remember_given(self)
            self.grown_points = float(grown)
        return max(grown, given)

    def _touch(self) -> None:
        """Let only one transaction at a time post for an order; the other is run again."""
        if self.ids:
            self.env.cr.execute(
                SQL(
                    'UPDATE %s SET write_date = %s WHERE id IN %s',
                    SQL.identifier(self._table),
                    fields.Datetime.now(),
                    tuple(sorted(self.ids)),
                )
            )

    # ------------------------------------------------------------
    # LIMITS
    # ------------------------------------------------------------

    def _get_limit(
        self, moment: datetime | None = None, is_estimate: bool = False
    ) -> Decimal | None:
        """Return how many points the order may give, None without limits.

        :param moment: as of :meth:`_get_cap_periods`
        :param is_estimate: only told, not given: as of :meth:`~.LoyaltyCard._get_capped_points`
        """
        self.ensure_one()
        program = self.coupon_id.program_id
        if not program._has_caps():
            return None
        rooms = [to_points(program.cap_order)] if program.cap_order else []
        caps = {
            cap: period for cap, period in self._get_cap_periods(moment).items() if program[cap]
        }
        if caps:
            given = self.coupon_id._get_capped_points(list(caps.values()), self, is_estimate)
            rooms += [to_points(program[cap]) - qty for cap, qty in zip(caps, given, strict=True)]
        return max(min(rooms), Decimal(0))

    def _get_cap_periods(self, moment: datetime | None) -> dict[str, tuple[datetime, datetime]]:
        """Return the limits by period: when (UTC) that of the order began and when it ends.

        Orders of later days may be here already when one comes from a till without connection.

        :param moment: when the order counts (UTC), default what it says itself
        """
        program = self.coupon_id.program_id
        day = program._get_local_day(moment or self._get_moment())
        month = day.replace(day=1)
        return {
            'cap_day': (program._to_utc(day), program._to_utc(day + timedelta(days=1))),
            'cap_month': (program._to_utc(month), program._to_utc(month + relativedelta(months=1))),
            'cap_member': (datetime.min, datetime.max),
        }
