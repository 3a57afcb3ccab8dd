from collections import Counter

from odoo import fields, models
from odoo.fields import Domain

#: an order is paid, whatever became of it afterwards
PAID_STATES = ('paid', 'done', 'invoiced')


class PosOrder(models.Model):
    """Paid orders of known customers hand products over, refunds take them back."""

    _inherit = 'pos.order'

    aftersales_unit_count = fields.Integer(
        string="Customer Products Count",
        compute='_compute_aftersales_unit_count',
        groups='crm_aftersales.group_own',
    )

    def _get_aftersales_units_domain(self) -> Domain:
        """Return the customers' products that these orders sold or took back."""
        sold = Domain('pos_order_id', 'in', self.ids)
        return sold | Domain('pos_refund_line_id.order_id', 'in', self.ids)

    def _compute_aftersales_unit_count(self):
        units = self.env['aftersales.unit'].sudo().search(self._get_aftersales_units_domain())
        counts = Counter(
            order.id
            for unit in units
            for order in unit.pos_order_id | unit.pos_refund_line_id.order_id
        )
        for order in self:
            order.aftersales_unit_count = counts[order.id]

    def _create_order_picking(self):
        res = super()._create_order_picking()
        # cashiers need no rights on customers' products
        self.sudo()._register_units()
        return res

    def _generate_pos_order_invoice(self):
        res = super()._generate_pos_order_invoice()
        self.sudo()._date_units_by_invoice()
        return res

    def write(self, vals):
        former = {}
        if vals.get('partner_id'):
            former = {order: order.partner_id for order in self.sudo()}
        res = super().write(vals)
        if former:
            self.sudo()._correct_owners(former)
            self.sudo()._register_units()
        return res

    def _correct_owners(self, former: dict) -> None:
        """Let pieces belong to the customer of the order, unless they went on to somebody else.

        :param former: order -> customer before
        """
        for order in self:
            units = self.env['aftersales.unit'].search(
                [
                    ('pos_order_id', '=', order.id),
                    ('partner_id', '=', former[order].id),
                    ('state', '!=', 'retired'),
                ]
            )
            units._correct_owner(order.partner_id)

    def _register_units(self) -> None:
        """Register the pieces of paid orders, and take back those they refund.

        Pieces that are registered already are left alone, so it can be run at any time again.
        """
        paid = self.filtered(lambda order: order.state in PAID_STATES)
        lines = paid.lines.filtered(lambda line: line._concerns_units())
        lines.filtered(lambda line: line.qty < 0)._take_units_back()
        lines.filtered(lambda line: line.qty > 0 and line.order_id.partner_id)._hand_units_over()
        paid._date_units_by_invoice()

    def _date_units_by_invoice(self) -> None:
        """Enter the day of the invoice on pieces that have none yet."""
        for order in self.filtered('account_move.invoice_date'):
            units = self.env['aftersales.unit'].search(
                [('pos_order_id', '=', order.id), ('date_invoiced', '=', False)]
            )
            units.date_invoiced = order.account_move.invoice_date

    def action_view_aftersales_units(self) -> dict:
        """Open the customer's products that the order sold or took back.

        :return: window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_aftersales.aftersales_unit_action'
        )
        units = self.env['aftersales.unit'].sudo().search(self._get_aftersales_units_domain())
        action['domain'] = [('id', 'in', units.ids)]
        action['context'] = {'default_partner_id': self.partner_id.id}
        return action
