from __future__ import annotations

import logging
from datetime import datetime, timedelta
from decimal import Decimal

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from ..ledger import ZERO, to_points
from .loyalty_card_ledger import FOLD_SIZE, Movement, short_transaction

_logger = logging.getLogger(__name__)


class LoyaltyCard(models.Model):
    """What becomes of a debt: points that were taken back after they were spent.

    It stays and is paid by what comes in, or the program writes it off, at once or after some time.
    What was written off because points had been spent is taken back when these points come back.
    """

    _inherit = 'loyalty.card'

    def action_write_off(self) -> None:
        """Bring cards below zero back to it; the rows say what was lost."""
        if not self.env.user.has_group('crm_loyalty.group_manager'):
            raise AccessError(self.env._("Only loyalty administrators write off debts."))
        self.check_access('write')
        cards = self.sudo().filtered('is_member')
        cards._lock_fresh()
        balances = cards._read_free_now()
        cards._write_off({card_id: -free.balance for card_id, free in balances.items()})

    def _write_off(self, losses: dict[int, Decimal]) -> None:
        """Post what is lost on cards below zero.

        :param losses: points by card; nothing is done for those without
        """
        losses = {card_id: qty for card_id, qty in losses.items() if qty > 0}
        if not losses:
            return
        self.env.flush_all()
        # no two for the same state of a card
        last = self.env.execute_query(
            SQL(
                'SELECT card_id, max(id) FROM loyalty_history WHERE card_id IN %s GROUP BY card_id',
                tuple(losses),
            )
        )
        self.sudo()._post(
            [
                Movement(card_id, losses[card_id], 'loss', key=f'loss:{card_id}:{row_id}')
                for card_id, row_id in last
            ]
        )

    @api.model
    def _get_fold_fields(self):
        return [*super()._get_fold_fields(), 'negative_policy']

    def _fold_after_hook(self, changes):
        res = super()._fold_after_hook(changes)
        losses = {card_id: -new for card_id, (_old, new) in changes.items() if new < 0}
        cards = self.browse(losses)
        floored = cards.filtered(lambda card: card.program_id.negative_policy == 'floor')
        floored._write_off({card.id: losses[card.id] for card in floored})
        return res

    # ------------------------------------------------------------
    # WHAT COMES BACK
    # ------------------------------------------------------------

    @api.model
    def _prepare_loss_returns(self, movements: list[Movement]) -> list[Movement]:
        """Return what takes back losses, where the points that were missing are given back.

        Otherwise an order that earned and one that redeemed, both cancelled, would leave the
        points that were written off in between.
        """
        returns: list[Movement] = []
        for row in movements:
            if row.kind == 'unburn' and row.reversed_id:
                returns += self._prepare_loss_return(row, returns)
        return returns

    @api.model
    def _prepare_loss_return(self, row: Movement, planned: list[Movement]) -> list[Movement]:
        """Return what takes back losses because of one row that gives points back.

        :param planned: what is taken back already in the same statement
        """
        returns = []
        missing = row.qty
        for loss_id, qty in self._get_losses_since(row.reversed_id):
            qty += sum((back.qty for back in planned if back.award_id == loss_id), ZERO)
            if (part := min(qty, missing)) <= 0:
                continue
            missing -= part
            returns.append(
                Movement(
                    row.card_id,
                    -part,
                    'loss',
                    key=row.key and f'loss:{row.key}:{loss_id}',
                    order_model=row.order_model,
                    order_id=row.order_id,
                    award_id=loss_id,
                )
            )
        return returns

    @api.model
    def _get_losses_since(self, row_id: int) -> list[tuple[int, Decimal]]:
        """Return what was written off after a row, less what was taken back of it, oldest first.

        :param row_id: of a redemption; on its card, and after a merge on the one that took over
        :return: ids and points
        """
        rows = self.env.execute_query(
            SQL(
                """WITH burn AS (
                       SELECT row.id, row.card_id, card.merged_row_id,
                              COALESCE(card.merged_into_id, card.id) AS last_card_id
                         FROM loyalty_history row
                         JOIN loyalty_card card ON card.id = row.card_id
                        WHERE row.id = %s)
                   SELECT lost.id,
                          lost.qty + COALESCE((SELECT sum(back.qty) FROM loyalty_history back
                                                WHERE back.award_id = lost.id
                                                  AND back.kind = 'loss'), 0)
                     FROM burn
                     JOIN loyalty_card card
                       ON card.id = burn.last_card_id OR card.merged_into_id = burn.last_card_id
                     JOIN loyalty_history lost ON lost.card_id = card.id
                      AND lost.kind = 'loss' AND lost.qty > 0 AND lost.id > burn.id
                      AND (card.id = burn.card_id OR lost.id > burn.merged_row_id)
                 ORDER BY lost.id""",
                row_id,
            )
        )
        return [(loss_id, to_points(qty)) for loss_id, qty in rows]

    # ------------------------------------------------------------
    # JOB
    # ------------------------------------------------------------

    @api.model
    def _cron_write_off(self) -> None:
        """Write off debts that are older than their program lets them become."""
        programs = self.env['loyalty.program'].with_context(active_test=False)
        for program in programs.search([('negative_policy', '=', 'writeoff')]):
            before = fields.Datetime.now() - timedelta(days=program.write_off_days)
            after = 0
            while card_ids := self._get_old_debtors(program, before, after):
                after = card_ids[-1]
                self._write_off_chunk(card_ids, before)

    @api.model
    def _get_old_debtors(self, program, before: datetime, after: int) -> list[int]:
        """Return the next cards of a program with something open since before a moment."""
        rows = self.env.execute_query(
            SQL(
                """SELECT DISTINCT row.card_id
                     FROM loyalty_history row
                     JOIN loyalty_card card ON card.id = row.card_id AND card.is_member
                    WHERE card.program_id = %s AND row.remaining < 0 AND row.posted_at <= %s
                      AND row.card_id > %s
                 ORDER BY row.card_id LIMIT %s""",
                program.id,
                before,
                after,
                FOLD_SIZE,
            )
        )
        if not self._is_in_test():
            self.env.cr.commit()  # no old snapshot while others work  # pylint: disable=invalid-commit
        return [card_id for (card_id,) in rows]

    @api.model
    def _write_off_chunk(self, card_ids: list[int], before: datetime) -> None:
        """Write off old debts in a transaction of its own; never raises."""
        if self._is_in_test():
            self.browse(card_ids)._write_off_old(before)
            return
        try:
            with short_transaction(self.env.registry, self.env.context) as env:
                env[self._name].browse(card_ids)._write_off_old(before)
        except psycopg2.OperationalError as error:
            _logger.info("Debts of %s cards are written off later: %s", len(card_ids), error)
        except Exception:
            _logger.exception("Debts of %s cards could not be written off", len(card_ids))

    def _write_off_old(self, before: datetime) -> None:
        """Write off what is open since before a moment, younger debts stay."""
        self._lock()
        self._fold()  # takes the rows of the cards too
        rows = self.env.execute_query(
            SQL(
                """SELECT card_id, -sum(remaining) FROM loyalty_history
                    WHERE card_id IN %s AND remaining < 0 AND posted_at <= %s
                 GROUP BY card_id""",
                tuple(self.ids),
                before,
            )
        )
        self._write_off({card_id: to_points(qty) for card_id, qty in rows})
