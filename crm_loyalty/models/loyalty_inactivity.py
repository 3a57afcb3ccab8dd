from __future__ import annotations

from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.tools import SQL

from .loyalty_card_message import LAYOUT
from .loyalty_expiry import ACTIVE_KINDS, INACTIVITY_HOURS
from .loyalty_expiry_message import MISSED_DAYS, TEMPLATE_DOMAIN
from .loyalty_program import POINT_DIGITS

#: days by which months differ in length
MONTH_SLACK = 4


class LoyaltyProgram(models.Model):
    """Members are told before they lose points because nothing was heard of them."""

    _inherit = 'loyalty.program'

    inactive_template_id = fields.Many2one(
        'mail.template',
        string="Points Expire without Activity",
        domain=TEMPLATE_DOMAIN,
        default=lambda self: self._get_default_template('inactive'),
        help="Sent on the days of the warnings to members who neither earn nor redeem points. "
        "Empty: nothing is sent.",
    )

    def _get_lapse_sql(self, cards: SQL) -> SQL:
        """Return the open awards of members, with the last day they are kept without activity.

        :param cards: condition on ``card_id`` of ``award``
        :return: SELECT of ``card_id``, ``last_day`` and ``remaining``
        """
        self.ensure_one()
        return SQL(
            """SELECT award.card_id, award.remaining,
                      (GREATEST(%(since)s::date, seen.day,
                                (award.posted_at AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date)
                       + make_interval(months => %(months)s))::date AS last_day
                 FROM loyalty_history award
                 JOIN loyalty_card card ON card.id = award.card_id
                      AND card.is_member AND card.program_id = %(program)s
            LEFT JOIN LATERAL (
                          SELECT (max(date) AT TIME ZONE 'UTC' AT TIME ZONE %(zone)s)::date AS day
                            FROM loyalty_history movement
                           WHERE movement.card_id = award.card_id AND movement.kind IN %(kinds)s
                      ) seen ON TRUE
                WHERE award.remaining > 0 AND %(cards)s""",
            since=self.inactivity_since,
            zone=self._get_server_timezone(),
            months=self.inactivity_months,
            program=self.id,
            kinds=ACTIVE_KINDS,
            cards=cards,
        )


class LoyaltyCard(models.Model):
    _inherit = 'loyalty.card'

    inactive_on = fields.Date(
        string="Kept without Activity until",
        compute='_compute_inactive',
        help="Last day on which points can be used if the member neither earns nor redeems.",
    )
    inactive_points = fields.Float(
        string="Points Lost without Activity",
        digits=POINT_DIGITS,
        compute='_compute_inactive',
        help="Points that are lost after that day.",
    )

    def _compute_inactive(self):
        self.inactive_on = False
        self.inactive_points = 0
        for program, cards in self.grouped('program_id').items():
            if not cards.ids or not program.sudo().inactivity_months:
                continue
            lapses = cards._get_next_lapses(program.sudo())
            for card in cards:
                card.inactive_on, card.inactive_points = lapses.get(card._origin.id, (False, 0))

    def _get_next_lapses(self, program) -> dict[int, tuple[date, float]]:
        """Return the day on which points lapse next and how many, by card."""
        self.env['loyalty.history'].flush_model()
        return {
            card_id: (last_day, float(points))
            for card_id, last_day, points in self.env.execute_query(
                SQL(
                    """SELECT DISTINCT ON (card_id) card_id, last_day, sum(remaining)
                         FROM (%s) lapse GROUP BY card_id, last_day ORDER BY card_id, last_day""",
                    program._get_lapse_sql(SQL('award.card_id IN %s', tuple(self.ids))),
                )
            )
        }


class LoyaltyExpiry(models.AbstractModel):
    _inherit = 'loyalty.expiry'

    @api.model
    def _plan_warnings(self, programs, shard: int = 0, shards: int = 1) -> int:
        planned = super()._plan_warnings(programs, shard, shards)
        for program in programs.filtered('inactive_template_id').filtered('inactivity_months'):
            if program._get_local_hour() >= INACTIVITY_HOURS:
                continue
            for days in {program.first_warning_days, program.last_warning_days} - {0}:
                select = self._get_inactive_warning_sql(program, days, shard, shards)
                planned += self.env['crm.message'].sudo()._plan_select(select)
                self._commit_progress(0)
        return planned

    def _get_inactive_warning_sql(self, program, days: int, shard: int, shards: int) -> SQL:
        """Return the messages to members whose points lapse in so many days; one by month."""
        day = program._get_local_day()
        last = day + timedelta(days=days)
        first = max(last - timedelta(days=MISSED_DAYS), day - timedelta(days=1))
        return SQL(
            """SELECT %(shared)s,
                      concat_ws(':', 'loyalty.card', card.id, 'inactive', %(days)s,
                                to_char(due.last_day, 'YYYY-MM')) AS key,
                      (due.last_day + 1)::timestamp AT TIME ZONE %(zone)s AT TIME ZONE 'UTC'
                          AS expires_at,
                      jsonb_build_object('layout', %(layout)s) AS content_values
                 FROM (SELECT card_id, min(last_day) AS last_day FROM (%(lapses)s) lapse
                        WHERE last_day > %(first)s AND last_day <= %(last)s
                     GROUP BY card_id) due
                 JOIN loyalty_card card ON card.id = due.card_id
                WHERE card.partner_id IS NOT NULL AND card.active
                  AND CASE WHEN card.id %% %(shards)s = %(shard)s THEN TRUE ELSE FALSE END""",
            shared=program._get_points_message_sql('inactive'),
            days=days,
            zone=program._get_server_timezone(),
            layout=LAYOUT,
            lapses=program._get_lapse_sql(self._get_silent_sql(program, first, last)),
            first=first,
            last=last,
            shard=shard,
            shards=shards,
        )

    def _get_silent_sql(self, program, first: date, last: date) -> SQL:
        """Return the condition that ``award`` may be of a card last heard of in these days.

        :param first: the day before the first one on which points lapse
        :param last: the last one
        """
        period = relativedelta(months=program.inactivity_months)
        slack = timedelta(days=MONTH_SLACK)
        start, end = first - period - slack, last - period + slack
        if start <= program.inactivity_since <= end:
            # all who were silent before the setting was made
            return SQL('TRUE')
        moments = (program._to_utc(start), program._to_utc(end))
        return SQL(
            """award.card_id IN (
                   SELECT card_id FROM loyalty_history
                    WHERE kind IN %s AND date >= %s AND date < %s
                    UNION
                   SELECT card_id FROM loyalty_history
                    WHERE remaining > 0 AND posted_at >= %s AND posted_at < %s)""",
            ACTIVE_KINDS,
            *moments,
            *moments,
        )
