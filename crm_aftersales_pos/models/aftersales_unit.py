from odoo import fields, models


class AftersalesUnit(models.Model):
    """The line of a till order a product was sold with."""

    _inherit = 'aftersales.unit'

    pos_order_line_id = fields.Many2one(
        comodel_name='pos.order.line',
        string="Line of a Till Order",
        readonly=True,
        copy=False,
        index='btree_not_null',
        groups='point_of_sale.group_pos_user',
    )
    pos_line_position = fields.Integer(
        string="Piece of the Till Order's Line",
        readonly=True,
        copy=False,
        help="The n-th piece sold: a line never yields the same piece twice.",
    )
    pos_order_id = fields.Many2one(
        related='pos_order_line_id.order_id',
        string="Till Order",
        store=True,
        index='btree_not_null',
        groups='point_of_sale.group_pos_user',
    )
    pos_refund_line_id = fields.Many2one(
        comodel_name='pos.order.line',
        string="Taken Back by a Till Order",
        readonly=True,
        copy=False,
        index='btree_not_null',
        groups='point_of_sale.group_pos_user',
    )

    _pos_line_position_unique = models.UniqueIndex(
        '(pos_order_line_id, pos_line_position) WHERE pos_order_line_id IS NOT NULL',
        "The customer products of this order were registered in the meantime. Please reload.",
    )

    def _has_number(self, number: str) -> bool:
        """Whether the piece has a lot or serial number, however it is written."""
        self.ensure_one()
        normed = self._normalise_serial(number)
        return normed in (self.serial_norm, self._normalise_serial(self.lot_id.name))

    def _restore(self):
        """Leave pieces that came back to a till where they are."""
        return super(
            AftersalesUnit, self.filtered(lambda unit: not unit.sudo().pos_refund_line_id)
        )._restore()
