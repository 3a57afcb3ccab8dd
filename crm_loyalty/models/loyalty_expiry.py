from __future__ import annotations

import logging
from collections.abc import Iterable
from decimal import Decimal

import psycopg2

from odoo import api, fields, models
from odoo.tools import SQL, split_every

from ..ledger import to_points
from .loyalty_card_ledger import short_transaction
from .loyalty_card_lock import LOCK_CLASS
from .loyalty_program_expiry import ExpiryDay

_logger = logging.getLogger(__name__)

#: cards of one transaction: each takes an advisory lock, of which a server has a few thousand
CHUNK_SIZE = 1000
#: cards looked for at once
PAGE_SIZE = 50_000
#: hours of a program's day in which members without activity are looked for
INACTIVITY_HOURS = 3
#: what shows that a member is active
ACTIVE_KINDS = ('earn', 'burn')


class LoyaltyExpiry(models.AbstractModel):
    """Takes the points whose last day is over.

    Chunk by chunk, each a transaction of its own that sees what was committed before each of its
    statements and holds the locks of its cards: nobody redeems them meanwhile, and nobody's order
    fails.  What remains of an award says what there is to do, so a run that was cut off is gone on
    with by the next one, and one too many changes nothing.
    """

    _name = 'loyalty.expiry'
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
            if not self._expire_found(finder, days, shard, shards):
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

    def _expire_found(self, finder: SQL, days, shard: int, shards: int) -> bool:
        """Look at all cards a finder gives, committing each chunk.

        :return: whether there is time left
        """
        last_id = 0
        while card_ids := self._get_page(finder, last_id, shard, shards):
            last_id = card_ids[-1]
            waiting = []
            for chunk in split_every(CHUNK_SIZE, card_ids):
                waiting += self._expire_chunk(list(chunk), days)
                if not self._commit_progress(len(chunk)):
                    return False
            self._expire_one_by_one(waiting, days)
        return True

    def _commit_progress(self, number: int) -> float:
        """Commit, and return the seconds left for the job."""
        if self.env['loyalty.card']._is_in_test():
            return 1
        return self.env['ir.cron']._commit_progress(number)

    def _get_page(self, finder: SQL, last_id: int, shard: int, shards: int) -> list[int]:
        # the CASE keeps PostgreSQL from taking a share for a needle
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                'SELECT DISTINCT card_id FROM (%s) found WHERE card_id > %s'
                ' AND CASE WHEN card_id %% %s = %s THEN TRUE ELSE FALSE END'
                ' ORDER BY card_id LIMIT %s',
                finder,
                last_id,
                shards,
                shard,
                PAGE_SIZE,
            )
        )
        if not self.env['loyalty.card']._is_in_test():
            # no old snapshot while others work
            self.env.cr.commit()  # pylint: disable=invalid-commit
        return [card_id for (card_id,) in rows]

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

    @api.model
    def _expire_chunk(
        self, card_ids: list[int], days: list[ExpiryDay] | None = None, wait: bool = False
    ) -> list[int]:
        """Expire what is over on these cards, in a transaction of its own; never raises.

        :param days: default today
        :param wait: for whoever has a card, a few seconds; else it is left out
        :return: the cards that are left, to be waited for
        """
        days = days or self._get_programs()._get_expiry_days()
        if self.env['loyalty.card']._is_in_test():
            self._expire_cards(card_ids, days)
            return []
        try:
            with short_transaction(self.env.registry, self.env.context, durable=False) as env:
                expiry = env[self._name]
                locked = expiry._lock_cards(card_ids, wait)
                expiry._expire_cards(locked, days)
        except psycopg2.OperationalError as error:
            _logger.info("Points of %s cards expire later: %s", len(card_ids), error)
        except Exception:
            _logger.exception("Points of %s cards could not be expired", len(card_ids))
        else:
            return sorted(set(card_ids).difference(locked))
        return card_ids

    @api.model
    def _expire_one_by_one(
        self, card_ids: Iterable[int], days: list[ExpiryDay] | None = None
    ) -> None:
        """Expire what is over on cards somebody had; what cannot be done waits for the next run."""
        for card_id in card_ids:
            self._expire_chunk([card_id], days, wait=True)

    def _lock_cards(self, card_ids: list[int], wait: bool) -> list[int]:
        """Take the locks of the cards, in the order of their ids.

        :return: those that were free
        """
        if wait:
            self.env['loyalty.card'].browse(card_ids)._lock()
            return card_ids
        rows = self.env.execute_query(
            SQL(
                'SELECT id FROM unnest(%s) id WHERE pg_try_advisory_xact_lock(%s, id)',
                sorted(card_ids),
                LOCK_CLASS,
            )
        )
        return [card_id for (card_id,) in rows]

    def _expire_cards(self, card_ids: list[int], days: list[ExpiryDay]) -> dict[int, Decimal]:
        """Expire what is over on cards whose locks the transaction has.

        :return: points lost, by card
        """
        if not card_ids:
            return {}
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
