from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models, modules
from odoo.sql_db import Cursor
from odoo.tools import SQL, split_every

from ..ledger import Allocation, Entry, Ledger, to_points

_logger = logging.getLogger(__name__)

#: cards folded in one transaction
FOLD_SIZE = 1000
FOLD = 'crm_loyalty.fold'
#: what of a card follows from its rows
BALANCE_FIELDS = [
    *('points', 'points_display', 'history_ids'),
    *('points_debt', 'points_free'),
]


@dataclass(frozen=True)
class Movement:
    """Points that come in or go out, in one direction; see ``loyalty.history`` for the fields."""

    card_id: int
    qty: Decimal
    kind: str
    description: str = ''
    key: str | None = None
    #: when it counts from, UTC; default now
    date: datetime | None = None
    order_model: str | None = None
    order_id: int | None = None
    award_id: int | None = None
    reversed_id: int | None = None
    expire_on: date | None = None
    #: what points of an order were computed with, frozen when it was confirmed
    rate: Decimal | None = None
    multiplier: Decimal | None = None
    base_amount: Decimal | None = None
    document_company_id: int | None = None
    #: spent already, as by an order paid at a till: posted even where it makes a debt
    is_final: bool = False
    #: name of the document; default that of ``order_model`` and ``order_id``
    origin: str | None = None


class LoyaltyCard(models.Model):
    """How the ledger keeps the balance: journal first, fold after the commit.

    A balance that is changed in the transaction of an order makes all orders of that card wait
    for each other, and half of them fail.  So business code only inserts rows; right after its
    commit a short transaction of its own adds them to the stored ``points`` and says what remains
    of each award.  Until then whoever reads ``points`` through the ORM gets the stored number plus
    the rows not folded yet, so that it is exact in every snapshot; a job folds what a crash left.
    """

    _inherit = 'loyalty.card'

    def _field_to_sql(self, alias: str, field_expr: str, query=None) -> SQL:
        sql = super()._field_to_sql(alias, field_expr, query)
        return self._with_unfolded_sql(sql, alias) if field_expr == 'points' else sql

    @api.model
    def _with_unfolded_sql(self, points: SQL, alias: str) -> SQL:
        """Return the stored points plus the rows not folded yet.

        The first test costs next to nothing when there are none at all, which is the rule.
        """
        history = self.env['loyalty.history']
        return SQL(
            """(CASE WHEN EXISTS (SELECT FROM loyalty_history WHERE unfolded)
                     THEN round(COALESCE(%(points)s, 0)::numeric + COALESCE((
                              SELECT sum(row.qty) FROM loyalty_history row
                               WHERE row.card_id = %(card)s AND row.unfolded), 0), 2)::float8
                     ELSE %(points)s END)""",
            points=points,
            card=SQL.identifier(alias, 'id'),
            to_flush=history._fields['unfolded'],
        )

    # ------------------------------------------------------------
    # POSTING
    # ------------------------------------------------------------

    @api.model
    def _post(self, movements: Iterable[Movement]):
        """Enter movements in the ledger, in one statement.

        A movement with a key that exists already is left out; when it was entered by a
        transaction that began after this one, Odoo runs this one again.

        :param movements: rounded here to two decimals; those of nothing are left out
        :return: the ``loyalty.history`` rows really entered
        :raise ValidationError: a card has not the points to spend
        """
        movements = [replace(row, qty=to_points(row.qty)) for row in movements]
        movements = [row for row in movements if row.qty]
        history = self.env['loyalty.history'].sudo()
        if not movements:
            return history
        self._authorise_movements(movements)
        self.env.flush_all()  # cards and orders we point to must be in the database
        movements += self._prepare_loss_returns(movements)
        rows, cards = self._entered(self.env.execute_query(self._get_posting_sql(movements)))
        cards._expire_later(movements)
        return rows

    @api.model
    def _entered(self, inserted: list[tuple[int, int]]) -> tuple:
        """Do what follows from rows just inserted.

        :param inserted: ids of row and card
        :return: the rows, and their cards (sudo)
        """
        self._remember_own(inserted)
        cards = self.sudo().browse({card_id for _row_id, card_id in inserted})
        cards._forget_balance()
        cards._fold_later()
        return self.env['loyalty.history'].sudo().browse(row_id for row_id, _ in inserted), cards

    @api.model
    def _get_posting_sql(self, movements: list[Movement]) -> SQL:
        """Return the statement that inserts the movements."""
        origins = self.env['loyalty.history']._get_origins(
            (row.order_model, row.order_id) for row in movements if not row.origin
        )
        rows = [
            self._prepare_posting_row(
                replace(row, origin=row.origin or origins.get((row.order_model, row.order_id)))
            )
            for row in movements
        ]
        return SQL(
            """INSERT INTO loyalty_history (%s) VALUES %s
               ON CONFLICT (key) WHERE key IS NOT NULL DO NOTHING
               RETURNING id, card_id""",
            SQL(', ').join(SQL.identifier(column) for column in rows[0]),
            SQL(', ').join(
                SQL('(%s)', SQL(', ').join(SQL('%s', value) for value in row.values()))
                for row in rows
            ),
        )

    @api.model
    def _prepare_posting_row(self, row: Movement) -> dict:
        """Return the columns of the row of a movement; the same ones for each."""
        now = fields.Datetime.now()
        return {
            'card_id': row.card_id,
            'description': row.description or self._get_settle_description(row.kind),
            'qty': row.qty,
            'issued': max(row.qty, 0),
            'used': max(-row.qty, 0),
            'kind': row.kind,
            'key': row.key,
            'date': row.date or now,
            'posted_at': now,
            'order_model': row.order_model,
            'order_id': row.order_id,
            'award_id': row.award_id,
            'reversed_id': row.reversed_id,
            'expire_on': row.expire_on,
            'origin': row.origin,
            'rate': row.rate,
            'multiplier': row.multiplier,
            'base_amount': row.base_amount,
            'document_company_id': row.document_company_id,
            'unfolded': True,
            'create_uid': self.env.uid,
            'create_date': now,
            'write_uid': self.env.uid,
            'write_date': now,
        }

    def _forget_balance(self) -> None:
        """Forget what was read of the balances of these cards."""
        self.invalidate_recordset(BALANCE_FIELDS, flush=False)
        self.env['loyalty.history'].invalidate_model(flush=False)
        self._forget_overdue()

    def _get_settle_description(self, kind: str) -> str:
        """Return the text of a row that was posted without one."""
        selection = self.env['loyalty.history']._fields['kind']._description_selection(self.env)
        return dict(selection)[kind]

    # ------------------------------------------------------------
    # FOLDING
    # ------------------------------------------------------------

    def _fold_later(self) -> None:
        """Fold the rows of these cards as soon as this transaction is committed."""
        if not self.ids:
            return
        if self._is_in_test():
            # never committed: nothing would ever be folded
            self._fold()
            return
        postcommit = self.env.cr.postcommit
        if FOLD not in postcommit.data:
            postcommit.data[FOLD] = set()
            postcommit.add(partial(_fold_committed, self.env.registry, postcommit.data[FOLD]))
        postcommit.data[FOLD].update(self.ids)

    @api.model
    def _is_in_test(self) -> bool:
        """Return whether this transaction is that of a test, which is taken back at its end."""
        test = modules.module.current_test
        cr = self.env.cr
        return bool(test) and (not isinstance(cr, Cursor) or getattr(test, 'cr', None) is cr)

    def _fold(self) -> None:
        """Bring the stored balances and what remains of each award up to date.

        Takes the rows of the cards, so it belongs in short transactions of its own, or where the
        cards are this transaction's anyway.
        """
        ids = tuple(sorted(self.ids))
        if not ids:
            return
        self._fetch_for_fold()
        stored = self.env.execute_query(
            SQL(
                'SELECT id, points FROM loyalty_card WHERE id IN %s ORDER BY id FOR NO KEY UPDATE',
                ids,
            )
        )
        matched: list[Entry] = []
        unfolded = self._match_rows(matched)
        changes = {}
        for card_id, points in stored:
            if gained := unfolded.get(card_id):
                changes[card_id] = (to_points(points), to_points(points) + gained)
        if changes:
            self._store_balances(changes)
        self._forget_balance()
        self._give_expired_back(matched)
        if unfolded:
            self.sudo().browse(unfolded)._fold_after_hook(changes)

    def _fetch_for_fold(self) -> None:
        """Read what the fold needs of cards and programs: little of their wide rows."""
        self.sudo().fetch(['program_id'])
        self.sudo().program_id.fetch(self._get_fold_fields())

    def _store_balances(self, changes: dict[int, tuple[Decimal, Decimal]]) -> None:
        values = SQL(', ').join(
            SQL('(%s, %s::float8)', card_id, points) for card_id, (_old, points) in changes.items()
        )
        self.env.execute_query(
            SQL(
                """UPDATE loyalty_card SET points = new.points, write_date = %s
                     FROM (VALUES %s) new (id, points) WHERE loyalty_card.id = new.id
                RETURNING loyalty_card.id""",
                fields.Datetime.now(),
                values,
            )
        )

    def _fold_after_hook(self, changes: dict[int, tuple[Decimal, Decimal]]) -> None:
        """Do what follows from new rows: tiers rise, milestones are told; extend for more.

        :param changes: balance before and after, of the cards where it differs
        """
        self._evaluate_tiers(allow_downgrade=False)
        cards = self.browse(changes)
        if cards := cards.filtered(lambda card: card.sudo().program_id.has_milestones):
            cards._send_points_reach_communication(
                {
                    card: {'old': float(changes[card.id][0]), 'new': float(changes[card.id][1])}
                    for card in cards
                }
            )

    @api.model
    def _get_fold_fields(self) -> list[str]:
        """Return what the fold has to know of programs; extend with what more it needs."""
        return ['managed', 'company_id', 'has_milestones', 'has_tiers', 'tier_window_months']

    def _match_rows(self, matched: list[Entry] | None = None) -> dict[int, Decimal]:
        """Match the new rows of these cards with what is open, and note what remains.

        :param matched: the new rows are added to it
        :return: the sum of the rows that are part of no stored balance yet, by card
        """
        dated = self._date_awards()
        # a row that came since has no day yet: it is left for its own fold
        is_open = self._get_open_condition(dated)
        given_on = dated or {}
        done, unfolded = self._match_plain_rows(is_open)
        if len(done) == len(self):
            return unfolded
        loaded = self.browse(set(self.ids) - done)._load_open_rows(is_open)
        remaining: dict[int, Decimal] = {}
        allocations: list[Allocation] = []
        matched = [] if matched is None else matched
        for card_id, (ledger, new) in self._open_ledgers(loaded).items():
            for entry in new:
                entry.given_on = given_on.get(entry.id)
            matched += new
            before = {entry.id: entry.remaining for entry in ledger.entries.values()}
            ledger.apply(new)
            remaining.update(
                (entry.id, entry.remaining)
                for entry in ledger.entries.values()
                if entry.remaining != before.get(entry.id)
            )
            allocations += ledger.allocations
            posted = [entry.qty for entry, _is_new, is_unfolded in loaded[card_id] if is_unfolded]
            if posted:
                unfolded[card_id] = sum(posted)
        self._store_remaining(remaining)
        self._forget_days(matched)
        self._store_allocations(allocations)
        return unfolded

    @api.model
    def _get_open_condition(self, new_ids: Iterable[int] | None = None) -> SQL:
        """Return the condition of rows with something remaining and of new ones.

        :param new_ids: of those never matched before; default all there are
        """
        # the predicate of the index as it stands, or PostgreSQL reads more than that
        is_open = SQL('(remaining IS NULL OR remaining <> 0)')
        if new_ids is None:
            return is_open
        return SQL('(%s AND (remaining <> 0 OR id IN %s))', is_open, tuple(new_ids) or (0,))

    def _match_plain_rows(self, is_open: SQL) -> tuple[set[int], dict[int, Decimal]]:
        """Note what remains of new rows of cards where nothing is to be matched.

        These are by far the most: points came in, and nothing is owed.

        :param is_open: as of :meth:`_get_open_condition`
        :return: the cards that are done with; the sum of their rows that are part of no stored
            balance yet, by card
        """
        rows = self.env.execute_query(
            SQL(
                """WITH open_row AS (
                       SELECT id, card_id, qty, remaining, award_id, reversed_id,
                              COALESCE(unfolded, FALSE) AS is_unfolded
                         FROM loyalty_history
                        WHERE card_id IN %s AND %s
                   ), plain AS (
                       SELECT card_id FROM open_row GROUP BY card_id
                       HAVING bool_and(CASE WHEN remaining IS NOT NULL THEN remaining > 0
                                            ELSE qty > 0 AND award_id IS NULL
                                                 AND reversed_id IS NULL END)
                   )
                   UPDATE loyalty_history row SET remaining = row.qty, unfolded = FALSE
                     FROM open_row JOIN plain ON plain.card_id = open_row.card_id
                    WHERE row.id = open_row.id AND open_row.remaining IS NULL
                RETURNING row.card_id, row.qty, open_row.is_unfolded""",
                tuple(self.ids),
                is_open,
            )
        )
        unfolded: dict[int, Decimal] = {}
        for card_id, qty, is_unfolded in rows:
            if is_unfolded:
                unfolded[card_id] = unfolded.get(card_id, Decimal(0)) + to_points(qty)
        return {card_id for card_id, _qty, _is_unfolded in rows}, unfolded

    def _load_open_rows(
        self, is_open: SQL | None = None
    ) -> dict[int, list[tuple[Entry, bool, bool]]]:
        """Return the rows with something remaining and the new ones, by card, oldest first.

        :param is_open: as of :meth:`_get_open_condition`
        :return: row, whether it was never matched, whether no stored balance has it yet
        """
        rows = self.env.execute_query(
            SQL(
                """SELECT card_id, remaining IS NULL, COALESCE(unfolded, FALSE), %s
                     FROM loyalty_history
                    WHERE card_id IN %s AND %s
                 ORDER BY card_id, id""",
                ENTRY_COLUMNS,
                tuple(self.ids),
                is_open or self._get_open_condition(),
            )
        )
        loaded: dict[int, list] = {}
        for card_id, is_new, is_unfolded, *columns in rows:
            loaded.setdefault(card_id, []).append((Entry.from_row(*columns), is_new, is_unfolded))
        return loaded

    def _load_taken(self, new: list[Entry]) -> dict[int, list[Allocation]]:
        """Return what the rows that are given back had taken, by row."""
        reversed_ids = tuple({entry.reversed_id for entry in new if entry.reversed_id})
        if not reversed_ids:
            return {}
        taken: dict[int, list[Allocation]] = {}
        for consumer_id, award_id, qty in self.env.execute_query(
            SQL(
                'SELECT consumer_id, award_id, qty FROM loyalty_allocation'
                ' WHERE consumer_id IN %s ORDER BY id',
                reversed_ids,
            )
        ):
            row = Allocation(consumer_id, award_id, to_points(qty))
            taken.setdefault(consumer_id, []).append(row)
        return taken

    @api.model
    def _open_ledgers(self, loaded: dict[int, list]) -> dict[int, tuple[Ledger, list[Entry]]]:
        """Return the ledger of each card as it was before its new rows, and these.

        :param loaded: as of :meth:`_load_open_rows`
        """
        new = {
            card_id: [entry for entry, is_new, _is_unfolded in rows if is_new]
            for card_id, rows in loaded.items()
        }
        every = [entry for entries in new.values() for entry in entries]
        taken = self._load_taken(every)
        referred = self._load_referred(every, taken)
        return {
            card_id: (
                self._open_ledger(
                    [row[0] for row in rows], new[card_id], taken, referred.get(card_id, {})
                ),
                new[card_id],
            )
            for card_id, rows in loaded.items()
        }

    @api.model
    def _open_ledger(
        self,
        rows: list[Entry],
        new: list[Entry],
        taken: dict[int, list[Allocation]],
        referred: dict[int, tuple],
    ) -> Ledger:
        """Return the ledger of a card as it was before its new rows.

        :param rows: all its rows with something remaining, and the new ones
        :param taken: as of :meth:`_load_taken`
        :param referred: as of :meth:`_load_referred`, those of this card
        """
        known = {entry.id for entry in rows}
        new_ids = {entry.id for entry in new}
        entries = {entry.id: entry for entry in rows if entry.id not in new_ids}
        for row_id in (self._get_referred_ids(new, taken) - known) & referred.keys():
            entries[row_id] = Entry.from_row(*referred[row_id])
        return Ledger(entries, taken)

    @api.model
    def _get_referred_ids(self, new: list[Entry], taken: dict[int, list[Allocation]]) -> set[int]:
        """Return ids of the rows that new ones refer to, or would open again.

        :param taken: as of :meth:`_load_taken`
        """
        reversed_ids = {entry.reversed_id for entry in new}
        ids = reversed_ids | {entry.award_id for entry in new}
        ids |= {row.award_id for row_id in reversed_ids for row in taken.get(row_id, ())}
        return ids - {None}

    @api.model
    def _load_referred(
        self, new: list[Entry], taken: dict[int, list[Allocation]]
    ) -> dict[int, dict[int, tuple]]:
        """Return the columns of the rows that new ones refer to, by card and id; most are closed.

        What stands on a card that was merged into another stays as it is.
        """
        ids = self._get_referred_ids(new, taken)
        if not ids:
            return {}
        referred: dict[int, dict[int, tuple]] = {}
        for card_id, *columns in self.env.execute_query(
            SQL('SELECT card_id, %s FROM loyalty_history WHERE id IN %s', ENTRY_COLUMNS, tuple(ids))
        ):
            referred.setdefault(card_id, {})[columns[0]] = tuple(columns)
        return referred

    def _store_remaining(self, remaining: dict[int, Decimal]) -> None:
        for chunk in split_every(5000, remaining.items()):
            self.env.execute_query(
                SQL(
                    """UPDATE loyalty_history SET remaining = new.remaining, unfolded = FALSE
                         FROM (VALUES %s) new (id, remaining) WHERE loyalty_history.id = new.id
                    RETURNING loyalty_history.id""",
                    SQL(', ').join(SQL('(%s, %s::numeric)', *row) for row in chunk),
                )
            )

    def _store_allocations(self, allocations: list[Allocation]) -> None:
        for chunk in split_every(5000, allocations):
            self.env.execute_query(
                SQL(
                    'INSERT INTO loyalty_allocation (consumer_id, award_id, qty) VALUES %s'
                    ' RETURNING id',
                    SQL(', ').join(SQL('(%s, %s, %s)', *row) for row in chunk),
                )
            )

    @api.model
    def _cron_fold(self) -> None:
        """Fold what a crash left between a commit and its fold."""
        after = 0
        while card_ids := [
            card_id
            for (card_id,) in self.env.execute_query(
                SQL(
                    'SELECT DISTINCT card_id FROM loyalty_history'
                    ' WHERE unfolded AND card_id > %s ORDER BY card_id LIMIT %s',
                    after,
                    FOLD_SIZE,
                )
            )
        ]:
            after = card_ids[-1]
            if self._is_in_test():
                self.browse(card_ids)._fold()
            else:
                self.env.cr.commit()  # pylint: disable=invalid-commit
                _fold_committed(self.env.registry, set(card_ids))


#: columns of ``loyalty.history`` in the order of ``ledger.Entry``
ENTRY_COLUMNS = SQL('id, qty, COALESCE(remaining, 0), expire_on, award_id, reversed_id')


@contextmanager
def short_transaction(registry, context: dict, lock_timeout: str = '5s', durable: bool = True):
    """Open an environment of the system in a transaction of its own, committed at the end.

    Each statement sees what was committed before it: nobody is refused here.

    :param context: of the environment
    :param lock_timeout: how long to wait for whoever has a card
    :param durable: False where a job does again what a crash of the server forgets
    """
    with registry.cursor() as cr:
        # in one round trip
        cr.execute(
            SQL(
                'SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = %s%s',
                lock_timeout,
                SQL() if durable else SQL('; SET LOCAL synchronous_commit = off'),
            )
        )
        yield api.Environment(cr, SUPERUSER_ID, context)


def _fold_committed(registry, card_ids: set[int]) -> None:
    """Fold in transactions of our own; never raises, the order is committed."""
    for chunk in split_every(FOLD_SIZE, sorted(card_ids)):
        try:
            with short_transaction(registry, {}, '500ms', durable=False) as env:
                env['loyalty.card'].browse(chunk)._fold()
        except psycopg2.OperationalError as error:
            _logger.info("Rows of %s cards are folded by the job: %s", len(chunk), error)
        except Exception:
            _logger.exception("Rows of %s cards could not be folded", len(chunk))
