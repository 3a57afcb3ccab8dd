from datetime import date
from typing import NamedTuple

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.models import BaseModel


class SoldPiece(NamedTuple):
    """A piece with a serial number that a customer got."""

    product: BaseModel
    serial: str
    company: BaseModel
    origin: str  # name of what it was sold with, for the history of who had it before


class AftersalesUnit(models.Model):
    """The lot or serial number a product was delivered with."""

    _inherit = 'aftersales.unit'

    lot_id = fields.Many2one(
        comodel_name='stock.lot',
        string="Lot/Serial Number",
        domain="[('product_id', '=', product_id)]",
        check_company=True,
        index='btree_not_null',
        copy=False,
        tracking=True,
    )
    lot_is_serial = fields.Boolean(
        compute='_compute_lot_is_serial',
        store=True,
        precompute=True,
        help="The lot stands for this one piece; several pieces share other lots.",
    )
    stock_move_id = fields.Many2one(
        comodel_name='stock.move',
        string="Delivered by",
        readonly=True,
        copy=False,
        index='btree_not_null',
        groups='stock.group_stock_user',
    )
    stock_return_move_id = fields.Many2one(
        comodel_name='stock.move',
        string="Taken Back by",
        readonly=True,
        copy=False,
        index='btree_not_null',
        groups='stock.group_stock_user',
    )

    # with the company, as what one company sells to another is a customer's product in both
    _lot_unique = models.UniqueIndex(
        "(lot_id, company_id) WHERE lot_id IS NOT NULL AND lot_is_serial AND state <> 'retired'",
        "This serial number is already registered.",
    )

    @api.depends('lot_id')
    def _compute_lot_is_serial(self):
        # depends on the lot chosen, on purpose not on how its product is tracked from now on
        for unit in self:
            unit.lot_is_serial = unit.lot_id.sudo().product_id.tracking == 'serial'

    @api.onchange('lot_id')
    def _onchange_lot_id(self):
        if self.lot_is_serial:
            self.serial = self.lot_id.name

    @api.model
    def _end_former_units(self, sold: list[SoldPiece], keep=None) -> None:
        """Retire what stands in the register for serial numbers that are sold again.

        We can only have handed over a piece again that had come back to us.

        :param keep: pieces that are handed over now, and may stand there already
        """
        origins = {
            (piece.product, number, piece.company): piece.origin
            for piece in sold
            if (number := self._normalise_serial(piece.serial))
        }
        if not origins:
            return
        products, serials, companies = zip(*origins, strict=True)
        found = self.with_context(active_test=False).search(
            [
                ('product_id', 'in', [product.id for product in products]),
                ('serial_norm', 'in', serials),
                ('company_id', 'in', [company.id for company in companies]),
                ('state', '!=', 'retired'),
                ('id', 'not in', keep.ids if keep else []),
            ]
        )
        former = {
            unit: origin
            for unit in found
            if (origin := origins.get((unit.product_id, unit.serial_norm, unit.company_id)))
        }
        self.union(*former).action_retire()
        for unit, origin in former.items():
            reason = self.env._("Handed over again with %(order)s.", order=origin)
            # who had it before has no warranty on what somebody else has now
            unit.warranty_ids._end(
                reason, 'transferred', unit._get_customer_day(), ended_by='transfer'
            )
            unit._message_log(body=reason)

    def _restore(self):
        """Leave pieces that came back to us where they are, whatever becomes of their order."""
        return super(
            AftersalesUnit, self.filtered(lambda unit: not unit.sudo().stock_return_move_id)
        )._restore()

    def _exchange_for(self, replacement) -> None:
        """Let a delivered piece take the place of this one, which came back to us.

        Where the register says that it cannot, as when somebody else has it by now or a day is
        wrong, it is withdrawn, and says why: the warehouse does not wait for that.

        :param replacement: the ``aftersales.unit`` the customer has now
        """
        self.ensure_one()
        days = filter(None, (self.date_delivered, replacement.date_delivered))
        day = min(max(days, default=date.max), self._get_customer_day())
        reason = replacement.stock_move_id.picking_id.name or ''
        try:
            with self.env.cr.savepoint():
                self._replace_by(replacement, day, reason)
        except UserError as error:
            self._withdraw()
            self._message_log(body=str(error))
