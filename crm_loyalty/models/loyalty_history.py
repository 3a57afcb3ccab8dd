from __future__ import annotations

from odoo import api, fields, models
from odoo.tools import SQL, float_round

from .loyalty_program import POINT_DIGITS, refuse_columns, without_defaults

#: kinds that say what a customer earned by buying; the others never move a tier
QUALIFYING_KINDS = ('earn', 'unearn')
#: written by sudo only; core, in the rights of a salesperson, writes what was issued and used
SYSTEM_COLUMNS = frozenset(('qty', 'kind', 'date', 'posted_at', 'key'))


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
    # === For lists and analysis ===
    partner_id = fields.Many2one(related='card_id.partner_id', string="Member")
    program_id = fields.Many2one(related='card_id.program_id')

    # The name must not be that of an attribute of BaseModel (as _origin is).
    _order_ref_idx = models.Index('(order_model, order_id)')
    _card_date_idx = models.Index('(card_id, date)')

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            refuse_columns(self, vals, SYSTEM_COLUMNS)
        rows = super().create(vals_list)
        self.env['loyalty.card']._absorb_later()
        return rows

    def write(self, vals):
        refuse_columns(self, vals, SYSTEM_COLUMNS)
        return super().write(vals)

    @api.model
    def default_get(self, fields):
        # a default of the context is a value of the caller too
        model = without_defaults(self, SYSTEM_COLUMNS)
        return super(LoyaltyHistory, model).default_get(fields)

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
