from __future__ import annotations

import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError, ConcurrencyError
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY

from odoo.addons.crm_loyalty.ledger import to_points
from odoo.addons.crm_loyalty.models.loyalty_program import POINT_DIGITS

_logger = logging.getLogger(__name__)

PAID_STATES = ('paid', 'done')
#: written here only; public pages create orders from what browsers send, as superuser
SERVER_FIELDS = frozenset(
    {
        *('loyalty_points_ids', 'loyalty_returned', 'loyalty_shortfall'),
        *('loyalty_exception', 'loyalty_exception_text', 'loyalty_exception_open'),
        'loyalty_unsettled',
    }
)
#: value of the context key loyalty_settling; an object, which no client can send
SETTLING = object()
#: the same of loyalty_at_till
AT_TILL = object()
#: others were faster: Odoo runs the request again
RETRIED = (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, ConcurrencyError)


class PosOrder(models.Model):
    """What a till order gives and takes, computed here and never at the till.

    The money is in the drawer: whatever is found wrong about the points of an order is noted with
    the order, which is never refused for it.
    """

    _name = 'pos.order'
    _inherit = ['pos.order', 'loyalty.order.mixin']

    loyalty_points_ids = fields.One2many(
        'pos.order.loyalty.points',
        'order_id',
        string="Points Given",
        readonly=True,
        copy=False,
        groups='point_of_sale.group_pos_user',
    )
    loyalty_points = fields.Json(
        string="Points Summary",
        compute='_compute_loyalty_points',
        compute_sudo=True,
        help="What the order gave and took, by program, for the receipt.",
    )
    loyalty_exception = fields.Selection(
        selection=[
            ('shortfall', "Points were missing"),
            ('cost', "The till took other points"),
            ('limits', "Reward beyond the program's limits"),
            ('member', "Reward without its member"),
            ('failed', "Points not computed"),
        ],
        string="Points Exception",
        readonly=True,
        copy=False,
        index='btree_not_null',
    )
    loyalty_shortfall = fields.Float(
        string="Missing Points",
        digits=POINT_DIGITS,
        readonly=True,
        copy=False,
        help="Redeemed at the till although the member did not have them any more.",
    )
    #: not set with orders from before it was there
    loyalty_unsettled = fields.Boolean(readonly=True, copy=False)

    @api.model_create_multi
    def create(self, vals_list):
        return super().create(
            [{**self._without_server_fields(vals), 'loyalty_unsettled': True} for vals in vals_list]
        )

    def write(self, vals):
        return super().write(self._without_server_fields(vals))

    @api.model
    def _without_server_fields(self, vals: dict) -> dict:
        """Return values without what no till says."""
        if self.env.context.get('loyalty_settling') is SETTLING:
            return vals
        return {name: value for name, value in vals.items() if name not in SERVER_FIELDS}

    # ------------------------------------------------------------
    # WHAT HAPPENS TO A TILL ORDER
    # ------------------------------------------------------------

    def _settle_points(self) -> None:
        """Give and take the points of orders just paid, and what those they refund had; never
        raises but for Odoo to try again.
        """
        for order in self.sudo():
            # from here on nobody says anything else of its rewards
            order._settling().loyalty_unsettled = order.state not in PAID_STATES
            try:
                with self.env.cr.savepoint():
                    order._settle_own_points()
            except RETRIED:
                raise
            except Exception:
                _logger.exception("Points of the till order %s were not computed", order.name)
                order._note_exception(
                    'failed', self.env._("The points of this order could not be computed.")
                )

    def _settle_own_points(self) -> None:
        self.ensure_one()
        if self._moves_points():
            if not self._get_point_entries() and not self._get_posted_rows():
                # later it stays with the card it gave to and took from, whoever it is for by then
                self._settle_rewards()
                self._create_point_entries()
            self._loyalty_true_up()
            if not self._get_redeemed_points():
                self._release_holds()
        self._loyalty_true_up_refunded(self.lines.refunded_orderline_id.order_id)
        self._loyalty_true_up_refunded(self._get_settled_orders())

    def action_settle_points(self) -> None:
        """Compute points that could not be computed; nothing is posted twice.

        :raise AccessError: the user does not administer the point of sale
        """
        if not self.env.su and not self.env.user.has_group('point_of_sale.group_pos_manager'):
            raise AccessError(
                self.env._("Points of paid orders are computed again by administrators only.")
            )
        orders = self.filtered(
            lambda order: order.state in PAID_STATES and order.loyalty_exception == 'failed'
        )
        orders._settling().write(
            dict.fromkeys(
                ('loyalty_exception', 'loyalty_exception_text', 'loyalty_exception_open'), False
            )
        )
        orders._settle_points()

    def _settling(self):
        """Return these orders as the server notes what became of their points (sudo)."""
        return self.sudo().with_context(loyalty_settling=SETTLING)

    def _note_exception(self, reason: str, text: str) -> None:
        """Show that something about the points of this order needs somebody's attention.

        :param text: what to say in the order's messages
        """
        self.ensure_one()
        self._settling().loyalty_exception = reason
        self.sudo().message_post(body=text, author_id=self.env.ref('base.partner_root').id)

    # ------------------------------------------------------------
    # HOOKS OF THE LEDGER
    # ------------------------------------------------------------

    def _moves_points(self) -> bool:
        return self.state in PAID_STATES and not self.sudo().loyalty_unsettled

    def _get_point_entries(self):
        return self.sudo().loyalty_points_ids

    def _get_loyalty_lines(self):
        return self.lines

    def _get_loyalty_key(self) -> str:
        # given by the till: an order that is sent twice is the same
        self.ensure_one()
        return f'{self._name}:{self.uuid or self.id}'

    def _get_loyalty_date(self, kind: str):
        # what is shipped later may earn when it leaves
        is_paid = kind == 'burn' or (kind == 'earn' and not self.shipping_date)
        return self._get_earning_moment() if is_paid else None

    def _get_earning_moment(self):
        # an order may come long after, from a till without connection, but neither from tomorrow
        # nor from before the till was opened
        moment = min(self.date_order, fields.Datetime.now())
        session = self.session_id.sudo()
        opened = session.start_at or moment
        if moment >= opened:
            return moment
        before = session._get_session_before()
        return moment if before.start_at and before.start_at <= moment else opened

    def _get_settled_orders(self):
        """Return the sales orders these orders were paid for or are the refund of (sudo)."""
        lines = self.lines | self.lines.refunded_orderline_id
        if 'sale_order_line_id' not in lines._fields:
            return self.env['sale.order'].sudo()
        return lines.sudo().sale_order_line_id.order_id.filtered(
            lambda order: order._moves_points()
        )

    # ------------------------------------------------------------
    # WHAT THE TILL SHOWS
    # ------------------------------------------------------------

    @api.depends('state', 'partner_id')
    def _compute_loyalty_points(self):
        paid = self.filtered(lambda order: order._moves_points())
        cards = paid._get_receipt_cards()
        # of all orders at once
        cards.mapped('points_free')
        paid.sudo().lines.mapped('refund_orderline_ids')
        for order in self:
            order.loyalty_points = order._get_points_summary(cards) if order in paid else False

    def _get_receipt_cards(self):
        """Return the member cards that the receipts of these orders tell about (sudo)."""
        orders = self.sudo()
        return orders._get_point_entries().coupon_id | orders.lines.coupon_id

    def _get_points_summary(self, cards) -> list[dict]:
        """Return what a paid order gave and took, and what there is to redeem now.

        :param cards: as of :meth:`_get_receipt_cards`
        """
        self.ensure_one()
        won = {entry.coupon_id: entry._get_given() for entry in self._get_point_entries()}
        spent = {
            self.env['loyalty.card'].sudo().browse(card_id): points
            for card_id, points in self._get_redeemed_points().items()
        }
        return [
            self._prepare_points_stat(card, won.get(card, 0), spent.get(card, 0))
            for card in {**won, **spent}
        ]

    def _prepare_points_stat(self, card, won=0, spent=0) -> dict:
        """Return what the receipt says of a member card."""
        return {
            'card_id': card.id,
            'program_id': card.program_id.id,
            'won': float(won),
            'spent': float(spent),
            'balance': card.points_free or min(float(to_points(card.points)), 0),
        }
