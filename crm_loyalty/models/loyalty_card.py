from __future__ import annotations

import secrets
from datetime import date

from odoo import api, fields, models
from odoo.tools import SQL, clean_context, float_compare, float_round, formatLang

from .loyalty_program import POINT_DIGITS, refuse_columns, without_defaults

TIER_FIELDS = ['tier_id', 'tier_since', 'tier_until', 'qualifying_value', 'tier_history_ids']
#: written by sudo only; a salesperson may write cards, by core's rights
SYSTEM_COLUMNS = frozenset(
    ('tier_id', 'tier_since', 'tier_until', 'qualifying_value', 'merged_into_id')
)

#: value of the context key loyalty_ledger_deferred; an object, which no client can send
DEFERRED = object()


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
    is_managed = fields.Boolean(related='program_id.managed')

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
        for vals in vals_list:
            refuse_columns(self, vals, SYSTEM_COLUMNS)
        cards = super().create([self._round_points(vals) for vals in vals_list])
        cards.filtered('points')._settle_managed('opening', 'opening')
        return cards

    def write(self, vals):
        refuse_columns(self, vals, SYSTEM_COLUMNS)
        if 'points' not in vals:
            return super().write(vals)
        managed = self.filtered('is_managed')
        rest = self - managed
        res = super(LoyaltyCard, rest).write(vals) if rest else True
        if managed:
            points = float_round(vals['points'] or 0, precision_digits=2)
            res = super(LoyaltyCard, managed).write({**vals, 'points': points})
            managed._settle_managed('adjust', 'adjust')
        return res

    @api.model
    def _round_points(self, vals: dict) -> dict:
        """Return values of a new card; in a managed program its points have two decimals."""
        program_id = vals.get('program_id') or self.env.context.get('default_program_id')
        program = self.env['loyalty.program'].sudo().browse(program_id or [])
        if not vals.get('points') or not program.managed:
            return vals
        return {**vals, 'points': float_round(vals['points'], precision_digits=2)}

    @api.model
    def default_get(self, fields):
        # a default of the context is a value of the caller too
        model = without_defaults(self, SYSTEM_COLUMNS)
        return super(LoyaltyCard, model).default_get(fields)

    @api.model
    def _generate_member_code(self) -> str:
        """Return a card number that cannot be guessed: 64 random bits after core's prefix."""
        return f'044{secrets.token_hex(8)}'

    # ------------------------------------------------------------
    # LEDGER
    # ------------------------------------------------------------

    def _deferring_ledger(self) -> LoyaltyCard:
        """Return the cards in a context where balances may differ from the rows for a while.

        For code that writes its own rows after changing the balance; it settles at the end.
        """
        return self.with_context(loyalty_ledger_deferred=DEFERRED)

    def _settle_managed(self, increase: str, decrease: str) -> None:
        """Settle the cards of managed programs, unless the caller does so later."""
        if self.env.context.get('loyalty_ledger_deferred') is DEFERRED:
            return
        rows = self.filtered('is_managed')._settle_ledger(increase, decrease)
        if rows:
            posted = self.env.cr.precommit.data.setdefault('crm_loyalty.posted', {})
            posted.update((row_id, increase) for row_id in rows)

    @api.model
    def _absorb_later(self) -> None:
        """Have rows we posted by ourselves give way to rows that came after, before the commit.

        Some of core changes a balance first and enters the movement afterwards, as the point of
        sale does; until it does, nobody knows whether it will.
        """
        precommit = self.env.cr.precommit
        if precommit.data.get('crm_loyalty.posted'):
            card_model = self.sudo().with_context(clean_context(self.env.context))
            precommit.add(card_model._absorb_posted_rows)

    @api.model
    def _absorb_posted_rows(self) -> None:
        """Take back what was posted for cards that do not add up any more, and settle again."""
        posted = self.env.cr.precommit.data.pop('crm_loyalty.posted', None)
        if not posted:
            return
        rows = self.env['loyalty.history'].browse(posted).exists()
        wrong = rows.card_id.filtered('is_managed')._get_unbalanced()
        for kind in ('opening', 'adjust'):
            taken = rows.filtered(lambda r, k=kind: r.card_id in wrong and posted[r.id] == k)
            cards = taken.card_id
            taken.unlink()
            cards._settle_ledger(kind, kind)

    def _get_unbalanced(self) -> LoyaltyCard:
        """Return the cards whose rows do not add up to the balance."""
        sums = dict(
            self.env['loyalty.history']._read_group(
                [('card_id', 'in', self.ids)], ['card_id'], ['qty:sum']
            )
        )
        return self.filtered(lambda card: float_compare(card.points, sums.get(card, 0), 2))

    def _settle_ledger(
        self, increase='adjust', decrease='adjust', description=None, order=None
    ) -> list[int]:
        """Post what the balance of these cards has more or less than their rows.

        Idempotent: nothing is posted where the rows already add up.

        :param str increase: kind of a row that adds points
        :param str decrease: kind of a row that takes points
        :param str description: text of the row, for the customer too
        :param order: record the movement comes from
        :return: ids of the rows posted
        """
        if not self.ids:
            return []
        return self._settle_ledger_where(
            SQL('card.id IN %s', tuple(self.ids)), increase, decrease, description, order
        )

    @api.model
    def _settle_ledger_where(
        self, condition: SQL, increase: str, decrease: str, description=None, order=None
    ) -> list[int]:
        """Settle all cards that match, in one statement.

        :param condition: condition on ``card`` (``loyalty_card``)
        :return: ids of the rows posted
        """
        self.env.flush_all()
        now = fields.Datetime.now()
        rows = self.env.execute_query(
            SQL(
                """INSERT INTO loyalty_history (
                       card_id, description, qty, issued, used, kind, date, posted_at,
                       order_model, order_id, create_uid, create_date, write_uid, write_date
                   )
                   SELECT card.id, %(description)s, gap.qty,
                          GREATEST(gap.qty, 0), GREATEST(-gap.qty, 0),
                          CASE WHEN gap.qty > 0 THEN %(increase)s ELSE %(decrease)s END,
                          %(now)s, %(now)s, %(order_model)s, %(order_id)s,
                          %(uid)s, %(now)s, %(uid)s, %(now)s
                     FROM loyalty_card card
               CROSS JOIN LATERAL (
                              SELECT round(COALESCE(card.points, 0)::numeric, 2)
                                     - COALESCE(sum(history.qty), 0) AS qty
                                FROM loyalty_history history
                               WHERE history.card_id = card.id
                          ) gap
                    WHERE gap.qty <> 0 AND %(condition)s
                 ORDER BY card.id
                RETURNING id""",
                description=description or self._get_settle_description(increase),
                increase=increase,
                decrease=decrease,
                now=now,
                order_model=order._name if order else None,
                order_id=order.id if order else None,
                uid=self.env.uid,
                condition=condition,
            )
        )
        if rows:
            self.env['loyalty.history'].invalidate_model(flush=False)
            self.invalidate_model(['history_ids'], flush=False)
        return [row_id for (row_id,) in rows]

    def _get_settle_description(self, kind: str) -> str:
        """Return the text of a row that was posted without one."""
        selection = self.env['loyalty.history']._fields['kind']._description_selection(self.env)
        return dict(selection)[kind]

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
