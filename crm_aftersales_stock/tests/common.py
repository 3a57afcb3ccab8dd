from odoo.fields import Command

from odoo.addons.crm_aftersales.tests.common import AftersalesCommon


class DeliveryCase(AftersalesCommon):
    """Goods by serial number, by lot and without, in stock; orders that deliver them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.by_serial, cls.by_lot, cls.plain, cls.unregistered = cls.env['product.product'].create(
            [
                {
                    'name': name,
                    'is_storable': True,
                    'tracking': tracking,
                    'aftersales_warranty_months': months,
                    'invoice_policy': 'order',
                    'taxes_id': False,
                }
                for name, tracking, months in (
                    ("Pump S", 'serial', 24),
                    ("Valve L", 'lot', 12),
                    ("Kettle", 'none', 12),
                    ("Screw", 'none', 0),
                )
            ]
        )
        cls.warehouse = cls.env['stock.warehouse'].search(
            [('company_id', '=', cls.company.id)], limit=1
        )
        cls.serials = cls._stock_lots(cls.by_serial, 'S-1', 'S-2', 'S-3')
        cls.lot = cls._stock_lots(cls.by_lot, 'L-1', quantity=10)
        for product in (cls.plain, cls.unregistered):
            cls._stock(product, 10)

    @classmethod
    def _stock_lots(cls, product, *names, quantity=1):
        lots = cls.env['stock.lot'].create(
            [{'name': name, 'product_id': product.id} for name in names]
        )
        for lot in lots:
            cls._stock(product, quantity, lot)
        return lots

    @classmethod
    def _stock(cls, product, quantity, lot=None):
        cls.env['stock.quant']._update_available_quantity(
            product, cls.warehouse.lot_stock_id, quantity, lot_id=lot
        )

    @classmethod
    def order(cls, *lines, product_uom_id=None, **values):
        of_line = {'product_uom_id': product_uom_id} if product_uom_id else {}
        order = cls.env['sale.order'].create(
            {
                'partner_id': cls.customer.id,
                'order_line': [
                    Command.create(
                        {'product_id': product.id, 'product_uom_qty': quantity, **of_line}
                    )
                    for product, quantity in lines
                ],
                **values,
            }
        )
        order.action_confirm()
        return order

    @classmethod
    def deliver(cls, order, quantity=None, lots=(), user=None):
        """Deliver what an order still owes.

        :param quantity: of each line; all when left out
        :param lots: the serial numbers
        """
        picking = order.picking_ids.filtered(lambda p: p.state not in ('done', 'cancel'))
        picking.action_assign()
        for move in picking.move_ids:
            if lots:
                cls.set_lots(move, lots)
            elif quantity:
                move.quantity = quantity
        picking.move_ids.picked = True
        picking.with_user(user or cls.env.user)._action_done()
        return picking

    @classmethod
    def set_lots(cls, move, lots):
        """Let a move be about certain serial numbers."""
        move.move_line_ids.unlink()
        move.move_line_ids = [
            Command.create(
                {
                    'product_id': move.product_id.id,
                    'lot_id': lot.id,
                    'quantity': 1,
                    'location_id': move.location_id.id,
                    'location_dest_id': move.location_dest_id.id,
                }
            )
            for lot in lots
        ]

    @classmethod
    def start_return(cls, picking, quantity=1):
        """Open core's wizard for returns on a delivery."""
        wizard = (
            cls.env['stock.return.picking']
            .with_context(
                active_ids=picking.ids, active_id=picking.id, active_model='stock.picking'
            )
            .create({})
        )
        wizard.product_return_moves.quantity = quantity
        return wizard

    @classmethod
    def send_back(cls, picking, quantity=1, lots=(), to_refund=True):
        wizard = cls.start_return(picking, quantity)
        wizard.product_return_moves.to_refund = to_refund
        returned = cls.env['stock.picking'].browse(wizard.action_create_returns()['res_id'])
        returned.action_assign()
        for line, lot in zip(returned.move_line_ids, lots, strict=False):
            line.lot_id = lot
        returned.move_ids.picked = True
        returned._action_done()
        return returned

    def get_units(self, order):
        units = self.env['aftersales.unit'].search([('sale_order_id', '=', order.id)])
        return units.sorted('sale_line_position')
