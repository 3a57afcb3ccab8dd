from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import partial

from odoo import api, fields, models
from odoo.tools import SQL
from odoo.tools.date_utils import end_of

from ..ledger import Entry, to_points
from .loyalty_card_ledger import Movement
from .loyalty_program import POINT_DIGITS

EXPIRE = 'crm_loyalty.expire'


class LoyaltyCard(models.Model):
    """Until when the points of a card can be used.

    The fold gives each award its last day, whatever way it came in, and nothing changes a day that
    was given.
    """

    _inherit = 'loyalty.card'

    expiring_on = fields.Date(
        string="Next Points Expire on",
        compute='_compute_expiring',
        help="Last day of the points that expire next.",
    )
    expiring_points = fields.Float(
        string="Points Expiring Next",
        digits=POINT_DIGITS,
        compute='_compute_expiring',
        help="Points that expire until the end of the month in which the next ones do.",
    )
    expiring_lines = fields.Json(
        compute='_compute_expiring', help="The last days of these points, and how many on each."
    )

    def _compute_expiring(self):
        due = self._get_points_due()
        for card in self:
            lines = due.get(card.id, [])
            until = end_of(lines[0][0], 'month') if lines else None
            lines = [line for line in lines if line[0] <= until]
            card.expiring_on = lines[0][0] if lines else False
            card.expiring_points = sum(points for _day, points in lines)
            card.expiring_lines = [
                {'date': fields.Date.to_string(day), 'points': points} for day, points in lines
            ]

    def _get_points_due(self) -> dict[int, list[tuple[date, float]]]:
        """Return the points that expire, by card: last day and how many, the next first."""
        groups = (
            self.env['loyalty.history']
            .sudo()
            ._read_group(
                [
                    ('card_id', 'in', self.ids),
                    ('remaining', '>', 0),
                    ('expire_on', '!=', False),
                ],
                ['card_id', 'expire_on:day'],
                ['remaining:sum'],
                order='expire_on:day',
            )
        )
        due: dict[int, list] = {}
        for card, day, points in groups:
            due.setdefault(card.id, []).append((day, points))
        return due

    # ------------------------------------------------------------
    # DAYS OF AWARDS
    # ------------------------------------------------------------

    @api.model
    def _get_fold_fields(self):
        return [
            *super()._get_fold_fields(),
            *('expire_after', 'expire_round', 'expiry_since'),
            *('inactivity_months', 'reinstate_days'),
        ]

    def _date_awards(self) -> dict[int, date | None] | None:
        """Give the open awards of these cards the last day on which they can be used.

        Part of the fold.  An award that has a day keeps it.  What is given back goes to the awards
        it came from, with their days; its own day is for what these are too old for.

        :return: the rows that were never matched, as this statement saw them, with the day on
            which points came in of those that got a day; None where no points expire
        """
        programs = self._get_expiring_programs()
        if not programs:
            return None
        return dict(
            self.env.execute_query(
                SQL(
                    """WITH dated AS (
                           UPDATE loyalty_history SET expire_on = dated.expire_on
                             FROM (%s) dated
                            WHERE loyalty_history.id = dated.id AND dated.expire_on IS NOT NULL
                        RETURNING loyalty_history.id, dated.day
                       )
                       SELECT new.id, dated.day
                         FROM loyalty_history new LEFT JOIN dated ON dated.id = new.id
                        WHERE new.card_id IN %s AND new.remaining IS NULL""",
                    self._get_dated_sql(programs),
                    tuple(self.ids),
                )
            )
        )

    def _get_expiring_programs(self):
        """Return the programs of these cards whose new awards get a day to expire on."""
        return self.sudo().program_id.filtered_domain(
            self.env['loyalty.program']._get_expiring_domain()
        )

    def _get_dated_sql(self, programs) -> SQL:
        """Return the query of the open awards without a day: id, day they came in, last day."""
        return SQL(
            """SELECT row.id, given.day,
                      CASE WHEN row.kind = 'unburn' AND row.reversed_id IS NOT NULL
                                AND row.award_id IS NULL
                           THEN given.day + policy.reinstate
                           WHEN policy.after > 0 THEN %(last_day)s END AS expire_on
                 FROM loyalty_history row
                 JOIN loyalty_card card ON card.id = row.card_id
                 JOIN (VALUES %(policy)s)
                          policy (program_id, zone, since, after, round, reinstate)
                   ON policy.program_id = card.program_id
           CROSS JOIN LATERAL (
                          SELECT (row.posted_at AT TIME ZONE 'UTC'
                                  AT TIME ZONE policy.zone)::date AS day
                      ) given
                WHERE row.card_id IN %(cards)s AND row.expire_on IS NULL AND row.qty > 0
                  AND (row.remaining IS NULL OR row.remaining > 0)""",
            policy=programs._get_expiry_policy_sql(),
            last_day=programs._get_expiry_date_sql(SQL('given.day'), SQL('policy')),
            cards=tuple(self.ids),
        )

    @api.model
    def _forget_days(self, entries: Iterable[Entry]) -> None:
        """Take the day from what was given back as a whole: the awards have theirs."""
        ids = tuple(
            entry.id
            for entry in entries
            if entry.given_on and entry.reversed_id and not entry.remaining
        )
        if ids:
            self.env.execute_query(
                SQL('UPDATE loyalty_history SET expire_on = NULL WHERE id IN %s RETURNING id', ids)
            )

    # ------------------------------------------------------------
    # TAKEN TWICE
    # ------------------------------------------------------------

    @api.model
    def _give_expired_back(self, entries: Iterable[Entry]) -> None:
        """Give back what was taken twice: points of returned goods that had expired before.

        Part of the fold.  What the return took from other awards, or left as debt, is undone.
        """
        ids = tuple(entry.id for entry in entries if entry.award_id and entry.qty < 0)
        if not ids:
            return
        movements: list[Movement] = []
        given: dict[tuple, Decimal] = {}
        for row_id, card_id, source_id, missing, expired, share_of, share in self.env.execute_query(
            self._get_expired_returns_sql(ids)
        ):
            limits = {('row', row_id): missing, ('source', source_id): expired}
            if share_of:
                limits['share', tuple(share_of)] = share
            qty = min(to_points(most) - given.get(key, 0) for key, most in limits.items())
            if qty > 0:
                given.update((key, given.get(key, 0) + qty) for key in limits)
                movements.append(self._prepare_expired_return(row_id, card_id, source_id, qty))
        self._post(movements)

    @api.model
    def _get_expired_returns_sql(self, ids: tuple[int, ...]) -> SQL:
        """Return what points taken back did not find in their award, and what expired of it.

        What a redemption had taken of it may have come back too late for it, in a row of its own
        that expired then: of that, as much as the redemption had taken.
        """
        return SQL(
            """SELECT row.id, row.card_id, source.id,
                      -row.qty - COALESCE((
                          SELECT sum(qty) FROM loyalty_allocation
                           WHERE consumer_id = row.id AND award_id = ANY(line.ids)), 0),
                      -expired.qty, source.share_of, source.share
                 FROM loyalty_history row
           CROSS JOIN LATERAL (SELECT %(line)s AS ids) line
           CROSS JOIN LATERAL (
                          SELECT row.award_id AS id, line.ids, NULL::int[] AS share_of,
                                 NULL::numeric AS share
                           UNION ALL (%(late)s)
                      ) source
           CROSS JOIN LATERAL (
                          SELECT sum(qty) AS qty FROM loyalty_history
                           WHERE award_id = ANY(source.ids) AND kind = 'expire'
                      ) expired
                WHERE row.id IN %(ids)s AND row.kind = 'unearn' AND expired.qty < 0
             ORDER BY row.id, source.share_of NULLS FIRST, source.id""",
            line=self._get_line_sql(SQL('row.award_id')),
            late=self._get_late_returns_sql(),
            ids=ids,
        )

    @api.model
    def _get_line_sql(self, award: SQL) -> SQL:
        """Return an award, and what went on with it after contacts were merged, as an array."""
        return SQL(
            """(SELECT array_agg(id) || %(award)s FROM loyalty_history
                 WHERE award_id = %(award)s AND qty > 0 AND kind <> 'expire')""",
            award=award,
        )

    @api.model
    def _get_late_returns_sql(self) -> SQL:
        """Return the rows that came back too late for the award of ``row``, with their lines.

        And the redemption with what it had taken of the award, less what was undone of that.
        """
        return SQL(
            """SELECT late.id, %(line)s, ARRAY[row.award_id, taken.consumer_id],
                      taken.qty - COALESCE((
                          SELECT sum(undone.qty)
                            FROM loyalty_history other
                            JOIN loyalty_history undone ON undone.award_id = other.id
                             AND undone.kind = 'expire' AND undone.qty > 0
                            JOIN loyalty_history cause ON cause.id = undone.reversed_id
                             AND cause.award_id = row.award_id
                           WHERE other.reversed_id = taken.consumer_id), 0)
                 FROM (SELECT consumer_id, sum(qty) AS qty FROM loyalty_allocation
                        WHERE award_id = ANY(line.ids)
                     GROUP BY consumer_id HAVING sum(qty) > 0) taken
                 JOIN loyalty_history late ON late.reversed_id = taken.consumer_id
                  AND late.kind = 'unburn' AND late.id <> ALL(line.ids)""",
            line=self._get_line_sql(SQL('late.id')),
        )

    @api.model
    def _prepare_expired_return(self, row_id: int, card_id: int, award_id: int, qty) -> Movement:
        """Return the row that undoes the expiry of points which are taken back anyway."""
        return Movement(
            card_id,
            qty,
            'expire',
            self.env._("Had expired before they were taken back"),
            key=f'loyalty.history:{row_id}:expired_before:{award_id}',
            award_id=award_id,
            reversed_id=row_id,
        )

    def _return_expired(self, moment: datetime, points: Decimal, key: str) -> Decimal:
        """Give back what expired after it was redeemed by a document that came late.

        :param moment: of the redemption (UTC)
        :param points: at most
        :param key: which the rows begin with
        :return: how many were given back
        """
        self.ensure_one()
        movements = []
        left = to_points(points)
        for row_id, award_id, expired in self._read_expired_since(moment):
            if (qty := min(to_points(expired), left)) > 0:
                left -= qty
                movements.append(
                    Movement(
                        self.id,
                        qty,
                        'expire',
                        self.env._("Had been redeemed before they expired"),
                        key=f'{key}:expired:{row_id}',
                        award_id=award_id,
                        reversed_id=row_id,
                    )
                )
        self._post(movements)
        return to_points(points) - left

    def _read_expired_since(self, moment: datetime) -> list[tuple]:
        """Return id, award and points of the rows that took what there was at a moment (UTC)."""
        return self.env.execute_query(
            SQL(
                """SELECT row.id, row.award_id, -row.qty - COALESCE((
                             SELECT sum(qty) FROM loyalty_history
                              WHERE reversed_id = row.id AND kind = 'expire'), 0)
                     FROM loyalty_history row
                     JOIN loyalty_history award ON award.id = row.award_id
                    WHERE row.card_id = %s AND row.kind = 'expire' AND row.qty < 0
                      AND row.date > %s AND award.date <= %s
                 ORDER BY row.id""",
                self.id,
                moment,
                moment,
            )
        )

    # ------------------------------------------------------------
    # ROWS
    # ------------------------------------------------------------

    def _lock_rows(self) -> None:
        """Keep the fold away from these cards until the end of the transaction."""
        self.env.execute_query(
            SQL(
                'SELECT id FROM loyalty_card WHERE id IN %s ORDER BY id FOR NO KEY UPDATE',
                tuple(self.ids),
            )
        )

    def _filter_unfolded(self) -> LoyaltyCard:
        """Return the cards with rows that are part of no stored balance yet."""
        rows = self.env.execute_query(
            SQL(
                'SELECT DISTINCT card_id FROM loyalty_history WHERE unfolded AND card_id IN %s',
                tuple(self.ids),
            )
        )
        return self.browse(card_id for (card_id,) in rows)

    # ------------------------------------------------------------
    # LOST AT ONCE
    # ------------------------------------------------------------

    def _expire_later(self, movements: Iterable[Movement]) -> None:
        """Right after the fold, expire what is given back too late."""
        given = {row.card_id for row in movements if row.reversed_id and row.qty > 0}
        self.browse(given.intersection(self.ids))._expire_after_commit()

    def _expire_after_commit(self) -> None:
        """Right after the fold, expire what is over on these cards."""
        card_ids = set(self.ids)
        if not card_ids:
            return
        expiry = self.env['loyalty.expiry']
        if self._is_in_test():
            expiry._do_chunk('_expire_cards', sorted(card_ids))
            return
        postcommit = self.env.cr.postcommit
        if EXPIRE not in postcommit.data:
            postcommit.data[EXPIRE] = set()
            postcommit.add(partial(_expire_committed, self.env, postcommit.data[EXPIRE]))
        postcommit.data[EXPIRE].update(card_ids)


def _expire_committed(env, card_ids: set[int]) -> None:
    """Expire in transactions of our own; never raises, the order is committed."""
    with env.registry.cursor() as cr:
        expiry = env(cr=cr, su=True)['loyalty.expiry']
        days = expiry._get_programs()._get_expiry_days()
        for card_id in sorted(card_ids):
            expiry._do_chunk('_expire_cards', [card_id], days, wait=True)
