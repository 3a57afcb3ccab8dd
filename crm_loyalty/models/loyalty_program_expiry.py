from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.date_utils import end_of


class ExpiryDay(NamedTuple):
    """What is over in a program on one day, in the program's time zone."""

    program_id: int
    #: awards whose last day is before it have expired
    day: date
    #: the first day whose activity still keeps the points of a member; None if none is needed
    active_from: date | None


class LoyaltyProgram(models.Model):
    """How long points can be used.

    The last day is part of the period, and days are those of the program's time zone.  An award
    has its day from the moment it comes in and keeps it: another setting holds for what comes in
    from then on.
    """

    _inherit = 'loyalty.program'

    expire_after = fields.Integer(
        string="Points Expire after (Days)",
        help="Days from the one the points come in. 0: they never expire. Points that members have "
        "when this is switched on get one full period from that day.",
    )
    expire_round = fields.Selection(
        selection=[
            ('none', "To the Day"),
            ('month', "End of the Month"),
            ('quarter', "End of the Quarter"),
            ('year', "End of the Year"),
        ],
        string="Last Day",
        required=True,
        default='none',
        help="The day on which points expire is moved to the end of the period it falls in.",
    )
    expiry_since = fields.Date(
        string="Points Expire since", compute='_compute_expiry_since', store=True
    )
    inactivity_months = fields.Integer(
        string="Points Expire without Activity (Months)",
        help="A member who neither earns nor redeems points for so long loses those he has. "
        "0: he keeps them. Nobody loses points before this was switched on for as long.",
    )
    inactivity_since = fields.Date(compute='_compute_inactivity_since', store=True)
    reinstate_days = fields.Integer(
        string="Usable Again for (Days)",
        help="Points that are given back, as an order is cancelled, after they have expired can be "
        "used for so many days more. 0: they are lost.",
    )
    first_warning_days = fields.Integer(
        string="First Warning (Days before)", default=30, help="0: no warning."
    )
    last_warning_days = fields.Integer(
        string="Last Warning (Days before)", default=7, help="0: no warning."
    )

    _expiry_positive = models.Constraint(
        'CHECK (expire_after >= 0 AND inactivity_months >= 0 AND reinstate_days >= 0'
        ' AND first_warning_days >= 0 AND last_warning_days >= 0)',
        "Days and months of expiry cannot be negative.",
    )
    _expiry_limit = models.Constraint(
        'CHECK (expire_after <= 36500 AND inactivity_months <= 1200 AND reinstate_days <= 36500)',
        "Points expire within a hundred years.",
    )

    @api.depends('expire_after')
    def _compute_expiry_since(self):
        for program in self:
            since = program.expiry_since or program._get_local_day()
            program.expiry_since = since if program.expire_after else False

    @api.depends('inactivity_months')
    def _compute_inactivity_since(self):
        for program in self:
            since = program.inactivity_since or program._get_local_day()
            program.inactivity_since = since if program.inactivity_months else False

    def write(self, vals):
        res = super().write(vals)
        if vals.get('expire_after'):
            self.env['loyalty.expiry']._trigger_expiry()
        return res

    # ------------------------------------------------------------
    # DAYS
    # ------------------------------------------------------------

    def _get_expiry_date(self, day: date) -> date | None:
        """Return the last day on which points that come in on ``day`` can be used."""
        self.ensure_one()
        if not self.expire_after:
            return None
        last = max(day, self.expiry_since or day) + timedelta(days=self.expire_after)
        return last if self.expire_round == 'none' else end_of(last, self.expire_round)

    @api.model
    def _get_expiry_date_sql(self, day: SQL, policy: SQL) -> SQL:
        """Return :meth:`_get_expiry_date` as an expression.

        :param day: day on which the points come in
        :param policy: alias of a table with the columns of :meth:`_get_expiry_policy_sql`
        """
        return SQL(
            """(SELECT CASE %(policy)s.round
                       WHEN 'none' THEN day
                       ELSE (date_trunc(%(policy)s.round, day) + CASE %(policy)s.round
                                 WHEN 'month' THEN interval '1 month'
                                 WHEN 'quarter' THEN interval '3 months'
                                 ELSE interval '1 year' END)::date - 1 END
                  FROM (VALUES (GREATEST(%(day)s, %(policy)s.since) + %(policy)s.after))
                       due (day))""",
            day=day,
            policy=policy,
        )

    def _get_expiry_policy_sql(self) -> SQL:
        """Return the settings of these programs as rows of a VALUES list."""
        return SQL(', ').join(
            SQL(
                '(%s, %s, %s::date, %s::int, %s, %s)',
                program.id,
                program._get_server_timezone(),
                program.expiry_since or None,
                program.expire_after or None,
                program.expire_round,
                program.reinstate_days or -1,
            )
            for program in self
        )

    def _get_expiry_days(self) -> list[ExpiryDay]:
        """Return what is over today in each of these programs."""
        return [
            ExpiryDay(program.id, day := program._get_local_day(), program._get_active_from(day))
            for program in self
        ]

    def _get_active_from(self, day: date) -> date | None:
        """Return the first day whose activity keeps the points of a member on ``day``.

        None where no activity is needed, or not yet.
        """
        if not self.inactivity_months:
            return None
        period = relativedelta(months=self.inactivity_months)
        first = day - period
        while first + period < day:  # months are not equally long
            first += timedelta(days=1)
        return first if self.inactivity_since < first else None

    def _get_local_hour(self) -> int:
        """Return the hour of the day in the program's time zone."""
        now = pytz.utc.localize(fields.Datetime.now())
        return now.astimezone(pytz.timezone(self._get_timezone())).hour

    @api.model
    def _get_expiring_domain(self) -> Domain:
        """Return the domain of programs whose new awards get a day to expire on."""
        return (
            Domain('expire_after', '>', 0)
            | Domain('reinstate_days', '>', 0)
            | Domain('inactivity_months', '>', 0)
        )
