from odoo.tests import tagged

from odoo.addons.crm_customer.tests.import_common import ImportCase

HEADER = (
    "External ID", "Customer/External ID", "Order Date", "Status",
    "Order Lines/Product", "Order Lines/Quantity",
)  # fmt: skip


@tagged('post_install', '-at_install')
class TestPastOrders(ImportCase):
    """Orders of another system beside Inventory: their goods left long ago."""

    def bring_in_order(self, qty):
        """Import the one order with this quantity; return it."""
        rows = [HEADER, ('past-1', 'past-customer', '2025-03-14', 'sale', 'PAST-LAMP', qty)]
        record = self.bring_in(rows, 'past_orders')
        self.assertFalse(self.get_bad(record))
        return self.env.ref('__import__.past-1')

    def test_past_orders_ship_nothing(self):
        self.env['product.product'].create(
            {'name': "Lamp", 'default_code': 'PAST-LAMP', 'is_storable': True}
        )
        self.bring_in([("External ID", "Name"), ('past-customer', "Past Customer")])
        order = self.bring_in_order('2')
        self.assertEqual(order.state, 'sale')
        self.bring_in_order('5')
        self.assertEqual(order.order_line.product_uom_qty, 5)
        self.assertFalse(order.picking_ids)
