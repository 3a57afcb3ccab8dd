from __future__ import annotations

from decimal import Decimal

from odoo import models
from odoo.tools import SQL

from ..ledger import Entry, to_points
from .loyalty_card_ledger import ENTRY_COLUMNS, Movement
from .loyalty_card_lock import OWN


class LoyaltyCard(models.Model):
    """Points that are over, but that no job has taken yet.

    The job comes every hour.  Until then nobody spends what was over at midnight.  What new rows
    did to these points only their matching says, so where there are any they are matched as the
    fold will match them, and nothing is stored.
    """

    _inherit = 'loyalty.card'

    def _get_overdue_sql(self, alias: SQL) -> SQL:
        """Return the points of these cards whose last day is over, as an expression.

        NULL where rows that are not folded yet may change it: :meth:`_load_overdue` says it then.

        :param alias: of ``loyalty_card`` in the statement
        """
        return SQL(
            """(SELECT CASE WHEN EXISTS (
                           SELECT FROM loyalty_history row
                            WHERE row.card_id = %(card)s.id AND row.unfolded
                              AND (over.qty > 0 OR row.reversed_id IS NOT NULL
                                   OR row.expire_on IS NOT NULL))
                       THEN NULL ELSE over.qty END
                  FROM (SELECT COALESCE(sum(award.remaining), 0) AS qty
                          FROM loyalty_history award
                          JOIN (VALUES %(days)s) today (program_id, day)
                            ON today.program_id = %(card)s.program_id
                         WHERE award.card_id = %(card)s.id AND award.remaining > 0
                           AND award.expire_on < today.day) over)""",
            days=SQL(', ').join(
                SQL('(%s, %s::date)', program.id, program._get_local_day())
                for program in self.sudo().program_id
            ),
            card=alias,
        )

    def _read_overdue(self) -> dict[int, Decimal]:
        """Return the points of these cards whose last day is over; cards without are left out.

        Looked up once in a transaction, until the balance of the card changes.
        """
        known = self._get_own()['overdue']
        today = {card.id: card.program_id._get_local_day() for card in self.sudo() if card.id}
        asked = self.browse(
            card_id for card_id, day in today.items() if known.get(card_id, ())[:1] != (day,)
        )
        if asked:
            overdue = asked._look_up_overdue()
            none = Decimal(0)
            known.update((id_, (today[id_], overdue.get(id_, none))) for id_ in asked.ids)
        return {card_id: points for card_id in today if (points := known[card_id][1])}

    def _look_up_overdue(self) -> dict[int, Decimal]:
        """Return what :meth:`_read_overdue` does, as the database has it now."""
        self.env['loyalty.card'].flush_model(['program_id'])
        self.env['loyalty.history'].flush_model()
        rows = self.env.execute_query(
            SQL(
                'SELECT id, %s FROM loyalty_card card WHERE id IN %s',
                self._get_overdue_sql(SQL('card')),
                tuple(self.ids),
            )
        )
        moved = self.browse(card_id for card_id, points in rows if points is None)
        overdue = {card_id: to_points(points) for card_id, points in rows if points}
        return overdue | moved._sum_overdue(self.env.cr)

    def _forget_overdue(self) -> None:
        """Look up again what of these cards is over."""
        known = self.env.cr.postcommit.data.get(OWN, {}).get('overdue', {})
        for card_id in self.ids:
            known.pop(card_id, None)

    def _sum_overdue(self, cr, own: dict[int, int] | None = None) -> dict[int, Decimal]:
        """Return the sums of :meth:`_load_overdue`."""
        return {
            card_id: sum(award.remaining for award in awards)
            for card_id, awards in self._load_overdue(cr, own).items()
        }

    def _load_overdue(self, cr, own: dict[int, int] | None = None) -> dict[int, list[Entry]]:
        """Return the awards whose last day is over, as the fold will leave them, by card.

        :param cr: cursor to read with
        :param own: rows of this transaction, which another cursor does not see: card by id
        :return: those that are over for the longest first
        """
        if not self.ids:
            return {}
        reader = self.with_env(self.env(cr=cr))
        loaded = reader._load_open_rows()
        for card_id, *columns in self._read_own_rows(own):
            loaded.setdefault(card_id, []).append((Entry.from_row(*columns), True, True))
        programs = self._get_expiring_programs()
        dates = {**(self._read_dates(programs) if own else {}), **reader._read_dates(programs)}
        for row, is_new, _is_unfolded in (row for rows in loaded.values() for row in rows):
            day, last_day = dates.get(row.id, (None, None))
            row.given_on = day if is_new else None
            row.expire_on = row.expire_on or last_day
        days = {card.id: card.program_id._get_local_day() for card in self.sudo()}
        overdue = {}
        for card_id, (ledger, new) in reader._open_ledgers(loaded).items():
            ledger.apply(new)
            if awards := ledger.get_overdue(days[card_id]):
                overdue[card_id] = awards
        return overdue

    def _read_own_rows(self, own: dict[int, int] | None) -> list[tuple]:
        """Return the cards and columns of rows of this transaction, oldest first."""
        cards = set(self.ids)
        ids = tuple(row_id for row_id, card_id in (own or {}).items() if card_id in cards)
        if not ids:
            return []
        query = SQL('SELECT card_id, %s FROM loyalty_history WHERE id IN %s', ENTRY_COLUMNS, ids)
        return self.env.execute_query(SQL('%s ORDER BY id', query))

    def _read_dates(self, programs) -> dict[int, tuple]:
        """Return the day on which awards came in and their last day, of those the fold will date.

        :param programs: those of these cards whose points expire
        """
        if not programs:
            return {}
        return {
            row_id: (day, last_day)
            for row_id, day, last_day in self.env.execute_query(self._get_dated_sql(programs))
            if last_day
        }

    def _expire_overdue(self, lost: Decimal) -> None:
        """Expire points of this card as the job would, before somebody spends others.

        :param lost: how many are over and not held; those that are over for the longest are kept
        """
        self.ensure_one()
        awards = self._load_overdue(self.env.cr).get(self.id, [])
        day = self.sudo().program_id._get_local_day()
        kept = sum((award.remaining for award in awards), -lost)
        movements = []
        for award in awards:
            spared = min(kept, award.remaining)
            kept -= spared
            key = f'loyalty.history:{award.id}:expire:{day}:{award.remaining}'
            qty = spared - award.remaining
            movements.append(Movement(self.id, qty, 'expire', key=key, award_id=award.id))
        self._post(movements)
        self.env['loyalty.expiry'].sudo()._expired_after_hook({self.id: lost})
