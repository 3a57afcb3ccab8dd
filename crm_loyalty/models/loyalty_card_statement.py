from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytz

from odoo import api, fields, models
from odoo.exceptions import AccessError, ValidationError
from odoo.tools import SQL

from ..ledger import ZERO, Entry, replay, to_points
from .loyalty_card_ledger import ENTRY_COLUMNS
from .loyalty_program import POINT_DIGITS

#: movements of one page, at most
MAX_PAGE_SIZE = 1000


class PendingPoints(NamedTuple):
    """Points a member will get, which are no row of the ledger yet."""

    qty: Decimal
    #: the day they come in, when it is known
    day: date | None
    #: for the customer
    text: str


class Position(NamedTuple):
    """Place of a movement in the statement, which begins with the newest one."""

    date: datetime
    id: int

    def encode(self) -> str:
        return f'{self.date.isoformat()}|{self.id}'


class StatementPeriod(NamedTuple):
    """What of a card's ledger a statement shows, in UTC; the ends are excluded."""

    #: rows posted later are not known to it
    known_until: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    #: rows older than this one only
    position: Position | None = None


class LoyaltyCard(models.Model):
    """The statement: what a member can check, and staff and other programs see as well.

    The number of queries does not depend on how many movements a card has.
    """

    _inherit = 'loyalty.card'

    points_debt = fields.Float(
        string="Debt",
        digits=POINT_DIGITS,
        compute='_compute_points_debt',
        search='_search_points_debt',
        help="Points taken back that were spent already. What comes in next pays them first.",
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends('points', 'is_member')
    def _compute_points_debt(self):
        for card in self:
            card.points_debt = max(-card.points, 0) if card.is_member else 0

    @api.model
    def _search_points_debt(self, operator, value):
        """Find cards by their debt; only rows that nothing covered yet are looked at."""
        mirrored = {'>': '<', '>=': '<=', '<': '>', '<=': '>='}
        if operator not in mirrored:
            return NotImplemented
        balance = [('is_member', '=', True), ('points', mirrored[operator], -float(value))]
        in_debt = operator in ('>', '>=') and (value > 0 or (value == 0 and operator == '>'))
        if not in_debt:
            return balance
        return [('id', 'in', self._get_uncovered_sql()), *balance]

    @api.model
    def _get_uncovered_sql(self) -> SQL:
        """Return a SELECT of all cards that may be in debt, by two small indexes."""
        return SQL(
            """(SELECT card_id FROM loyalty_history WHERE remaining < 0
                 UNION SELECT card_id FROM loyalty_history WHERE unfolded)"""
        )

    # ------------------------------------------------------------
    # PENDING
    # ------------------------------------------------------------

    def _get_pending_points(self) -> dict[int, list[PendingPoints]]:
        """Return the points that will come in, by card, those that come first at first."""
        return {}

    # ------------------------------------------------------------
    # FOR INTEGRATORS
    # ------------------------------------------------------------

    @api.readonly
    def get_balance(self, as_of: str | None = None) -> list[dict]:
        """Read the balances of cards.

        :param as_of: a day, as 2026-05-09: the balance as it was counted at its end, in the
            program's time zone; movements entered later are not in it, whatever their date.  What
            is pending and held is known for now only
        :return: for each card, in this order, ``card_id``, ``code``, ``balance``, ``debt``,
            ``pending``, ``held`` and ``free`` (what can be redeemed), in points; with ``as_of``
            the last three are None
        :raise AccessError: the card is not the user's, nor may he read it
        :raise ValidationError: a day that is none
        """
        day = self._parse_statement_day(as_of)
        cards = self._ensure_can_read_statement()
        balances = cards._get_balances_at(day)
        pending = {} if day else cards._get_pending_points()
        return [
            card._prepare_balance_vals(balances[card.id], day, pending.get(card.id, []))
            for card in cards
        ]

    @api.readonly
    def get_statement(
        self,
        as_of: str | None = None,
        date_from: str | None = None,
        date_to: str | None = None,
        before: str | None = None,
        limit: int = 80,
    ) -> dict:
        """Read the statement of one card: balances, what expires when, and a page of movements.

        Days are those of the program's time zone, given as 2026-05-09.  Movements are sorted by
        their date, newest first; ``balance`` of each is the sum up to it, so that the last one of
        a period is its closing balance.  One entered later stands at its own date, and
        ``posted_at`` says when it was entered.

        :param as_of: the statement as it was counted at the end of that day
        :param date_from: first day of the movements shown
        :param date_to: last day of the movements shown
        :param before: ``next`` of the page before
        :param limit: number of movements, at most 1000
        :return: what :meth:`get_balance` says of the card, and ``as_of``, ``point_name``,
            ``opening_balance`` and ``closing_balance`` of the period, ``expiring`` (``day``,
            ``points``), ``not_expiring`` (points), ``pending_points`` (``day``, ``points``,
            ``text``), ``movements`` and the cursor ``next``, None on the last page.  A movement
            has ``id``, ``date`` (UTC), ``day``, ``posted_at``, ``kind``, ``kind_name``, ``text``,
            ``multiplier`` (of what an order earned), ``points`` (signed), ``balance``,
            ``expire_on`` and ``document`` (``model``, ``id``, ``name``, ``url``; None when there
            is none or the reader may not open it)
        :raise AccessError: the card is not the user's, nor may he read it
        :raise ValidationError: a day or a cursor that is none
        """
        self.ensure_one()
        day = self._parse_statement_day(as_of)
        card = self._ensure_can_read_statement()
        period = card._get_statement_period(
            day, self._parse_statement_day(date_from), self._parse_statement_day(date_to), before
        )
        balance = card._get_balances_at(day)[card.id]
        pending = [] if day else card._get_pending_points().get(card.id, [])
        later = card._get_later_sums(period)
        limit = max(1, min(limit, MAX_PAGE_SIZE))
        rows = card._get_statement_rows(period, limit + 1)
        page = rows[:limit]
        return {
            **card._prepare_balance_vals(balance, day, pending),
            **card._prepare_expiring(day, balance),
            'as_of': day,
            'point_name': card.point_name or '',
            'opening_balance': float(balance - later['start']),
            'closing_balance': float(balance - later['end']),
            'pending_points': [
                {'day': row.day, 'points': float(row.qty), 'text': row.text} for row in pending
            ],
            'movements': self._prepare_movements(page, balance - later['page']),
            'next': Position(page[-1]['date'], page[-1]['id']).encode()
            if len(rows) > limit
            else None,
        }

    def _ensure_can_read_statement(self) -> LoyaltyCard:
        """Return these cards (sudo), for staff who may read them or the member himself.

        :raise AccessError: one of them is somebody else's
        """
        if self.env.su:
            return self
        if self.env.user._is_internal():
            self.check_access('read')
            return self.sudo()
        own = self.sudo().search(
            [('id', 'in', self.ids), ('partner_id', '=', self.env.user.partner_id.id)]
        )
        if set(self.ids) != set(own.ids):
            raise AccessError(self.env._("This member card is not yours."))
        return self.sudo()

    @api.model
    def _parse_statement_day(self, text: str | date | None) -> date | None:
        """Return the day that a client gave."""
        try:
            day = date.fromisoformat(text) if text and not isinstance(text, date) else text
        except (TypeError, ValueError) as error:
            raise ValidationError(self.env._("Give days as 2026-05-09.")) from error
        # its end, in any time zone, is a moment too
        if day and not date.min.year < day.year < date.max.year:
            raise ValidationError(self.env._("Give days as 2026-05-09."))
        return day or None

    @api.model
    def _parse_statement_position(self, text: str | None) -> Position | None:
        if not text:
            return None
        try:
            moment, row_id = text.split('|')
            return Position(datetime.fromisoformat(moment), int(row_id))
        except (AttributeError, TypeError, ValueError) as error:
            raise ValidationError(
                self.env._("The statement goes on from another place now. Open it again.")
            ) from error

    def _get_statement_period(self, as_of, date_from, date_to, before) -> StatementPeriod:
        """Return what the statement shows, in UTC."""
        to_utc = self.program_id._to_utc
        next_day = timedelta(days=1)
        return StatementPeriod(
            known_until=to_utc(as_of + next_day) if as_of else None,
            start=to_utc(date_from) if date_from else None,
            end=to_utc(date_to + next_day) if date_to else None,
            position=self._parse_statement_position(before),
        )

    # ------------------------------------------------------------
    # BALANCES
    # ------------------------------------------------------------

    def _get_balances_at(self, day: date | None) -> dict[int, Decimal]:
        """Return the balances as they were counted at the end of a day, by card.

        :param day: in the program's time zone; None for now
        """
        balances = {card.id: to_points(card.points) for card in self}
        if not day:
            return balances
        self.env.flush_all()
        for program, cards in self.grouped('program_id').items():
            for card_id, qty in self.env.execute_query(
                SQL(
                    """SELECT card_id, sum(qty) FROM loyalty_history
                        WHERE card_id IN %s AND COALESCE(posted_at, date) >= %s GROUP BY card_id""",
                    tuple(cards.ids),
                    program._to_utc(day + timedelta(days=1)),
                )
            ):
                balances[card_id] -= to_points(qty)
        return balances

    def _prepare_balance_vals(
        self, balance: Decimal, day: date | None, pending: list[PendingPoints]
    ) -> dict:
        """Return one card of :meth:`get_balance`.

        :param balance: at the end of ``day``
        """
        return {
            'card_id': self.id,
            'code': self.code,
            'balance': float(balance),
            'debt': float(max(-balance, ZERO)) if self.is_member else 0.0,
            'pending': None if day else float(sum((row.qty for row in pending), ZERO)),
            'held': None if day else self.points_held,
            'free': None if day else self.points_free,
        }

    def _get_later_sums(self, period: StatementPeriod) -> dict[str, Decimal]:
        """Return the sums of known rows after the start, the end and the place of the page."""
        never = SQL('FALSE')
        after_end = SQL('date >= %s', period.end) if period.end else never
        after_start = SQL('date >= %s', period.start) if period.start else SQL('TRUE')
        not_older = SQL('(date, id) >= (%s, %s)', *period.position) if period.position else never
        self.env.flush_all()
        [row] = self.env.execute_query(
            SQL(
                """SELECT sum(qty) FILTER (WHERE %(after_start)s),
                          sum(qty) FILTER (WHERE %(after_end)s),
                          sum(qty) FILTER (WHERE %(after_end)s OR %(not_older)s)
                     FROM loyalty_history WHERE card_id = %(card_id)s AND %(known)s""",
                after_start=after_start,
                after_end=after_end,
                not_older=not_older,
                card_id=self.id,
                known=self._get_known_sql(period),
            )
        )
        return dict(zip(('start', 'end', 'page'), map(to_points, row), strict=True))

    @api.model
    def _get_known_sql(self, period: StatementPeriod) -> SQL:
        if not period.known_until:
            return SQL('TRUE')
        return SQL('COALESCE(posted_at, date) < %s', period.known_until)

    # ------------------------------------------------------------
    # WHAT EXPIRES WHEN
    # ------------------------------------------------------------

    def _prepare_expiring(self, day: date | None, balance: Decimal) -> dict:
        """Return what is left of the awards, by the last day on which it can be used."""
        open_awards = self._get_open_awards(day) if self.is_member else {}
        days = sorted(expire_on for expire_on in open_awards if expire_on)
        expiring = [{'day': last, 'points': float(open_awards[last])} for last in days]
        dated = sum((open_awards[last] for last in days), ZERO)
        return {'expiring': expiring, 'not_expiring': float(max(balance - dated, ZERO))}

    def _get_open_awards(self, day: date | None) -> dict[date | None, Decimal]:
        """Return the points left by last day of use, as they were at the end of a day."""
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                """SELECT expire_on, sum(remaining), bool_or(remaining IS NULL OR unfolded)
                     FROM loyalty_history
                    WHERE card_id = %s AND (remaining IS NULL OR remaining <> 0)
                 GROUP BY expire_on""",
                self.id,
            )
        )
        if day or any(is_new for _day, _qty, is_new in rows):
            return self._replay_open_awards(day)
        return {expire_on: to_points(qty) for expire_on, qty, _new in rows if qty > 0}

    def _replay_open_awards(self, day: date | None) -> dict[date | None, Decimal]:
        """Return the same by matching the rows anew, as the fold did one after the other."""
        period = self._get_statement_period(day, None, None, None)
        rows = self.env.execute_query(
            SQL(
                'SELECT %s FROM loyalty_history WHERE card_id = %s AND qty <> 0 AND %s ORDER BY id',
                ENTRY_COLUMNS,
                self.id,
                self._get_known_sql(period),
            )
        )
        left: dict[date | None, Decimal] = {}
        for entry in replay(Entry.from_row(*columns) for columns in rows).values():
            if entry.remaining > 0:
                left[entry.expire_on] = left.get(entry.expire_on, ZERO) + entry.remaining
        return left

    # ------------------------------------------------------------
    # MOVEMENTS
    # ------------------------------------------------------------

    def _get_statement_rows(self, period: StatementPeriod, limit: int) -> list[dict]:
        """Return the newest movements of a period; rows that moved nothing are none."""
        conditions = [SQL('card_id = %s', self.id), SQL('qty <> 0'), self._get_known_sql(period)]
        if period.start:
            conditions.append(SQL('date >= %s', period.start))
        if period.end:
            conditions.append(SQL('date < %s', period.end))
        if period.position:
            conditions.append(SQL('(date, id) < (%s, %s)', *period.position))
        columns = (
            *('id', 'date', 'posted_at', 'kind', 'description', 'qty', 'expire_on'),
            *('order_model', 'order_id', 'origin', 'multiplier'),
        )
        self.env.flush_all()
        rows = self.env.execute_query(
            SQL(
                'SELECT %s FROM loyalty_history WHERE %s ORDER BY date DESC, id DESC LIMIT %s',
                SQL(', ').join(map(SQL.identifier, columns)),
                SQL(' AND ').join(conditions),
                limit,
            )
        )
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def _prepare_movements(self, rows: list[dict], balance: Decimal) -> list[dict]:
        """Return the movements as they are read.

        :param rows: newest first
        :param balance: after the first of them
        """
        kinds = dict(self.env['loyalty.history']._fields['kind']._description_selection(self.env))
        documents = self._get_readable_documents(
            {(row['order_model'], row['order_id']) for row in rows}
        )
        zone = pytz.timezone(self.sudo().program_id._get_timezone())
        texts = self.env['loyalty.history']._get_read_texts(
            row['origin'] for row in rows if row['order_model']
        )
        movements = []
        for row in rows:
            qty = to_points(row['qty'])
            movements.append(
                {
                    'id': row['id'],
                    'date': row['date'],
                    'day': pytz.utc.localize(row['date']).astimezone(zone).date(),
                    'posted_at': row['posted_at'] or row['date'],
                    'kind': row['kind'],
                    'kind_name': kinds.get(row['kind'], ''),
                    'text': texts.get(row['description'], row['description']),
                    # of rows nothing was multiplied for there is 0
                    'multiplier': float(row['multiplier'] or 1),
                    'points': float(qty),
                    'balance': float(balance),
                    # points given back keep their days; its day is that of expired ones only
                    'expire_on': None if row['kind'] == 'unburn' else row['expire_on'],
                    'document': documents.get((row['order_model'], row['order_id'])),
                }
            )
            balance -= qty
        return movements

    def _get_readable_documents(self, references: Iterable[tuple]) -> dict[tuple, dict]:
        """Return the documents that the reader may open, by model and id."""
        by_model: dict[str, list[int]] = {}
        for model, res_id in references:
            if res_id and model in self.env:
                by_model.setdefault(model, []).append(res_id)
        documents = {}
        for model, ids in by_model.items():
            for record in self.env[model].browse(sorted(ids)).exists()._filtered_access('read'):
                documents[model, record.id] = {
                    'model': model,
                    'id': record.id,
                    'name': record.display_name,
                    'url': self._get_document_url(record),
                }
        return documents

    @api.model
    def _get_document_url(self, record) -> str:
        """Return where the reader opens a document: in the portal or the back end."""
        if self.env.user._is_internal():
            return f'/odoo/{record._name}/{record.id}'
        return record.access_url if 'access_url' in record._fields else ''
