from odoo import api, fields, models


class StockPicking(models.Model):
    """When the customer signed for the goods."""

    _inherit = 'stock.picking'

    date_signed = fields.Datetime(
        string="Signed on",
        readonly=True,
        copy=False,
        help="When the customer signed for the goods: his products count as delivered then.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        now = fields.Datetime.now()
        return super().create(
            [{'date_signed': now, **vals} if vals.get('signature') else vals for vals in vals_list]
        )

    def write(self, vals):
        signing = self.browse()
        if vals.get('signature') and 'date_signed' not in vals:
            signing = self.filtered(lambda picking: not picking.date_signed)
        res = super().write(vals)
        if signing:
            signing.write({'date_signed': fields.Datetime.now()})
        if vals.get('date_signed'):
            self.sudo()._date_units_by_signature()
        return res

    def _date_units_by_signature(self) -> None:
        """Let products count as delivered when they were signed for after the transfer was done.

        A day that somebody entered by hand stays.
        """
        units = self.env['aftersales.unit'].search([('stock_move_id.picking_id', 'in', self.ids)])
        for unit in units:
            move = unit.stock_move_id
            done = move.sale_line_id._get_customer_day(move.picking_id.date_done or move.date)
            if unit.date_delivered == done:
                unit.date_delivered = move._get_handover_day()
