from __future__ import annotations

from collections.abc import Iterable
from datetime import date
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

    def _date_awards(self) -> dict[int, date]:
        """Give the open awards of these cards the last day on which they can be used.

        Part of the fold.  An award that has a day keeps it.  What is given back goes to the awards
        it came from, with their days; its own day is for what these are too old for.

        :return: the day on which points came in, by row that got a day
        """
        programs = self.sudo().program_id.filtered_domain(
            self.env['loyalty.program']._get_expiring_domain()
        )
        if not programs:
            return {}
        return dict(self.env.execute_query(self._get_dating_sql(programs)))

    def _get_dating_sql(self, programs) -> SQL:
        return SQL(
            """WITH policy (program_id, zone, since, after, round, reinstate) AS (
                   VALUES %(policy)s
               ), dated AS (
                   SELECT row.id, given.day,
                          CASE WHEN row.kind = 'unburn' AND row.reversed_id IS NOT NULL
                               THEN given.day + policy.reinstate
                               WHEN policy.after > 0 THEN %(last_day)s END AS expire_on
                     FROM loyalty_history row
                     JOIN loyalty_card card ON card.id = row.card_id
                     JOIN policy ON policy.program_id = card.program_id
               CROSS JOIN LATERAL (
                              SELECT (row.posted_at AT TIME ZONE 'UTC'
                                      AT TIME ZONE policy.zone)::date AS day
                          ) given
                    WHERE row.card_id IN %(cards)s AND row.expire_on IS NULL AND row.qty > 0
                      AND (row.remaining IS NULL OR row.remaining > 0)
               )
               UPDATE loyalty_history SET expire_on = dated.expire_on
                 FROM dated
                WHERE loyalty_history.id = dated.id AND dated.expire_on IS NOT NULL
            RETURNING loyalty_history.id, dated.day""",
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
        movements, given = [], {}
        for row_id, card_id, award_id, missing, expired in self.env.execute_query(
            self._get_expired_returns_sql(ids)
        ):
            qty = min(missing, expired - given.get(award_id, 0))
            if qty > 0:
                given[award_id] = given.get(award_id, 0) + qty
                movements.append(self._prepare_expired_return(row_id, card_id, award_id, qty))
        self._post(movements)

    @api.model
    def _get_expired_returns_sql(self, ids: tuple[int, ...]) -> SQL:
        """Return what points taken back did not find in their award, and what expired of it."""
        return SQL(
            """SELECT row.id, row.card_id, row.award_id,
                      -row.qty - COALESCE((
                          SELECT sum(qty) FROM loyalty_allocation
                           WHERE consumer_id = row.id AND award_id = row.award_id), 0),
                      -expired.qty
                 FROM loyalty_history row
           CROSS JOIN LATERAL (
                          SELECT sum(qty) AS qty FROM loyalty_history
                           WHERE award_id = row.award_id AND kind = 'expire'
                      ) expired
                WHERE row.id IN %s AND row.kind = 'unearn' AND expired.qty < 0
             ORDER BY row.id""",
            ids,
        )

    @api.model
    def _prepare_expired_return(self, row_id: int, card_id: int, award_id: int, qty) -> Movement:
        """Return the row that undoes the expiry of points which are taken back anyway."""
        return Movement(
            card_id,
            qty,
            'expire',
            self.env._("Had expired before they were taken back"),
            key=f'loyalty.history:{row_id}:expired_before',
            award_id=award_id,
            reversed_id=row_id,
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
    # OVER, BUT NOT TAKEN YET
    # ------------------------------------------------------------

    # The job comes every hour.  Until then nobody spends what was over at midnight.

    def _get_overdue_sql(self, alias: SQL) -> SQL:
        """Return the points of these cards whose last day is over, as an expression.

        Rows that are not folded yet took from these points first.

        :param alias: of ``loyalty_card`` in the statement
        """
        return SQL(
            """GREATEST(COALESCE((
                   SELECT sum(award.remaining) FROM loyalty_history award
                     JOIN (VALUES %(days)s) today (program_id, day)
                       ON today.program_id = %(card)s.program_id
                    WHERE award.card_id = %(card)s.id AND award.remaining > 0
                      AND award.expire_on < today.day), 0) + COALESCE((
                   SELECT sum(row.qty) FROM loyalty_history row
                    WHERE row.card_id = %(card)s.id AND row.unfolded AND row.qty < 0), 0), 0)""",
            days=self._get_days_sql(),
            card=alias,
        )

    def _get_days_sql(self) -> SQL:
        """Return today in the zone of each program of these cards, as rows of a VALUES list."""
        return SQL(', ').join(
            SQL('(%s, %s::date)', program.id, program._get_local_day())
            for program in self.sudo().program_id
        )

    def _read_overdue(self) -> dict[int, Decimal]:
        """Return the points of these cards whose last day is over; cards without are left out."""
        if not self.ids:
            return {}
        self.env['loyalty.card'].flush_model(['program_id'])
        self.env['loyalty.history'].flush_model()
        rows = self.env.execute_query(
            SQL(
                'SELECT id, %s FROM loyalty_card card WHERE id IN %s',
                self._get_overdue_sql(SQL('card')),
                tuple(self.ids),
            )
        )
        return {card_id: to_points(points) for card_id, points in rows if points}

    def _expire_overdue(self, lost: Decimal) -> None:
        """Expire points of this card as the job would, before somebody spends others.

        :param lost: how many are over and not held; those that are over for the longest are kept
        """
        self.ensure_one()
        rows = self.env.execute_query(
            SQL(
                """SELECT award.id, award.remaining, concat_ws(
                              ':', 'loyalty.history', award.id, 'expire', today.day,
                              award.remaining)
                     FROM loyalty_history award
                     JOIN (VALUES %s) today (program_id, day) ON TRUE
                    WHERE award.card_id = %s AND award.remaining > 0
                      AND award.expire_on < today.day
                 ORDER BY award.expire_on, award.id""",
                self._get_days_sql(),
                self.id,
            )
        )
        kept = sum((to_points(remaining) for _id, remaining, _key in rows), -lost)
        movements = []
        for award_id, remaining, key in rows:
            spared = min(kept, to_points(remaining))
            kept -= spared
            qty = spared - to_points(remaining)
            movements.append(Movement(self.id, qty, 'expire', key=key, award_id=award_id))
        self._post(movements)
        self.env['loyalty.expiry'].sudo()._expired_after_hook({self.id: lost})

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
            expiry._expire_chunk(sorted(card_ids))
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
        expiry._expire_one_by_one(sorted(card_ids))
