from odoo.fields import Command
from odoo.tests import Form, tagged

from odoo.addons.crm_loyalty.tests.common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestDelivery(LoyaltyCommon):
    """Deliveries and returns, in part."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.goods = cls.env['product.product'].create(
            {
                'name': "Kettle",
                'is_storable': True,
                'list_price': 33.33,
                'taxes_id': False,
                'invoice_policy': 'order',
            }
        )
        warehouse = cls.env['stock.warehouse'].search([], limit=1)
        cls.env['stock.quant']._update_available_quantity(cls.goods, warehouse.lot_stock_id, 100)

    def confirm(self, qty=3):
        order = self.create_order(
            lines=[{'product_id': self.goods.id, 'product_uom_qty': qty, 'price_unit': 33.33}]
        )
        order.action_confirm()
        return order

    def deliver(self, picking, qty):
        picking.action_assign()
        picking.move_ids.quantity = qty
        picking.move_ids.picked = True
        picking._action_done()
        return picking

    def send_back(self, picking, qty, to_refund=True):
        form = Form(
            self.env['stock.return.picking'].with_context(
                active_ids=picking.ids, active_id=picking.id, active_model='stock.picking'
            )
        )
        wizard = form.save()
        wizard.product_return_moves.write({'quantity': qty, 'to_refund': to_refund})
        action = wizard.action_create_returns()
        return self.deliver(self.env['stock.picking'].browse(action['res_id']), qty)

    def test_points_with_each_delivery(self):
        self.program.earn_on = 'delivered'
        order = self.confirm()
        card = self.get_card()
        self.assertEqual(card.points, 0)
        self.deliver(order.picking_ids, 1)
        self.assertEqual(card.points, 33.33)
        self.deliver(order.picking_ids.filtered(lambda p: p.state != 'done'), 2)
        self.assertEqual(card.points, 99.99)
        self.assertEqual(card.history_ids.sorted('id').mapped('base_amount'), [33.33, 99.99])
        self.assert_balanced(card)

    def test_v3_returned_one_by_one(self):
        """Core leaves all 100 points after a full return."""
        self.program.rule_ids.write({'reward_point_mode': 'order', 'reward_point_amount': 100})
        order = self.confirm()
        card = self.get_card()
        picking = self.deliver(order.picking_ids, 3)
        balances = []
        for _piece in range(3):
            self.send_back(picking, 1)
            balances.append(card.points)
        self.assertEqual(balances, [66.66, 33.33, 0])
        rows = card.history_ids.sorted('id')
        self.assertEqual(rows.mapped('qty'), [100, -33.34, -33.33, -33.33])
        self.assertEqual(set(rows[1:].mapped('kind')), {'unearn'})
        self.assert_balanced(card)

    def test_return_and_credit_note_count_once(self):
        order = self.confirm()
        card = self.get_card()
        picking = self.deliver(order.picking_ids, 3)
        invoice = order._create_invoices()
        invoice.action_post()
        self.send_back(picking, 1)
        self.assertEqual(card.points, 66.66)
        credit = invoice._reverse_moves()
        credit.invoice_line_ids.quantity = 1
        credit.action_post()
        self.assertEqual(card.points, 66.66)
        self.assert_balanced(card)

    def test_exchange_takes_nothing(self):
        order = self.confirm()
        picking = self.deliver(order.picking_ids, 3)
        back = self.send_back(picking, 1)
        self.assertEqual(self.get_card().points, 66.66)
        self.send_back(back, 1)
        self.assertEqual(self.get_card().points, 99.99)

    def test_warehouse_staff(self):
        self.program.earn_on = 'delivered'
        order = self.confirm()
        user = self.env['res.users'].create(
            {
                'name': "Warehouse",
                'login': 'loyalty-warehouse',
                'group_ids': [Command.set(self.env.ref('stock.group_stock_user').ids)],
            }
        )
        self.deliver(order.picking_ids.with_user(user), 3)
        self.assertEqual(self.get_card().points, 99.99)
