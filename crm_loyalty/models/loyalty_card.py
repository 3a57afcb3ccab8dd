from __future__ import annotations

import secrets
from contextlib import nullcontext
from datetime import date
from typing import NamedTuple

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, ValidationError
from odoo.tools import SQL, formatLang

from ..ledger import to_points
from .loyalty_card_ledger import BALANCE_FIELDS, FOLD_SIZE, Movement
from .loyalty_program import POINT_DIGITS

TIER_FIELDS = ['tier_id', 'tier_since', 'tier_until', 'qualifying_value', 'tier_history_ids']

#: value of the context key loyalty_core_ignored; an object, which no client can send
IGNORED = object()


class OpeningKind(NamedTuple):
    """Value of the context key loyalty_opening_kind; an object, which no client can send."""

    value: str


class LoyaltyCard(models.Model):
    """The member card is the membership: balance, tier and their histories hang on it."""

    _inherit = 'loyalty.card'

    # === Tier; written by loyalty.tier.evaluation only ===
    tier_id = fields.Many2one(
        comodel_name='loyalty.tier',
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='restrict',
    )
    tier_color = fields.Integer(related='tier_id.color')
    tier_since = fields.Date(string="Tier since", readonly=True, copy=False)
    tier_until = fields.Date(
        string="Tier kept until",
        readonly=True,
        copy=False,
        help="The tier is not lost before this day, whatever is earned or returned until then.",
    )
    qualifying_value = fields.Float(
        string="Qualifying Points",
        digits=POINT_DIGITS,
        readonly=True,
        copy=False,
        help="Points earned within the program's qualifying period, as of the last evaluation. "
        "Redeeming points does not lower them.",
    )
    next_tier_id = fields.Many2one(comodel_name='loyalty.tier', compute='_compute_next_tier')
    next_tier_gap = fields.Float(
        string="Missing to Next Tier", digits=POINT_DIGITS, compute='_compute_next_tier'
    )
    tier_progress = fields.Float(string="Progress (%)", compute='_compute_next_tier')
    tier_hint = fields.Char(
        string="To the Next Tier", compute='_compute_tier_hint', help="What to tell the member."
    )
    tier_history_ids = fields.One2many(
        comodel_name='loyalty.tier.history', inverse_name='card_id', readonly=True
    )
    # === Merge ===
    merged_into_id = fields.Many2one(
        comodel_name='loyalty.card',
        readonly=True,
        copy=False,
        index='btree_not_null',
        help="The card that took over the points of this one when two contacts were merged.",
    )
    merged_row_id = fields.Integer(
        readonly=True, copy=False, help="The last row of all ledgers when that happened."
    )
    is_managed = fields.Boolean(related='program_id.managed')
    is_member = fields.Boolean(
        readonly=True,
        copy=False,
        help="The card of a managed program: its ledger says what the balance is.",
    )

    # Of two first orders at once one finds the card of the other.  Partial on active: merging
    # contacts deletes rows that a unique index refuses, and archives cards before.
    _member_unique = models.UniqueIndex(
        '(partner_id, program_id) WHERE active AND is_member AND partner_id IS NOT NULL'
    )

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends('qualifying_value', 'tier_id', 'program_id.tier_ids.min_value')
    def _compute_next_tier(self):
        for card in self:
            # a tier that is kept for now may be above what the points reach
            value = max(card.qualifying_value, card.tier_id.min_value)
            upper = card.program_id.sudo().tier_ids._get_next(value)
            card.next_tier_id = upper
            card.next_tier_gap = max(upper.min_value - card.qualifying_value, 0) if upper else 0
            card.tier_progress = (
                min(100 * card.qualifying_value / upper.min_value, 100) if upper else 100
            )

    @api.depends_context('lang')
    @api.depends('next_tier_id', 'next_tier_gap')
    def _compute_tier_hint(self):
        for card in self:
            card.tier_hint = card._get_tier_hint()

    def _get_tier_hint(self) -> str:
        """Return what is missing to the next tier as a phrase, empty without tiers."""
        self.ensure_one()
        if self.next_tier_id:
            return self.env._(
                "%(points)s to %(tier)s",
                points=self._format_points_text(self.next_tier_gap),
                tier=self.next_tier_id.name,
            )
        return self.env._("Highest tier") if self.tier_id else ""

    def _format_points_text(self, points: float) -> str:
        """Return a number of points with their name, in the language of the reader."""
        number = formatLang(self.env, points, digits=0 if points % 1 == 0 else 2)
        return f'{number} {self.point_name or ""}'.strip()

    # ------------------------------------------------------------
    # CRUD: the one place every change of a balance passes
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        vals_list = [self._prepare_member_vals(vals) for vals in vals_list]
        try:
            with self.env.cr.savepoint() if self._may_race(vals_list) else nullcontext():
                cards = super().create(vals_list)
        except psycopg2.errors.UniqueViolation as error:
            if error.diag.constraint_name != 'loyalty_card_member_unique':
                raise
            self._ensure_no_second_cards(vals_list)
            # his first card was made meanwhile: Odoo runs this again, and finds it
            raise ConcurrencyError("The member has a card by now") from error
        cards.filtered('points')._settle_ledger(self._get_opening_kind())
        return cards

    def write(self, vals):
        if 'points' not in vals:
            return super().write(vals)
        managed = self.filtered('is_member')
        rest = self - managed
        res = super(LoyaltyCard, rest).write(vals) if rest else True
        if managed:
            # with nothing else to write nobody else asks
            managed.check_access('write')
            movements = managed._prepare_balance_movements(vals['points'])
            others = {name: value for name, value in vals.items() if name != 'points'}
            if others:
                res = super(LoyaltyCard, managed).write(others)
            managed._post_balance(movements)
        return res

    @api.model
    def _prepare_member_vals(self, vals: dict) -> dict:
        """Return values of a new card; in a managed program its points have two decimals."""
        program_id = vals.get('program_id') or self.env.context.get('default_program_id')
        program = self.env['loyalty.program'].sudo().browse(program_id or [])
        if not program.managed:
            return vals
        vals = {'code': self._generate_member_code(), **vals, 'is_member': True}
        if vals.get('points'):
            vals['points'] = float(to_points(vals['points']))
        return vals

    @api.model
    def _may_race(self, vals_list: list[dict]) -> bool:
        """Return whether somebody else may make the same member's card at this moment."""
        return any(vals.get('is_member') and vals.get('partner_id') for vals in vals_list)

    @api.model
    def _ensure_no_second_cards(self, vals_list: list[dict]) -> None:
        """:raise ValidationError: a member would have two cards of one program"""
        seen = set()
        for vals in vals_list:
            member = (vals.get('partner_id'), vals.get('program_id'))
            known = self.sudo().search(
                [('partner_id', '=', member[0]), ('program_id', '=', member[1])], limit=1
            )
            if vals.get('is_member') and (known or member in seen):
                raise ValidationError(
                    self.env._(
                        "%(member)s has a card of this program already: %(card)s. Change that one.",
                        member=self.env['res.partner'].browse(member[0]).display_name,
                        card=known.code or "",
                    )
                )
            seen.add(member)

    def _prepare_balance_movements(self, points: float) -> list[Movement]:
        """Return what is missing between the balances and a number written over them."""
        return [
            Movement(card.id, to_points(points) - to_points(card.points), 'adjust') for card in self
        ]

    def _post_balance(self, movements: list[Movement]) -> None:
        """Post what was written over a balance, unless the ledger ignores it.

        What the writer entered as core's history in this transaction says what it was.
        """
        if self.env.context.get('loyalty_core_ignored') is IGNORED:
            return
        rows = self.env['loyalty.history'].sudo()
        self._post([row for row in movements if not rows._explain_by_hints(row)])

    @api.model
    def _generate_member_code(self) -> str:
        """Return a card number that cannot be guessed: 64 random bits after core's prefix."""
        return f'044{secrets.token_hex(8)}'

    # ------------------------------------------------------------
    # LEDGER
    # ------------------------------------------------------------

    def _ignoring_core(self) -> LoyaltyCard:
        """Return the cards in a context where core's changes of balances are left out.

        For code that posts by itself what core would change.
        """
        return self.with_context(loyalty_core_ignored=IGNORED)

    @api.model
    def _get_opening_kind(self) -> str:
        """Return the kind of row that explains the points of a new card."""
        kind = self.env.context.get('loyalty_opening_kind')
        return kind.value if isinstance(kind, OpeningKind) else 'opening'

    def _settle_ledger(self, kind: str = 'opening', description: str | None = None) -> list[int]:
        """Explain the stored balances of these cards by a row where the ledger does not.

        Idempotent: nothing is posted where the rows already add up.

        :param kind: kind of the row
        :param description: text of the row, for the customer too
        :return: ids of the rows posted
        """
        if not self.ids:
            return []
        condition = SQL('card.id IN %s', tuple(self.ids))
        return self._settle_ledger_where(condition, kind, description)

    @api.model
    def _settle_ledger_where(
        self, condition: SQL, kind: str = 'opening', description: str | None = None
    ) -> list[int]:
        """Settle all member cards that match; see :meth:`_settle_ledger`.

        :param condition: condition on ``card`` (``loyalty_card``)
        :return: ids of the rows posted
        """
        self.env.flush_all()
        rows = self.env.execute_query(self._get_settling_sql(condition, kind, description))
        last_id = 0
        while card_ids := self._get_unmatched(condition, last_id):
            self.browse(card_ids)._match_rows()
            last_id = card_ids[-1]
        self.env['loyalty.history'].invalidate_model(flush=False)
        self.invalidate_model(BALANCE_FIELDS, flush=False)
        return [row_id for (row_id,) in rows]

    @api.model
    def _get_settling_sql(self, condition: SQL, kind: str, description: str | None) -> SQL:
        now = fields.Datetime.now()
        return SQL(
            """INSERT INTO loyalty_history (
                   card_id, description, qty, issued, used, kind, date, posted_at,
                   create_uid, create_date, write_uid, write_date
               )
               SELECT card.id, %(description)s, gap.qty,
                      GREATEST(gap.qty, 0), GREATEST(-gap.qty, 0),
                      %(kind)s, %(now)s, %(now)s, %(uid)s, %(now)s, %(uid)s, %(now)s
                 FROM loyalty_card card
           CROSS JOIN LATERAL (
                          SELECT round(COALESCE(card.points, 0)::numeric, 2)
                                 - COALESCE(sum(history.qty), 0) AS qty
                            FROM loyalty_history history
                           WHERE history.card_id = card.id AND history.unfolded IS NOT TRUE
                      ) gap
                WHERE gap.qty <> 0 AND card.is_member AND %(condition)s
             ORDER BY card.id
            RETURNING id""",
            description=description or self._get_settle_description(kind),
            kind=kind,
            now=now,
            uid=self.env.uid,
            condition=condition,
        )

    @api.model
    def _get_unmatched(self, condition: SQL, after_id: int) -> list[int]:
        """Return the next cards with rows that were never matched."""
        rows = self.env.execute_query(
            SQL(
                """SELECT card.id FROM loyalty_card card
                    WHERE card.id > %s AND card.is_member AND %s
                      AND EXISTS (SELECT FROM loyalty_history row
                                   WHERE row.card_id = card.id AND row.remaining IS NULL
                                     AND row.unfolded IS NOT TRUE)
                 ORDER BY card.id LIMIT %s""",
                after_id,
                condition,
                FOLD_SIZE,
            )
        )
        return [card_id for (card_id,) in rows]

    # ------------------------------------------------------------
    # TIERS
    # ------------------------------------------------------------

    def _evaluate_tiers(self, day: date | None = None, allow_downgrade: bool = True) -> LoyaltyCard:
        """Bring the tiers of these cards in line with the ledger.

        :param day: day of judgement, default today in each program's time zone
        :param allow_downgrade: whether members may lose a tier
        :return: the cards whose tier changed
        """
        return self.env['loyalty.tier.evaluation']._evaluate(self, day, allow_downgrade)

    @api.model
    def _invalidate_membership(self) -> None:
        """Forget what was read of tiers, after they were written by SQL."""
        self.invalidate_model(
            [*TIER_FIELDS, 'next_tier_id', 'next_tier_gap', 'tier_progress', 'tier_hint'],
            flush=False,
        )
        self.env['loyalty.tier'].invalidate_model(['member_count', 'card_ids'], flush=False)
        self.env['res.partner']._invalidate_loyalty_membership()
        self.env['sale.order'].invalidate_model(
            ['loyalty_tier_id', 'loyalty_tier_color', 'loyalty_tier_hint'], flush=False
        )

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_view_ledger(self) -> dict:
        """Open the ledger of these cards."""
        action = self.env['ir.actions.act_window']._for_xml_id('crm_loyalty.loyalty_history_action')
        action['domain'] = [('card_id', 'in', self.ids)]
        action['context'] = {}
        return action
