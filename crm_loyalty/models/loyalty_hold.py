from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..ledger import to_points
from .loyalty_program import POINT_DIGITS

_logger = logging.getLogger(__name__)

#: holds the job looks at in one transaction
CHUNK = 1000
#: days after which finished holds are deleted
KEPT_DAYS = 365


class LoyaltyHold(models.Model):
    """Points set aside for somebody who is about to pay with them, as with a credit card.

    A hold moves no points: the balance stays, but nobody else can spend what is held.  It ends by
    being captured (the points are redeemed), released, or by its time.  Whoever takes one names it
    by a key of his own; asking again with the same key gives the same answer.
    """

    _name = 'loyalty.hold'
    _inherit = ['crm.keyed.mixin']
    _description = 'Held Points'
    _order = 'id desc'
    _rec_name = 'description'

    key = fields.Char(
        string="Owner Key", required=True, help="Given by who holds the points; used once."
    )
    description = fields.Char(required=True, readonly=True, help="What the points are held for.")
    card_id = fields.Many2one(
        'loyalty.card', required=True, readonly=True, index=True, ondelete='cascade'
    )
    partner_id = fields.Many2one(related='card_id.partner_id', string="Member")
    program_id = fields.Many2one(related='card_id.program_id')
    company_id = fields.Many2one(related='card_id.company_id')
    qty = fields.Float(string="Points", digits=POINT_DIGITS, required=True, readonly=True)
    captured_qty = fields.Float(
        string="Redeemed Points",
        digits=POINT_DIGITS,
        readonly=True,
        help="What was redeemed of the points that were held; the rest is free again.",
    )
    expires_at = fields.Datetime(
        string="Held until", required=True, readonly=True, help="After that the points are free."
    )
    state = fields.Selection(
        selection=[
            ('held', "Held"),
            ('captured', "Redeemed"),
            ('released', "Released"),
            ('expired', "Timed Out"),
        ],
        required=True,
        readonly=True,
        default='held',
    )
    origin_model = fields.Char(string="Document Model", readonly=True)
    origin_id = fields.Many2oneReference(
        string="Document", model_field='origin_model', readonly=True
    )

    # found by the beginning of the key, in every collation
    _key_idx = models.Index('(key text_pattern_ops)')
    _live_idx = models.Index("(card_id) WHERE state = 'held'")
    _due_idx = models.Index("(expires_at) WHERE state = 'held'")
    _document_idx = models.Index('(origin_model, origin_id) WHERE origin_id IS NOT NULL')
    _qty_positive = models.Constraint('CHECK (qty > 0)', "More than nothing must be held.")

    # ------------------------------------------------------------
    # READING
    # ------------------------------------------------------------

    def _is_live(self) -> bool:
        """Return whether nobody else may spend these points."""
        self.ensure_one()
        return self.state == 'held' and self.expires_at > fields.Datetime.now()

    def _is_of(self, document) -> bool:
        """Return whether this was taken for a document."""
        return (self.origin_model, self.origin_id) == (document._name, document.id)

    @api.model
    def _get_of_documents(self, documents) -> dict[int, LoyaltyHold]:
        """Return the holds taken for documents of one model, the oldest first, by document."""
        self.flush_model(['origin_model', 'origin_id'])
        rows = self.env.execute_query(
            SQL(
                'SELECT id FROM loyalty_hold'
                ' WHERE origin_model = %s AND origin_id IN %s ORDER BY id',
                documents._name,
                tuple(documents.ids) or (0,),
            )
        )
        holds = self.sudo().browse(hold_id for (hold_id,) in rows)
        return dict(holds.grouped('origin_id'))

    @api.model
    def _get_by_key(self, owner_key: str) -> LoyaltyHold:
        """Return the hold of a key (sudo), or none."""
        return self.sudo().search([('key', '=', owner_key)])

    @api.model
    def _get_held_sql(self, card: SQL, without: set[int] = frozenset()) -> SQL:
        """Return the points of a card that are held, as an expression.

        Whatever lets points vanish in bulk has to leave as many as that.

        :param card: id of the card
        :param without: ids of holds not to count
        """
        return SQL(
            """COALESCE((SELECT sum(hold.qty) FROM loyalty_hold hold
                          WHERE hold.card_id = %s AND hold.state = 'held'
                            AND hold.expires_at > %s %s), 0)""",
            card,
            fields.Datetime.now(),
            SQL('AND hold.id NOT IN %s', tuple(without)) if without else SQL(),
        )

    # ------------------------------------------------------------
    # LIFE
    # ------------------------------------------------------------

    def _ensure_same(self, card, qty: Decimal, origin) -> None:
        """:raise UserError: a key was used for something else"""
        self.ensure_one()
        same_origin = self._is_of(origin) if origin else not self.origin_id
        if self.card_id != card or to_points(self.qty) != qty or not same_origin:
            raise UserError(
                self.env._(
                    "Points are held under the key %(key)s for something else: %(what)s.",
                    key=self.key,
                    what=self.description,
                )
            )

    def _ensure_can_capture(self, qty: Decimal) -> None:
        """:raise UserError: the hold has ended otherwise, or less is held"""
        self.ensure_one()
        if self.state in ('captured', 'released'):
            raise UserError(
                self.env._("The points for %s are not held any more.", self.description)
            )
        if not 0 < qty <= to_points(self.qty):
            raise UserError(
                self.env._(
                    "%(held)s points are held for %(what)s, not %(wanted)s.",
                    held=self.qty,
                    what=self.description,
                    wanted=float(qty),
                )
            )

    def _set_state(self, state: str, **values) -> None:
        """Bring holds to another state, and say so to who looks on a second connection."""
        if state == 'captured':
            self._pin(to_points(values['captured_qty']))
        self.sudo().write({'state': state, **values})
        self.flush_recordset()
        self._remember_own()
        self.card_id._forget_holds()

    def _pin(self, qty: Decimal) -> None:
        """Note that points are spent now that were held until now, so that none has expired."""
        captured = self.env['loyalty.card']._get_own()['captured']
        for hold in self.filtered(lambda hold: hold._is_live()):
            captured[hold.id] = (hold.card_id.id, qty)

    def _remember_own(self) -> None:
        """Note that this transaction made or changed these holds."""
        self.env['loyalty.card']._get_own()['holds'].update(self.ids)

    def _release(self) -> None:
        """Let others spend the points again; nothing happens to holds that ended before."""
        held = self.filtered(lambda hold: hold.state == 'held')
        if held:
            held._set_state('released')
            held._expire_points()

    def _expire_points(self) -> None:
        """Expire points that were kept beyond their last day for these holds only."""
        cards = self.sudo().card_id
        cards.filtered(lambda card: card.program_id.expire_after)._expire_after_commit()

    def _capture(self, redeemed: dict[int, Decimal]) -> None:
        """Note that held points are redeemed; the caller posts what takes them.

        :param redeemed: points by card; holds on other cards are released
        """
        for hold in self.filtered(lambda hold: hold.state == 'held'):
            qty = min(to_points(hold.qty), redeemed.get(hold.card_id.id, Decimal(0)))
            if qty:
                hold._set_state('captured', captured_qty=float(qty))
            else:
                hold._release()

    def action_release(self) -> None:
        """Let others spend the points again."""
        self.check_access('read')
        self.env['loyalty.card'].check_access('write')
        self._release()

    def action_view_document(self) -> dict:
        """Open what the points are held for."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'res_model': self.origin_model,
            'res_id': self.origin_id,
            'view_mode': 'form',
        }

    # ------------------------------------------------------------
    # JOBS
    # ------------------------------------------------------------

    @api.model
    def _cron_expire(self) -> None:
        """Close the holds whose time is over; their points are free since then anyway."""
        is_test = self.env['loyalty.card']._is_in_test()
        after = 0
        while ids := self._get_due_ids(after):
            after = ids[-1]
            try:
                self._expire(ids)
                if not is_test:
                    self.env.cr.commit()  # pylint: disable=invalid-commit
            except psycopg2.errors.SerializationFailure as error:
                # one of them is captured at this moment; the next turn sees what became of it
                self.env.cr.rollback()
                _logger.info("Holds %s to %s are looked at later: %s", ids[0], after, error)

    @api.model
    def _get_due_ids(self, after: int) -> list[int]:
        rows = self.env.execute_query(
            SQL(
                """SELECT id FROM loyalty_hold
                    WHERE state = 'held' AND expires_at <= %s AND id > %s
                 ORDER BY id LIMIT %s""",
                fields.Datetime.now(),
                after,
                CHUNK,
            )
        )
        return [hold_id for (hold_id,) in rows]

    @api.model
    def _expire(self, ids: list[int]) -> None:
        self.env.execute_query(
            SQL(
                """UPDATE loyalty_hold SET state = 'expired', write_date = %s
                    WHERE id IN (SELECT id FROM loyalty_hold WHERE id IN %s AND state = 'held'
                                 FOR UPDATE SKIP LOCKED)
                RETURNING id""",
                fields.Datetime.now(),
                tuple(ids),
            )
        )
        holds = self.browse(ids)
        holds.invalidate_recordset(['state'], flush=False)
        holds.card_id._forget_holds()
        holds._expire_points()

    @api.autovacuum
    def _gc_finished(self) -> None:
        """Delete holds that ended long ago."""
        before = fields.Datetime.now() - timedelta(days=KEPT_DAYS)
        self.sudo().search(
            [('state', '!=', 'held'), ('expires_at', '<', before)], limit=10000
        ).unlink()
