from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from odoo import api, models
from odoo.exceptions import ConcurrencyError, ValidationError
from odoo.tools import SQL

from ..ledger import to_points

if TYPE_CHECKING:
    from .loyalty_card_ledger import Movement

#: class of our advisory locks: "loya"
LOCK_CLASS = 0x6C6F7961
#: kinds that need the points they take; taking back what was earned may lead to debt
SPENDING_KINDS = frozenset(('burn', 'transfer'))
OWN = 'crm_loyalty.own'


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
        was read before is read again.
        """
        ids = sorted(self.ids)
        if not ids or self._is_in_test():
            return
        cr = self.env.cr
        self.env.flush_all()
        [[xid]] = self.env.execute_query(SQL('SELECT pg_current_xact_id_if_assigned()::text'))
        if xid:
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

    def _lock(self) -> None:
        """Lock these cards for the rest of the transaction, in the order of their ids."""
        for card_id in sorted(self.ids):
            self.env.cr.execute('SELECT pg_advisory_xact_lock(%s, %s)', [LOCK_CLASS, card_id])

    # ------------------------------------------------------------
    # AUTHORISATION
    # ------------------------------------------------------------

    @api.model
    def _authorise_movements(self, movements: list[Movement]) -> None:
        """Make sure that movements spend no more than there is.

        :raise ValidationError: a card has not the points
        :raise ConcurrencyError: it had when the transaction began; Odoo runs it again
        """
        spending: dict[int, Decimal] = {}
        for row in movements:
            if row.kind in SPENDING_KINDS:
                spending[row.card_id] = spending.get(row.card_id, Decimal(0)) - row.qty
        wanted = {card_id: qty for card_id, qty in spending.items() if qty > 0}
        if not wanted:
            return
        cards = self.sudo().browse(wanted)
        stale = not wanted.keys() <= self._get_own()['fresh'] and not self._is_in_test()
        if stale:
            cards._lock()
        seen = cards._read_balances(self.env.cr)
        free = cards._read_committed_balances() if stale else seen
        for card in cards:
            if free[card.id] >= wanted[card.id]:
                continue
            if seen[card.id] >= wanted[card.id]:
                raise ConcurrencyError(f"Points of card {card.id} were spent meanwhile")
            raise ValidationError(card._get_too_few_message(wanted[card.id], free[card.id]))

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

    def _read_balances(self, cr) -> dict[int, Decimal]:
        """Return the balances as a connection sees them.

        :param cr: cursor to read with
        """
        cr.execute(
            SQL(
                """SELECT card.id, round(COALESCE(card.points, 0)::numeric, 2) + COALESCE((
                              SELECT sum(qty) FROM loyalty_history
                               WHERE card_id = card.id AND unfolded), 0)
                     FROM loyalty_card card WHERE card.id IN %s""",
                tuple(self.ids),
            )
        )
        return {card_id: to_points(points) for card_id, points in cr.fetchall()}

    def _read_committed_balances(self) -> dict[int, Decimal]:
        """Return the balances as they are by now, with the rows of this transaction."""
        with self.env.registry.cursor() as cr:
            cr.execute("SET LOCAL lock_timeout = '5s'")
            balances = {**dict.fromkeys(self.ids, Decimal(0)), **self._read_balances(cr)}
        own = tuple(self._get_own()['rows'])
        if own:
            rows = self.env.execute_query(
                SQL(
                    'SELECT card_id, sum(qty) FROM loyalty_history'
                    ' WHERE id IN %s AND card_id IN %s GROUP BY card_id',
                    own,
                    tuple(self.ids),
                )
            )
            for card_id, qty in rows:
                balances[card_id] += to_points(qty)
        return balances

    # ------------------------------------------------------------
    # WHAT THIS TRANSACTION DID
    # ------------------------------------------------------------

    @api.model
    def _get_own(self) -> dict:
        """Return the rows posted and the cards locked afresh by this transaction.

        Kept at the cursor, as its hooks are forgotten at each flush; another transaction of the
        same cursor has another time.
        """
        cache = self.env.cr.cache
        now = self.env.cr.now()
        if cache.get(OWN, {}).get('now') != now:
            cache[OWN] = {'now': now, 'rows': {}, 'hints': {}, 'fresh': set()}
        return cache[OWN]

    @api.model
    def _remember_own(self, inserted: list[tuple[int, int]]) -> None:
        """Note rows of this transaction.

        :param inserted: ids of row and card
        """
        self._get_own()['rows'].update(inserted)
