"""Random days of a shop that delivers goods and takes them back."""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from odoo.addons.crm_loyalty.tests.points_machine import NUMBERS, MachineMixin, PointsMachine

CLOSED = ('done', 'cancel')


class StockMachine(PointsMachine):
    """Deliveries are those of the warehouse, in part as it likes, and goods come back."""

    def __init__(self, test):
        super().__init__(test)
        #: of each delivery: its order in the model, pieces, and those that came back
        self.deliveries: dict = {}

    def move(self, picking, qty):
        picking.move_ids.write({'quantity': qty, 'picked': True})
        picking._action_done()

    def get_to_deliver(self):
        return [
            (picking, model)
            for order, model in self.having('sale')
            for picking in order.picking_ids
            if picking.state not in CLOSED and picking.picking_type_code == 'outgoing'
        ]

    @precondition(lambda self: self.get_to_deliver())
    @rule(number=NUMBERS, qty=st.integers(1, 4))
    def deliver(self, number, qty):
        picking, model = self.pick(number, self.get_to_deliver())
        qty = min(qty, int(sum(picking.move_ids.mapped('product_uom_qty'))))
        self.move(picking, qty)
        self.deliveries[picking] = [model, qty, 0]
        model.delivered += qty
        self.post_orders(model)

    def get_to_return(self):
        return [
            picking
            for picking, (model, qty, back) in self.deliveries.items()
            if back < qty and model.state == 'sale'
        ]

    @precondition(lambda self: self.get_to_return())
    @rule(number=NUMBERS, qty=st.integers(1, 3), to_refund=st.sampled_from([True, True, False]))
    def send_back(self, number, qty, to_refund):
        picking = self.pick(number, self.get_to_return())
        model, sent, back = self.deliveries[picking]
        qty = min(qty, sent - back)
        wizard = self.env['stock.return.picking'].create({'picking_id': picking.id})
        wizard.product_return_moves.write({'quantity': qty, 'to_refund': to_refund})
        self.move(self.env['stock.picking'].browse(wizard.action_create_returns()['res_id']), qty)
        self.deliveries[picking][2] += qty
        if to_refund:
            model.returned += qty
        self.post_orders(model)

    @precondition(lambda self: self.having('sale'))
    @rule(number=NUMBERS, qty=st.integers(0, 6))
    def edit(self, number, qty):
        _order, model = self.pick(number, self.having('sale'))
        # what is sent again after a return is for the warehouse to say
        if not any(known is model and back for known, _qty, back in self.deliveries.values()):
            self.change(number, qty)

    @precondition(lambda self: self.having('cancel'))
    @rule(number=NUMBERS)
    def reset(self, number):
        _order, model = self.pick(number, self.having('cancel'))
        if not model.delivered:
            self.draft(number)


class StockMachineMixin(MachineMixin):
    """Runs machines in a case of :class:`LoyaltyCommon` beside *Sales and Warehouse*."""

    def setUp(self):
        super().setUp()
        self.product = self.env['product.product'].create(
            {'name': "Kettle", 'is_storable': True, 'taxes_id': False, 'invoice_policy': 'order'}
        )
        warehouse = self.env['stock.warehouse'].search(
            [('company_id', '=', self.env.company.id)], limit=1
        )
        quants = self.env['stock.quant']
        quants._update_available_quantity(self.product, warehouse.lot_stock_id, 10000)

    def play(self, number, machine=StockMachine, **options):
        return super().play(number, machine, **options)
