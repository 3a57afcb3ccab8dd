from __future__ import annotations

from decimal import Decimal

from odoo import api, fields, models
from odoo.tools import SQL

from ..ledger import to_points
from .loyalty_program_expiry import ExpiryDay

#: hours of a program's day in which members without activity are looked for
INACTIVITY_HOURS = 3
#: what shows that a member is active
ACTIVE_KINDS = ('earn', 'burn')


class LoyaltyExpiry(models.AbstractModel):
    """Takes the points whose last day is over.

    What remains of an award says what there is to do, so one run too many changes nothing.
    """

    _name = 'loyalty.expiry'
    _inherit = ['loyalty.card.job']
    _description = 'Expiry of Points'

    # ------------------------------------------------------------
    # JOB
    # ------------------------------------------------------------

    @api.model
    def _cron_expire_points(self, shard: int = 0, shards: int = 1) -> None:
        """Expire what is over, of this worker's share of the cards.

        To work with more workers, give each scheduled action its number and all of them the new
        total.

        :param shard: number of the worker, from 0
        :param shards: how many workers there are
        """
        programs = self._get_programs()
        if not programs:
            return
        days = programs._get_expiry_days()
        for finder in self._get_finders(programs, days):
            if not self._do_found('_expire_cards', finder, shard, shards, days):
                return
        self._plan_warnings(programs, shard, shards)

    @api.model
    def _get_programs(self):
        """Return the programs with a ledger, archived ones included."""
        programs = self.env['loyalty.program'].sudo().with_context(active_test=False)
        return programs.search([('managed', '=', True)])

    @api.model
    def _trigger_expiry(self) -> None:
        """Wake the workers up when this transaction is committed."""
        crons = (
            self.env['ir.cron'].sudo().search([('code', '=like', 'model._cron_expire_points(%')])
        )
        for cron in crons:
            cron._trigger()

    @api.model
    def _get_finders(self, programs, days: list[ExpiryDay]) -> list[SQL]:
        """Return what finds cards to look at: SELECTs of ``card_id``."""
        finders = [self._get_due_finder(days)]
        if dated := programs.filtered('expire_after'):
            finders.append(self._get_undated_finder(dated))
        awake = {program.id for program in programs if program._get_local_hour() < INACTIVITY_HOURS}
        if idle := [day for day in days if day.active_from and day.program_id in awake]:
            finders.append(self._get_inactive_finder(idle))
        return finders

    # ------------------------------------------------------------
    # CARDS TO LOOK AT
    # ------------------------------------------------------------

    def _get_due_finder(self, days: list[ExpiryDay]) -> SQL:
        return SQL(
            """SELECT award.card_id
                 FROM loyalty_history award
                 JOIN loyalty_card card ON card.id = award.card_id AND card.is_member
                 JOIN (VALUES %s) today (program_id, day, active_from)
                   ON today.program_id = card.program_id
                WHERE award.remaining > 0 AND award.expire_on < today.day
                  AND award.expire_on < %s""",
            self._get_days_sql(days),
            max(day.day for day in days),
        )

    def _get_undated_finder(self, programs) -> SQL:
        return SQL(
            """SELECT award.card_id
                 FROM loyalty_history award
                 JOIN loyalty_card card ON card.id = award.card_id AND card.is_member
                WHERE award.remaining > 0 AND award.expire_on IS NULL
                  AND card.program_id IN %s""",
            tuple(programs.ids),
        )

    def _get_inactive_finder(self, days: list[ExpiryDay]) -> SQL:
        return SQL(
            """SELECT award.card_id
                 FROM loyalty_history award
                 JOIN loyalty_card card ON card.id = award.card_id AND card.is_member
                 JOIN (VALUES %s) today (program_id, day, active_from)
                   ON today.program_id = card.program_id
                WHERE award.remaining > 0 AND %s""",
            self._get_days_sql(days),
            self._get_inactive_sql(),
        )

    def _get_days_sql(self, days: list[ExpiryDay]) -> SQL:
        """Return rows of program, day and the moment (UTC) from which a member was active."""
        Program = self.env['loyalty.program'].sudo()
        return SQL(', ').join(
            SQL(
                '(%s, %s::date, %s::timestamp)',
                day.program_id,
                day.day,
                day.active_from and Program.browse(day.program_id)._to_utc(day.active_from),
            )
            for day in days
        )

    def _get_inactive_sql(self) -> SQL:
        """Return the condition that ``award`` is older than the last sign of its member."""
        return SQL(
            """(award.posted_at < today.active_from AND NOT EXISTS (
                   SELECT FROM loyalty_history movement
                    WHERE movement.card_id = award.card_id AND movement.kind IN %s
                      AND movement.date >= today.active_from))""",
            ACTIVE_KINDS,
        )

    # ------------------------------------------------------------
    # CHUNK
    # ------------------------------------------------------------

    def _expire_cards(
        self, card_ids: list[int], days: list[ExpiryDay] | None = None
    ) -> dict[int, Decimal]:
        """Expire what is over on cards whose locks the transaction has.

        :param days: default today
        :return: points lost, by card
        """
        days = days or self._get_programs()._get_expiry_days()
        cards = self.env['loyalty.card'].browse(card_ids)
        self.env.flush_all()
        cards._lock_rows()
        if unfolded := cards._filter_unfolded():
            unfolded._fold()
        cards._date_awards()
        lost = self.env.execute_query(self._get_expire_sql(card_ids, days))
        cards._forget_balance()
        points = {card_id: to_points(qty) for card_id, qty in lost}
        if points:
            self._expired_after_hook(points)
        return points

    def _expired_after_hook(self, points: dict[int, Decimal]) -> None:
        """Do what follows from points that expired, in the same transaction; extend for more.

        :param points: lost, by card
        """
        self._plan_expired_messages(points)

    # ------------------------------------------------------------
    # STATEMENT
    # ------------------------------------------------------------

    def _get_expire_sql(self, card_ids: list[int], days: list[ExpiryDay]) -> SQL:
        """Return the statement that takes what is over from awards, cards and gives it rows."""
        return SQL(
            """WITH due AS MATERIALIZED (
                   %(due)s
               ), expired AS (
                   INSERT INTO loyalty_history (
                       card_id, description, qty, issued, used, kind, key, date, posted_at,
                       award_id, remaining, unfolded,
                       create_uid, create_date, write_uid, write_date
                   )
                   SELECT card_id, %(text)s, -qty, 0, qty, 'expire',
                          concat_ws(':', 'loyalty.history', id, 'expire', day, remaining),
                          %(now)s, %(now)s, id, 0, FALSE, %(uid)s, %(now)s, %(uid)s, %(now)s
                     FROM due WHERE qty > 0
                 ORDER BY card_id, id
              ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING
                RETURNING id, award_id, card_id, qty
               ), emptied AS (
                   UPDATE loyalty_history award SET remaining = award.remaining + expired.qty
                     FROM expired WHERE award.id = expired.award_id
               ), allocated AS (
                   INSERT INTO loyalty_allocation (consumer_id, award_id, qty)
                   SELECT id, award_id, -qty FROM expired
               )
               UPDATE loyalty_card card
                  SET points = round(card.points::numeric + lost.qty, 2), write_date = %(now)s
                 FROM (SELECT card_id, sum(qty) AS qty FROM expired GROUP BY card_id) lost
                WHERE card.id = lost.card_id
            RETURNING card.id, -lost.qty""",
            due=self._get_due_sql(card_ids, days),
            text=self.env['loyalty.card']._get_settle_description('expire'),
            now=fields.Datetime.now(),
            uid=self.env.uid,
        )

    def _get_due_sql(self, card_ids: list[int], days: list[ExpiryDay]) -> SQL:
        """Return the awards to empty: id, card_id, day, remaining, and qty to take."""
        is_over = SQL('award.expire_on < today.day')
        if any(day.active_from for day in days):
            is_over = SQL('(%s OR %s)', is_over, self._get_inactive_sql())
        due = SQL(
            """SELECT award.id, award.card_id, award.expire_on, today.day, award.remaining,
                      award.remaining AS qty
                 FROM loyalty_history award
                 JOIN loyalty_card card ON card.id = award.card_id AND card.is_member
                 JOIN (VALUES %s) today (program_id, day, active_from)
                   ON today.program_id = card.program_id
                WHERE award.card_id = ANY(%s) AND award.remaining > 0 AND %s""",
            self._get_days_sql(days),
            card_ids,
            is_over,
        )
        return self._spare_held_sql(due, card_ids) if self._is_any_held(card_ids) else due

    def _is_any_held(self, card_ids: list[int]) -> bool:
        """Return whether points of these cards are held, which is rare at night."""
        return bool(
            self.env.execute_query(
                SQL(
                    "SELECT FROM loyalty_hold WHERE state = 'held' AND card_id = ANY(%s) LIMIT 1",
                    card_ids,
                )
            )
        )

    def _spare_held_sql(self, due: SQL, card_ids: list[int]) -> SQL:
        """Return what is due without the points that are held: those that expire first.

        What somebody pays with since before midnight is kept for him until he has or has not.
        """
        return SQL(
            """SELECT due.id, due.card_id, due.day, due.remaining,
                      LEAST(due.remaining, GREATEST(
                          sum(due.remaining) OVER (
                              PARTITION BY due.card_id ORDER BY due.expire_on NULLS LAST, due.id
                          ) - held.qty, 0)) AS qty
                 FROM (%s) due
                 JOIN (SELECT card.id, %s AS qty FROM loyalty_card card
                        WHERE card.id = ANY(%s)) held ON held.id = due.card_id""",
            due,
            self.env['loyalty.hold']._get_held_sql(SQL('card.id')),
            card_ids,
        )
