from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from odoo import api, fields, models
from odoo.api import ValuesType
from odoo.exceptions import UserError
from odoo.tools import SQL, float_round

from ..ledger import to_points
from .loyalty_card import IGNORED
from .loyalty_card_ledger import Movement
from .loyalty_program import POINT_DIGITS

#: kinds that say what a customer earned by buying; the others never move a tier
QUALIFYING_KINDS = ('earn', 'unearn')


class LoyaltyHistory(models.Model):
    """The points ledger: one row is one posted movement on a member card.

    Core's ``issued`` and ``used`` stay as core writes them; ``qty`` is the signed movement that
    balances, rounded to two decimals, and ``date`` the moment it counts from.
    """

    _name = 'loyalty.history'
    _inherit = ['loyalty.history', 'crm.keyed.mixin']
    _order = 'date desc, id desc'

    qty = fields.Float(
        string="Points",
        digits=POINT_DIGITS,
        compute='_compute_qty',
        store=True,
        precompute=True,
        readonly=False,
        help="Signed movement. The sum over a managed card is its balance.",
    )
    date = fields.Datetime(
        required=True,
        readonly=True,
        default=fields.Datetime.now,
        help="When the movement counts from: the date of the order, not of the booking.",
    )
    posted_at = fields.Datetime(
        string="Posted on",
        readonly=True,
        default=fields.Datetime.now,
        help="When the movement was entered in the ledger.",
    )
    kind = fields.Selection(
        selection=[
            ('earn', "Earned"),
            ('burn', "Redeemed"),
            ('expire', "Expired"),
            ('unearn', "Taken Back"),
            ('unburn', "Given Back"),
            ('adjust', "Adjustment"),
            ('loss', "Written Off"),
            ('grant', "Granted"),
            ('transfer', "Transferred"),
            ('merge', "Merged"),
            ('opening', "Opening Balance"),
        ],
        compute='_compute_kind',
        store=True,
        precompute=True,
        readonly=False,
    )
    expire_on = fields.Date(
        string="Usable until",
        readonly=True,
        help="Last day on which these points can be used, in the program's time zone.",
    )
    award_id = fields.Many2one(
        'loyalty.history',
        string="Takes from",
        readonly=True,
        index='btree_not_null',
        help="The award these points are taken from first.",
    )
    reversed_id = fields.Many2one(
        'loyalty.history',
        string="Gives back",
        readonly=True,
        index='btree_not_null',
        help="The movement that is taken back: the awards it used have their points again.",
    )
    # === What earned points were computed with ===
    rate = fields.Float(
        digits=0,
        readonly=True,
        help="From the currency of the order to that of the program, as of the order.",
    )
    multiplier = fields.Float(
        digits=(16, 4), readonly=True, help="What the points of the rules were multiplied by."
    )
    base_amount = fields.Float(
        digits=(16, 2),
        readonly=True,
        help="Amount of the order that counted at the time of this movement, in its currency.",
    )
    document_company_id = fields.Many2one(
        'res.company', string="Company of the Document", readonly=True
    )
    origin = fields.Char(
        string="Document",
        readonly=True,
        copy=False,
        help="Name of the document, kept as text: it is read after the document is gone.",
    )
    # === Written by the fold only, by SQL ===
    remaining = fields.Float(
        digits=POINT_DIGITS,
        readonly=True,
        copy=False,
        help="Of points that came in, what is left; of points that went out, what nothing covered.",
    )
    unfolded = fields.Boolean(
        readonly=True, copy=False, help="Not part of the stored balance yet, for an instant."
    )
    # === For lists and analysis ===
    partner_id = fields.Many2one(related='card_id.partner_id', string="Member")
    program_id = fields.Many2one(related='card_id.program_id')

    # The name must not be that of an attribute of BaseModel (as _origin is).
    _order_ref_idx = models.Index('(order_model, order_id)')
    _card_date_idx = models.Index('(card_id, date)')
    _unfolded_idx = models.Index('(card_id) WHERE unfolded')
    _open_idx = models.Index('(card_id) WHERE remaining IS NULL OR remaining <> 0')
    _debt_idx = models.Index('(card_id) WHERE remaining < 0')

    _due_idx = models.Index('(expire_on, card_id) WHERE remaining > 0')
    _undated_idx = models.Index('(card_id) WHERE remaining > 0 AND expire_on IS NULL')

    @api.model_create_multi
    def create(self, vals_list):
        members = self._get_member_ids({vals.get('card_id') for vals in vals_list})
        if not members:
            return super().create(vals_list)
        if self.env.context.get('loyalty_core_ignored') is IGNORED:
            return super().create([vals for vals in vals_list if vals['card_id'] not in members])
        rows = self.browse()
        for vals in vals_list:
            if vals['card_id'] not in members:
                rows += super().create([vals])
            elif own := self._describe_own(vals):
                rows += own
            else:
                rows += super().create([{**vals, 'qty': 0, 'remaining': 0}])._remember_hint()
        rows._fill_origins()
        return rows

    def write(self, vals):
        self._ensure_can_change()
        return super().write(vals)

    def unlink(self):
        """Delete rows of cards without a ledger; those of members stay, see below."""
        # core deletes its rows when an order is cancelled, and when its addons are uninstalled
        if not self.env.su:
            self._ensure_can_change()
        return super(LoyaltyHistory, self - self._filter_members()).unlink()

    def _ensure_can_change(self) -> None:
        """:raise UserError: rows of members are only ever added to"""
        described = self.env.context.get('loyalty_core_ignored') is IGNORED
        if self._filter_members() and not described:
            raise UserError(
                self.env._(
                    "The points ledger is only ever added to. Correct a balance by a new movement."
                )
            )

    def _filter_members(self) -> LoyaltyHistory:
        """Return the rows of member cards, which nobody may change."""
        return self.filtered(lambda row: row.sudo().card_id.is_member)

    @api.model
    def _get_member_ids(self, card_ids: set) -> set[int]:
        """Return those of the cards whose balance follows from the ledger."""
        cards = self.env['loyalty.card'].sudo().browse(card_ids - {None, False})
        return set(cards.filtered('is_member').ids)

    # ------------------------------------------------------------
    # ROWS OF OTHERS
    # ------------------------------------------------------------

    # Core enters a row and changes the balance, or the other way round; only the change of the
    # balance moves points.  A row that explains none moves none.

    @api.model
    def _describe_own(self, vals: ValuesType) -> LoyaltyHistory:
        """Let a row that other code enters after changing a balance say what that change was.

        :return: the row of the change; none when there was no such change in this transaction
        """
        qty = to_points(vals.get('issued')) - to_points(vals.get('used'))
        row = self._get_unexplained(vals['card_id'], qty)
        if row:
            given = {name: value for name, value in vals.items() if name != 'card_id'}
            described = row.with_context(loyalty_core_ignored=IGNORED)
            described.write({**given, 'kind': self._guess_kind(vals)})
        return row.with_env(self.env)

    def _remember_hint(self) -> LoyaltyHistory:
        """Note that other code entered this row, before it changes the balance."""
        hints = self.env['loyalty.card']._get_own()['hints']
        hints.setdefault(self.card_id.id, []).append(self.id)
        return self

    @api.model
    def _guess_kind(self, vals: ValuesType) -> str:
        """Return the kind of a row as core enters it; see :meth:`_get_default_kind`."""
        return vals.get('kind') or self.new(vals)._get_default_kind()

    @api.model
    def _get_unexplained(self, card_id: int, qty: Decimal) -> LoyaltyHistory:
        """Return the row of this transaction that changed a balance by so much for no reason."""
        own = self.env['loyalty.card']._get_own()['rows']
        rows = self.sudo().browse([id_ for id_, card in own.items() if card == card_id]).exists()
        return rows.filtered(
            lambda row: row.kind == 'adjust' and not row.order_id and to_points(row.qty) == qty
        )[:1]

    @api.model
    def _explain_by_hints(self, movement: Movement) -> bool:
        """Let rows entered before a change of a balance be the movement, when they add up to it.

        :return: whether they did
        """
        Card = self.env['loyalty.card'].sudo()
        hints = Card._get_own()['hints'].pop(movement.card_id, [])
        rows = self.sudo().browse(hints).exists().filtered(lambda row: not row.qty)
        total = sum((to_points(row.issued) - to_points(row.used) for row in rows), Decimal(0))
        if not rows or total != movement.qty:
            return False
        for row in rows:
            row._post_hint()
        card = Card.browse(movement.card_id)
        card._forget_balance()
        card._fold_later()
        return True

    def _post_hint(self) -> None:
        """Make a movement of a row that explained one; what it took becomes a row of its own."""
        self.ensure_one()
        issued, used = to_points(self.issued), to_points(self.used)
        if issued and used:
            self.env['loyalty.card']._post(
                [
                    Movement(
                        self.card_id.id,
                        -used,
                        'burn',
                        self.description,
                        order_model=self.order_model or None,
                        order_id=self.order_id or None,
                    )
                ]
            )
            used = Decimal(0)
        self.flush_recordset()
        self.env.execute_query(
            SQL(
                """UPDATE loyalty_history
                      SET qty = %(qty)s, used = %(used)s, unfolded = TRUE, remaining = NULL
                    WHERE id = %(id)s RETURNING id""",
                qty=issued - used,
                used=used,
                id=self.id,
            )
        )
        self.invalidate_recordset(flush=False)

    # ------------------------------------------------------------
    # ORIGIN
    # ------------------------------------------------------------

    def action_view_document(self) -> dict:
        """Open the document of a movement."""
        self.ensure_one()
        documents = self.env.get(self.order_model)
        document = documents is not None and documents.browse(self.order_id).exists()
        if not document:
            raise UserError(self.env._("This document is not there any more."))
        document.check_access('read')
        return document.get_formview_action()

    @api.model
    def _get_origins(self, documents: Iterable[tuple[str | None, int | None]]) -> dict:
        """Return the names of documents, by model and id; of those that are gone there is none."""
        ids: dict[str, set[int]] = {}
        for model, res_id in documents:
            if model in self.env and res_id:
                ids.setdefault(model, set()).add(res_id)
        return {
            (model, record.id): record.display_name
            for model, res_ids in ids.items()
            for record in self.env[model].sudo().browse(sorted(res_ids)).exists()
        }

    def _fill_origins(self) -> None:
        """Note the names of the documents that rows of members point to, where it is missing."""
        if ids := tuple(self.sudo().filtered(lambda row: row.order_id and not row.origin).ids):
            self._fill_origins_where(SQL('row.id IN %s', ids))

    @api.model
    def _fill_origins_where(self, condition: SQL) -> None:
        """Note the names of documents on all rows of members that match and lack it.

        :param condition: condition on ``row`` (``loyalty_history``) and ``card``
        """
        self.env.flush_all()
        missing = SQL(
            'row.card_id = card.id AND card.is_member AND row.origin IS NULL'
            ' AND row.order_id IS NOT NULL AND %s',
            condition,
        )
        for (model,) in self.env.execute_query(
            SQL(
                'SELECT DISTINCT row.order_model FROM loyalty_history row, loyalty_card card'
                ' WHERE %s',
                missing,
            )
        ):
            name = self.env[model]._rec_name if model in self.env else None
            if name and self.env[model]._fields[name].column_type:
                self.env.execute_query(self._get_origin_sql(self.env[model], name, missing))
        self.invalidate_model(['origin'], flush=False)

    @api.model
    def _get_origin_sql(self, documents: models.BaseModel, name: str, condition: SQL) -> SQL:
        return SQL(
            """UPDATE loyalty_history row SET origin = document.%(name)s
                 FROM %(table)s document, loyalty_card card
                WHERE row.order_model = %(model)s AND row.order_id = document.id AND %(condition)s
            RETURNING row.id""",
            name=SQL.identifier(name),
            table=SQL.identifier(documents._table),
            model=documents._name,
            condition=condition,
        )

    def _get_order_description(self):
        # core asks a document that may be gone, with its addon
        if (
            self.order_model not in self.env
            or not self.env[self.order_model].browse(self.order_id).exists()
        ):
            return self.origin or ""
        return super()._get_order_description()

    def init(self):
        # rows that others insert by SQL have a date too
        self.env.cr.execute(
            """
            ALTER TABLE loyalty_history
                ALTER COLUMN date SET DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC'),
                ALTER COLUMN posted_at SET DEFAULT date_trunc('second', now() AT TIME ZONE 'UTC')
            """
        )

    @api.depends('issued', 'used')
    def _compute_qty(self):
        for row in self:
            row.qty = float_round(row.issued - row.used, precision_digits=2)

    @api.depends('issued', 'used', 'order_model')
    def _compute_kind(self):
        for row in self:
            # a kind given by whoever posted the row says more than the amounts do
            if row.kind in (False, 'earn', 'burn'):
                row.kind = row._get_default_kind()

    def _get_default_kind(self) -> str:
        """Return the kind of a row that core made.

        An order that earns and redeems is one row in core: it is called earned, and its redeemed
        part is added back wherever earned points are counted (see :meth:`_qualifying_sql`).
        """
        self.ensure_one()
        if not self.order_model:
            return 'adjust'
        return 'burn' if self.used > 0 >= self.issued else 'earn'

    @api.model
    def _qualifying_sql(self, alias: str) -> SQL:
        """Return the points of a row that count for tiers; redeeming must never lower them.

        :param alias: alias of ``loyalty_history`` in the statement
        """
        return SQL(
            "(%(qty)s + CASE WHEN %(kind)s = 'earn'"
            " THEN round(COALESCE(%(used)s, 0)::numeric, 2) ELSE 0 END)",
            qty=SQL.identifier(alias, 'qty'),
            kind=SQL.identifier(alias, 'kind'),
            used=SQL.identifier(alias, 'used'),
        )
