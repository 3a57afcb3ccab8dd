from datetime import timedelta

from freezegun import freeze_time

from odoo.fields import Command
from odoo.tests import Form, tagged

from odoo.addons.crm_aftersales_stock.tests.common import DeliveryCase


@tagged('post_install', '-at_install')
class TestRepair(DeliveryCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user_workshop = cls._create_user(
            'aftersales_workshop', 'stock.group_stock_user,crm_aftersales.group_own'
        )
        cls.motor, cls.seal = cls.env['product.product'].create(
            [
                {
                    'name': "Motor",
                    'is_storable': True,
                    'tracking': 'serial',
                    'aftersales_track_units': True,
                },
                {'name': "Seal", 'is_storable': True},
            ]
        )
        cls.motors = cls._stock_lots(cls.motor, 'M-1', 'M-2')
        cls._stock(cls.seal, 10)
        order = cls.order((cls.by_serial, 1))
        cls.deliver(order, lots=cls.serials[0])
        cls.pump = order.order_line.aftersales_unit_ids
        cls.request = cls._create_request(
            unit_id=cls.pump.id, user_id=cls.user_workshop.id, team_id=cls.team_workshop.id
        )

    def create_repair(self, *parts, **values):
        """Create a repair order as the button on the request does.

        :param parts: what is done, product, quantity and lot
        """
        action = self.request.with_user(self.user_workshop).action_create_repair()
        repair = Form(self.env['repair.order'].with_user(self.user_workshop).with_context(
            **action['context'])).save()  # fmt: skip
        repair.write(values)
        for kind, product, quantity, lot in parts:
            move = {
                'repair_line_type': kind,
                'product_id': product.id,
                'product_uom_qty': quantity,
            }
            repair.move_ids = [Command.create(move)]
            if lot:
                repair.move_ids[-1:].lot_ids = lot
        return repair

    def finish(self, repair):
        repair.action_validate()
        repair.action_repair_start()
        for move in repair.move_ids:
            if not move.quantity:
                move.quantity = move.product_uom_qty
        repair.action_repair_end()

    def test_repair_of_a_request(self):
        repair = self.create_repair()
        self.assertEqual(repair.aftersales_request_id, self.request)
        self.assertEqual(repair.aftersales_unit_id, self.pump)
        self.assertEqual(repair.partner_id, self.customer)
        self.assertEqual((repair.product_id, repair.lot_id), (self.by_serial, self.serials[0]))
        for record in (self.request, self.pump):
            record = record.with_user(self.user_workshop)
            self.assertEqual(record.repair_count, 1)
            action = record.action_view_repairs()
            self.assertEqual(self.env['repair.order'].search(action['domain']), repair)
        self.assertEqual(repair.action_view_aftersales_request()['res_id'], self.request.id)
        self.assertEqual(repair.action_view_aftersales_unit()['res_id'], self.pump.id)

    def test_under_warranty_when_all_is_covered(self):
        self.assertTrue(self.create_repair().under_warranty)
        listed = self.pump.with_user(self.user_workshop).action_view_repairs()
        self.assertNotIn('default_under_warranty', listed['context'], "another product may follow")
        self.request.fault_date = self.pump.date_delivered - timedelta(days=1)
        self.assertFalse(self.create_repair().under_warranty, "not yet on the day of the fault")

    def test_not_under_warranty_when_parts_differ(self):
        """Core's box would give away the parts that the terms leave out."""
        for rule in (
            {'line_type': 'labour', 'percent': 50},
            {'product_id': self.seal.id, 'excluded': True},
        ):
            policy = self.env['aftersales.warranty.policy'].create(
                {'name': "Policy", 'months': 24, 'rule_ids': [Command.create(rule)]}
            )
            product = self.env['product.product'].create(
                {'name': "Pump", 'aftersales_warranty_policy_id': policy.id}
            )
            self.request.unit_id = self.env['aftersales.unit'].create(
                {
                    'product_id': product.id,
                    'partner_id': self.customer.id,
                    'date_delivered': self.pump.date_delivered,
                }
            )
            self.assertEqual(self.request.unit_id.warranty_state, 'in_warranty')
            self.assertFalse(self.create_repair().under_warranty)

    def test_the_serial_number_finds_the_product(self):
        repair = self.env['repair.order'].create(
            {'product_id': self.by_serial.id, 'lot_id': self.serials[0].id}
        )
        self.assertEqual(repair.aftersales_unit_id, self.pump)
        self.assertFalse(repair.create({'product_id': self.plain.id}).aftersales_unit_id)

    def test_products_of_many_repairs_are_found_at_once(self):
        lots = self._stock_lots(self.by_serial, *(f'N-{number}' for number in range(12)))
        order = self.order((self.by_serial, 12))
        self.deliver(order, lots=lots)
        repairs = self.env['repair.order'].create(
            [{'product_id': self.by_serial.id, 'lot_id': lot.id} for lot in lots]
        )
        self.assertEqual(repairs.aftersales_unit_id, self.get_units(order))
        repairs.aftersales_unit_id = False

        def find(repairs):
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            # as when the addon is installed
            self.env.add_to_compute(repairs._fields['aftersales_unit_id'], repairs)
            repairs._recompute_recordset(['aftersales_unit_id'])
            return self.cr.sql_log_count - before

        few = find(repairs[:2])
        self.assertLessEqual(find(repairs[2:]), few)
        self.assertEqual(len(repairs.aftersales_unit_id), 12)

    def test_parts_without_a_number_come_out_of_a_numbered_product(self):
        """The number of the product is not taken for that of its parts."""
        repair = self.create_repair(('remove', self.seal, 1, None))
        self.assertTrue(repair.action_validate())
        repair.action_repair_start()
        repair.move_ids.quantity = 1
        repair.action_repair_end()
        self.assertEqual(repair.move_ids.state, 'done')
        self.assertFalse(repair.move_ids.move_line_ids.lot_id)

    def test_what_a_customer_brings_is_not_missed_in_stock(self):
        repair = self.create_repair()
        repair.action_validate()
        self.assertEqual(repair.state, 'confirmed')
        # what is not a customer's product is asked for as ever
        foreign = self.env['repair.order'].create({'product_id': self.seal.id, 'product_qty': 1000})
        self.assertEqual(foreign.action_validate()['target'], 'new')
        self.assertEqual(foreign.state, 'draft')

    def test_in_service_while_in_the_workshop(self):
        first, second = self.create_repair(), self.create_repair()
        self.assertEqual(self.pump.state, 'active')
        (first + second)._action_repair_confirm()
        self.assertEqual(self.pump.state, 'in_service')
        first.action_repair_cancel()
        self.assertEqual(self.pump.state, 'in_service', "the other one is still going on")
        second.action_repair_cancel()
        self.assertEqual(self.pump.state, 'active')

    def test_another_serial_number_is_another_product(self):
        order = self.order((self.by_serial, 1))
        self.deliver(order, lots=self.serials[1])
        other = self.get_units(order)
        repair = self.env['repair.order'].create(
            {'product_id': self.by_serial.id, 'lot_id': self.serials[0].id}
        )
        with freeze_time('2026-03-02 10:00:00'):
            repair._action_repair_confirm()
        self.assertEqual(self.pump.state, 'in_service')
        with freeze_time('2026-03-12 10:00:00'):
            repair.lot_id = self.serials[1]
        self.assertEqual(repair.aftersales_unit_id, other)
        self.assertEqual((self.pump.state, other.state), ('active', 'in_service'))
        self.assertFalse(self.pump.stay_ids, "it was never here")
        repair.aftersales_unit_id = self.pump
        self.assertEqual((self.pump.state, other.state), ('in_service', 'active'))
        repair.action_repair_cancel()
        self.assertEqual((self.pump.state, other.state), ('active', 'active'))

    def test_parts_go_into_the_history(self):
        with freeze_time('2026-01-05 10:00:00'):
            old = self.env['aftersales.unit'].create(
                {
                    'product_id': self.motor.id,
                    'serial': 'm 1',
                    'partner_id': self.customer.id,
                    'parent_id': self.pump.id,
                }
            )
        row = self.pump.component_ids
        # taken out of the pump, it comes out of the location of parts that are in products
        self._stock_at_production(self.motor, self.motors[0])
        repair = self.create_repair(
            ('remove', self.motor, 1, self.motors[0]),
            ('add', self.motor, 1, self.motors[1]),
            ('add', self.seal, 2, None),
        )
        self.finish(repair)
        self.assertEqual(repair.state, 'done')
        new = self.pump.component_ids.filtered(lambda part: part.serial == 'M-2')
        self.assertEqual(row.replaced_by_id, new)
        self.assertTrue(row.date_to)
        self.assertEqual((row.request_out_id, new.request_in_id), (self.request, self.request))
        self.assertEqual(row.reason, repair.name)
        self.assertEqual((old.state, old.parent_id.id), ('retired', False))
        part = new.component_unit_id
        self.assertEqual((part.lot_id, part.parent_id), (self.motors[1], self.pump))
        self.assertEqual(part.partner_id, self.customer)
        seals = self.pump.component_ids.filtered(lambda part: part.product_id == self.seal)
        self.assertEqual((seals.quantity, seals.component_unit_id.id), (2, False))
        self.assertEqual(self.pump.state, 'active')

    def _stock_at_production(self, product, lot):
        location = self.env['repair.order'].new({}).location_dest_id
        location = location or self.warehouse.repair_type_id.default_location_dest_id
        self.env['stock.quant']._update_available_quantity(product, location, 1, lot_id=lot)

    def test_parts_of_the_order_are_not_registered_again(self):
        repair = self.create_repair(('add', self.motor, 1, self.motors[1]))
        repair.sudo().action_create_sale_order()
        repair.sudo().sale_order_id.action_confirm()
        self.finish(repair)
        self.assertFalse(repair.sudo().sale_order_id.aftersales_has_missing_units)
        found = self.env['aftersales.unit'].search([('product_id', '=', self.motor.id)])
        self.assertEqual(found.mapped('serial'), ['M-2'])

    def test_merged_requests_hand_over_their_repairs(self):
        repair = self.create_repair()
        other = self._create_request(unit_id=self.pump.id)
        self.request._merge_into(other)
        self.assertEqual(repair.aftersales_request_id, other)

    def test_technicians_without_stock_open_the_forms(self):
        self.create_repair()
        self.request.user_id = self.user_technician
        for record in (self.request, self.pump):
            with Form(record.with_user(self.user_technician)) as form:
                form.name = "Pump in the cellar"

    def test_each_repair_order_is_one_repair(self):
        fault = self.env['aftersales.code'].create({'code': 'T-9', 'name': "Noise"})
        self.request.fault_code_id = fault
        for _time in range(3):
            self.finish(self.create_repair())
        self.create_repair()  # not done
        self.assertEqual(self.pump.same_fault_max, 3)
        self.request.action_resolve()
        self.pump.invalidate_recordset()
        self.assertEqual(self.pump.same_fault_max, 3, "the request of the orders is no other one")
        alone = self.create_repair(aftersales_request_id=False, aftersales_unit_id=self.pump.id)
        alone.aftersales_fault_code_id = fault
        self.finish(alone)
        self.pump.invalidate_recordset()
        self.assertEqual(self.pump.same_fault_max, 4)
