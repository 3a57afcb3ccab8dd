from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import chain

import psycopg2

from odoo import api, models
from odoo.tools import SQL, split_every

from .loyalty_card_ledger import short_transaction
from .loyalty_card_lock import LOCK_CLASS

_logger = logging.getLogger(__name__)

#: cards of one transaction: each takes an advisory lock, of which a server has a few thousand
CHUNK_SIZE = 1000
#: cards looked for at once
PAGE_SIZE = 50_000


class LoyaltyCardJob(models.AbstractModel):
    """Moves points of many cards, and folds them at once.

    Chunk by chunk, each a transaction of its own that sees what was committed before each of its
    statements and holds the locks of its cards: nobody redeems their points meanwhile, nobody's
    order fails, and of two workers on one card the second finds nothing left to do.  The data say
    what there is to do, so a run that was cut off is gone on with by the next one.
    """

    _name = 'loyalty.card.job'
    _description = 'Job over Member Cards'

    def _do_found(self, method: str, finder: SQL, shard: int, shards: int, *args) -> bool:
        """Call a method for all cards a finder gives, committing each chunk.

        Cards that others have come last, one by one.  When the time of the worker is over, the
        scheduled action is called again at once, unless nothing could be done.

        :param method: of this model, called with ids of cards whose locks the transaction has
        :param finder: SELECT of ``card_id``
        :param shard: number of this worker, from 0, of so many ``shards``
        :param args: for the method, too
        :return: whether it came to the end
        """
        done = 0
        waiting: list[int] = []
        chunks = ((chunk, False) for chunk in self._get_chunks(finder, shard, shards))
        # read after the chunks, which fill it
        busy = (([card_id], True) for card_id in waiting)
        for card_ids, wait in chain(chunks, busy):
            left = self._do_chunk(method, card_ids, *args, wait=wait)
            if not wait:
                waiting += left
            number = len(card_ids) - len(left)
            done += number
            if not self._commit_progress(number):
                if done:
                    self.env['ir.cron']._call_again()
                return False
        return True

    def _get_chunks(self, finder: SQL, shard: int, shards: int) -> Iterator[list[int]]:
        last_id = 0
        while card_ids := self._get_page(finder, last_id, shard, shards):
            last_id = card_ids[-1]
            yield from map(list, split_every(CHUNK_SIZE, card_ids))

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

    @api.model
    def _do_chunk(self, method: str, card_ids: list[int], *args, wait: bool = False) -> list[int]:
        """Call a method for these cards, in a transaction of its own; errors are logged.

        :param wait: for whoever has a card, a few seconds; else it is left out
        :return: the cards that are left, to be waited for
        """
        if self.env['loyalty.card']._is_in_test():
            getattr(self, method)(card_ids, *args)
            return []
        try:
            with short_transaction(self.env.registry, self.env.context, durable=False) as env:
                job = env[self._name]
                locked = job._lock_cards(card_ids, wait)
                if locked:
                    getattr(job, method)(locked, *args)
        except psycopg2.OperationalError as error:
            _logger.info("%s: %s cards come later: %s", method, len(card_ids), error)
        except Exception:
            _logger.exception("%s: %s cards could not be done", method, len(card_ids))
        else:
            return sorted(set(card_ids).difference(locked))
        return card_ids

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
