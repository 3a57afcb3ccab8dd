from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, ValidationError
from odoo.tools import SQL

from odoo.addons.crm_customer.client_call import get_client_call

from ..ledger import to_points

if TYPE_CHECKING:
    from .loyalty_card_ledger import Movement

#: class of our advisory locks: "loya"
LOCK_CLASS = 0x6C6F7961
#: kinds that need the points they take; taking back what was earned may lead to debt
SPENDING_KINDS = frozenset(('burn', 'transfer'))
OWN = 'crm_loyalty.own'
#: models and methods clients call that spend points: the transaction is theirs from its beginning
DIRECT_CALLS = frozenset(
    {
        *(('sale.order', method) for method in ('action_confirm', 'action_cancel')),
        ('loyalty.card', 'action_write_off'),
        *(('loyalty.card', f'api_{method}') for method in ('earn', 'hold', 'capture', 'reverse')),
    }
)
#: value of the context key loyalty_begin_anew; an object, which no client can send
ANEW = object()


class Free(NamedTuple):
    """What there is to spend from a card."""

    balance: Decimal
    #: part of it that others may not touch
    held: Decimal
    #: part of it whose last day is over, and that no job has taken yet
    overdue: Decimal = Decimal(0)

    def plus(self, balance: Decimal = Decimal(0), held: Decimal = Decimal(0)) -> Free:
        """Return it with rows and holds more."""
        return Free(self.balance + balance, self.held + held, self.overdue)

    def get_lost(self, pinned: Decimal = Decimal(0)) -> Decimal:
        """Return the points that have expired; what is held does not.

        :param pinned: what was held until this moment for what is spent now
        """
        return max(self.overdue - self.held - pinned, Decimal(0))

    def with_own(self, given: Decimal, pinned: Decimal = Decimal(0)) -> Decimal:
        """Return what can be spent by a document that gives points too; a debt comes first."""
        free = self.balance - self.get_lost(pinned) - self.held
        return free + (given if self.balance >= 0 else 0)


class LoyaltyCard(models.Model):
    """Who may spend: of those who burn points of one card at once, one after the other.

    A lock alone orders nothing under Odoo's isolation level: who waited for it still reads what was
    there when his transaction began.  So the lock is taken with a snapshot younger than the lock,
    and where something was written already, which cannot be begun anew, the balance is looked up
    on a second connection.
    """

    _inherit = 'loyalty.card'

    def _lock_fresh(self) -> None:
        """Lock these cards for the rest of the transaction, and see them as they are now.

        Call it before the first write of the transaction, for all cards it will spend from.  What
        was read before is read again.  Where the transaction cannot be begun anew the cards are
        only locked, and balances are looked up on a second connection.
        """
        ids = sorted(self.ids)
        if not ids or self._is_in_test():
            return
        cr = self.env.cr
        self.env.flush_all()
        if not self._may_begin_anew():
            self._lock()
            return
        try:
            for card_id in ids:
                cr.execute('SELECT pg_advisory_lock(%s, %s)', [LOCK_CLASS, card_id])
            cr.rollback()  # nothing was written; the next statement begins a new snapshot
            self._lock()
        except Exception:
            cr.rollback()
            raise
        finally:
            for card_id in ids:
                cr.execute('SELECT pg_advisory_unlock(%s, %s)', [LOCK_CLASS, card_id])
        self.env.invalidate_all(flush=False)
        self._get_own()['fresh'].update(ids)

    @api.model
    def _may_begin_anew(self) -> bool:
        """Return whether the transaction can be rolled back without anybody losing anything.

        Only when nothing was written, and when this is what the client called or a job of ours
        began: other code may have opened a savepoint, which PostgreSQL does not tell.
        """
        is_ours = self.env.context.get('loyalty_begin_anew') is ANEW
        if not is_ours and not self._is_called_directly():
            return False
        [[xid]] = self.env.execute_query(SQL('SELECT pg_current_xact_id_if_assigned()::text'))
        return not xid

    @api.model
    def _is_called_directly(self) -> bool:
        """Return whether a client called one of our methods, and not what calls them."""
        call = get_client_call()
        return bool(call) and (call.model, call.method) in DIRECT_CALLS

    def _lock(self) -> None:
        """Lock these cards for the rest of the transaction, in the order of their ids."""
        for card_id in sorted(self.ids):
            self.env.cr.execute('SELECT pg_advisory_xact_lock(%s, %s)', [LOCK_CLASS, card_id])

    # ------------------------------------------------------------
    # AUTHORISATION
    # ------------------------------------------------------------

    @api.model
    def _authorise_movements(self, movements: list[Movement]) -> None:
        """Make sure that movements spend no more than there is; see :meth:`_ensure_free`."""
        wanted: dict[int, Decimal] = {}
        incoming: dict[int, Decimal] = {}
        for row in movements:
            if row.kind in SPENDING_KINDS and not row.is_final:
                wanted[row.card_id] = wanted.get(row.card_id, Decimal(0)) - row.qty
            elif row.kind == 'earn':
                incoming[row.card_id] = incoming.get(row.card_id, Decimal(0)) + row.qty
        wanted = {card_id: qty for card_id, qty in wanted.items() if qty > 0}
        if wanted:
            self.browse(wanted)._ensure_free(wanted, incoming, self._take_pinned(wanted))

    @api.model
    def _take_pinned(self, wanted: dict[int, Decimal]) -> dict[int, Decimal]:
        """Return what this transaction captured for what it spends now, once for each point."""
        captured = self._get_own()['captured']
        pinned: dict[int, Decimal] = {}
        for hold_id, (card_id, qty) in list(captured.items()):
            if card_id in wanted:
                del captured[hold_id]
                pinned[card_id] = pinned.get(card_id, Decimal(0)) + qty
        return {card_id: min(qty, wanted[card_id]) for card_id, qty in pinned.items()}

    def _ensure_free(
        self,
        wanted: dict[int, Decimal],
        incoming: dict[int, Decimal] | None = None,
        pinned: dict[int, Decimal] | None = None,
    ) -> None:
        """Make sure that there is as much as somebody wants to spend or hold.

        What is over its last day expires before, so that nothing is spent of it.

        :param wanted: points by card
        :param incoming: what the same document gives, by card; it counts where the program says so
        :param pinned: what was held for it until now, by card
        :raise ValidationError: a card has not the points
        :raise ConcurrencyError: it had when the transaction began; Odoo runs it again
        """
        cards = self.sudo().browse(wanted)
        self.env.flush_all()
        seen = cards._read_free(self.env.cr)
        free = cards._read_free_now()
        for card in cards:
            kept = (pinned or {}).get(card.id, Decimal(0))
            given = Decimal(0)
            if incoming and card.program_id._can_redeem_earned():
                given = incoming.get(card.id, Decimal(0))
            spendable = free[card.id].with_own(given, kept)
            if spendable < wanted[card.id]:
                if seen[card.id].with_own(given, kept) >= wanted[card.id]:
                    raise ConcurrencyError(f"Points of card {card.id} were spent meanwhile")
                spendable = max(spendable, Decimal(0))
                raise ValidationError(card._get_too_few_message(wanted[card.id], spendable))
            if lost := free[card.id].get_lost(kept):
                card._expire_lost(lost, seen[card.id], free[card.id])

    def _expire_lost(self, lost: Decimal, seen: Free, free: Free) -> None:
        """Expire what is over its last day, before anything is spent.

        :param lost: as of :meth:`Free.get_lost`
        :param seen: what this transaction saw
        :param free: what there is now
        :raise ConcurrencyError: others did something with it; Odoo runs this one again
        """
        self.ensure_one()
        if seen[1:] != free[1:]:
            raise ConcurrencyError(f"Points of card {self.id} expire at this moment")
        self._expire_overdue(lost)

    def _get_too_few_message(self, wanted: Decimal, free: Decimal) -> str:
        """Return what to tell whoever spends more than there is."""
        self.ensure_one()
        return self.env._(
            "%(card)s has %(free)s, which is less than the %(wanted)s to redeem. Take away a "
            "reward or choose a smaller one.",
            card=self.display_name,
            free=self._format_points_text(float(free)),
            wanted=self._format_points_text(float(wanted)),
        )

    def _read_free(self, cr, own: dict | None = None) -> dict[int, Free]:
        """Return balances, and what is held and over of them, as a connection sees them.

        :param cr: cursor to read with
        :param own: :meth:`_get_own`, where the cursor is another one: its holds do not count, and
            what is over is looked for with its rows
        """
        own = own or {'holds': frozenset(), 'rows': {}}
        cr.execute(
            SQL(
                """SELECT card.id, round(COALESCE(card.points, 0)::numeric, 2) + COALESCE((
                              SELECT sum(qty) FROM loyalty_history
                               WHERE card_id = card.id AND unfolded), 0), %s, %s
                     FROM loyalty_card card WHERE card.id IN %s""",
                self.env['loyalty.hold']._get_held_sql(SQL('card.id'), own['holds']),
                self._get_overdue_sql(SQL('card')),
                tuple(self.ids),
            )
        )
        rows = cr.fetchall()
        moved = {card_id for card_id, *_numbers, overdue in rows if overdue is None}
        moved |= {card_id for card_id, *_numbers in rows}.intersection(own['rows'].values())
        matched = self.browse(moved)._sum_overdue(cr, own['rows'])
        return {
            card_id: Free(
                to_points(points),
                to_points(held),
                matched.get(card_id, Decimal(0)) if card_id in moved else to_points(overdue),
            )
            for card_id, points, held, overdue in rows
        }

    def _read_free_now(self) -> dict[int, Free]:
        """Lock the cards and return :meth:`_read_free` as of now, not of when we began."""
        if self._is_in_test() or set(self.ids) <= self._get_own()['fresh']:
            return self._read_free(self.env.cr)
        self._lock()
        return self._read_committed_free()

    def _read_committed_free(self) -> dict[int, Free]:
        """Return :meth:`_read_free` as of by now, with rows and holds of this transaction."""
        own = self._get_own()
        none = Free(Decimal(0), Decimal(0))
        with self.env.registry.cursor() as cr:
            cr.execute("SET LOCAL lock_timeout = '5s'")
            free = {**dict.fromkeys(self.ids, none), **self._read_free(cr, own)}
        for card_id, qty in self._read_own_sums('loyalty_history', own['rows']):
            free[card_id] = free[card_id].plus(balance=to_points(qty))
        held = SQL("AND state = 'held' AND expires_at > %s", fields.Datetime.now())
        for card_id, qty in self._read_own_sums('loyalty_hold', own['holds'], held):
            free[card_id] = free[card_id].plus(held=to_points(qty))
        return free

    def _sum_moved_since(self, moment: datetime) -> Decimal:
        """Return by how much the balance of this card changed after a moment (UTC)."""
        self.ensure_one()
        [[qty]] = self.env.execute_query(
            SQL(
                'SELECT COALESCE(sum(qty), 0) FROM loyalty_history'
                ' WHERE card_id = %s AND date > %s',
                self.id,
                moment,
            )
        )
        return to_points(qty)

    def _read_own_sums(self, table: str, ids, condition: SQL | None = None) -> list[tuple]:
        """Return the sums of rows of this transaction, by card."""
        if not ids:
            return []
        return self.env.execute_query(
            SQL(
                'SELECT card_id, sum(qty) FROM %s'
                ' WHERE id IN %s AND card_id IN %s %s GROUP BY card_id',
                SQL.identifier(table),
                tuple(ids),
                tuple(self.ids),
                condition or SQL(),
            )
        )

    # ------------------------------------------------------------
    # WHAT THIS TRANSACTION DID
    # ------------------------------------------------------------

    @api.model
    def _get_own(self) -> dict:
        """Return the rows posted, the holds changed and the cards locked by this transaction.

        Kept with what follows the commit, which nothing but the end of the transaction forgets;
        the cache of the cursor is emptied when a savepoint is rolled back, which is how we know.
        """
        kept = self.env.cr.postcommit.data
        now = self.env.cr.now()
        if kept.get(OWN, {}).get('now') != now:
            kept[OWN] = {
                'now': now,
                'rows': {},
                'hints': {},
                'fresh': set(),
                'holds': set(),
                'captured': {},
                'overdue': {},
                'given': {},
            }
        elif OWN not in self.env.cr.cache:
            self._forget_undone(kept[OWN])
        self.env.cr.cache[OWN] = True
        return kept[OWN]

    @api.model
    def _forget_undone(self, own: dict) -> None:
        """Forget what this transaction noted and a savepoint undid.

        :param own: as of :meth:`_get_own`
        """
        own['overdue'].clear()
        if own['captured']:
            still = SQL(
                "SELECT id FROM loyalty_hold WHERE id IN %s AND state = 'captured'",
                tuple(own['captured']),
            )
            left = {hold_id for (hold_id,) in self.env.execute_query(still)}
            own['captured'] = {id_: own['captured'][id_] for id_ in own['captured'] if id_ in left}
        ids = {*own['rows'], *(row_id for ids in own['hints'].values() for row_id in ids)}
        if not ids:
            return
        rows = self.env.execute_query(
            SQL('SELECT id FROM loyalty_history WHERE id IN %s', tuple(ids))
        )
        left = {row_id for (row_id,) in rows}
        own['rows'] = {row_id: card for row_id, card in own['rows'].items() if row_id in left}
        own['hints'] = {
            card: [row_id for row_id in row_ids if row_id in left]
            for card, row_ids in own['hints'].items()
        }

    @api.model
    def _remember_own(self, inserted: list[tuple[int, int]]) -> None:
        """Note rows of this transaction.

        :param inserted: ids of row and card
        """
        self._get_own()['rows'].update(inserted)
