from datetime import date

import psycopg2
from freezegun import freeze_time

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import AftersalesCommon

DAY = date(2026, 5, 4)


class ComponentCase(AftersalesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.engine, cls.seal = cls.env['product.product'].create(
            [{'name': "Engine", 'aftersales_track_units': True}, {'name': "Seal"}]
        )

    @classmethod
    def create_part(cls, serial, **values):
        return cls.env['aftersales.unit'].create(
            {
                'product_id': cls.engine.id,
                'serial': serial,
                'partner_id': cls.customer.id,
                **values,
            }
        )


@tagged('post_install', '-at_install')
class TestComponentTree(ComponentCase):
    def test_no_cycle(self):
        part = self.create_part('E1', parent_id=self.unit.id)
        small = self.create_part('E2', parent_id=part.id)
        for parent in (self.unit, part, small):
            with self.assertRaises(ValidationError), self.cr.savepoint():
                self.unit.parent_id = parent
        found = self.env['aftersales.unit'].search([('id', 'child_of', self.unit.id)])
        self.assertEqual(found, self.unit + part + small)

    def test_history_follows_the_tree(self):
        with freeze_time('2026-05-04'):
            part = self.create_part('E1', parent_id=self.unit.id)
        row = self.unit.component_ids
        self.assertEqual((row.component_unit_id, row.product_id), (part, self.engine))
        self.assertEqual((row.serial, row.date_from, row.date_to), ('E1', DAY, False))
        with freeze_time('2026-05-09'):
            part.parent_id = self.unit_stranger
        self.assertEqual(row.date_to, date(2026, 5, 9))
        self.assertEqual(self.unit_stranger.component_ids.date_from, date(2026, 5, 9))
        with freeze_time('2026-05-10'):
            part.parent_id = False
        self.assertFalse(part.search([('parent_id', 'in', (self.unit + self.unit_stranger).ids)]))
        self.assertTrue(self.unit_stranger.component_ids.date_to)

    def test_a_part_is_in_since_it_was_installed(self):
        self.create_part('E1', parent_id=self.unit.id, date_installed=DAY)
        self.assertEqual(self.unit.component_ids.date_from, DAY)

    def test_a_part_is_in_one_place(self):
        part = self.create_part('E1', parent_id=self.unit.id)
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError):
            self.env['aftersales.unit.component'].create(
                {'unit_id': self.unit_stranger.id, 'component_unit_id': part.id}
            )

    def test_parts_change_hands_with_the_whole(self):
        part = self.create_part('E1', parent_id=self.unit.id)
        small = self.create_part('E2', parent_id=part.id)
        leased = self.create_part('E3', parent_id=self.unit.id, partner_id=self.stranger.id)
        buyer = self.env['res.partner'].create({'name': "Buyer"})
        self.unit.with_user(self.user_service)._transfer(buyer, reason="sold")
        self.assertEqual((self.unit + part + small).partner_id, buyer)
        self.assertEqual(leased.partner_id, self.stranger)
        self.assertEqual(small.owner_ids[0].reason, "sold")
        self.unit.partner_id = self.stranger
        self.assertEqual((part + small).partner_id, self.stranger)

    def test_the_site_of_the_former_owner_is_left(self):
        self.unit.site_partner_id = self.customer_company
        self.unit_stranger.site_partner_id = self.customer_company
        self.unit._transfer(self.stranger)
        self.assertFalse(self.unit.site_partner_id)
        self.assertTrue(self.unit_stranger.site_partner_id)


@tagged('post_install', '-at_install')
class TestComponentReplace(ComponentCase):
    def replace(self, user=None, **values):
        unit = self.unit.with_user(user or self.user_technician)
        wizard = Form(self.env[unit._name.replace('unit', 'component.replace')].with_user(
            unit.env.user).with_context(default_unit_id=unit.id))  # fmt: skip
        for name, value in values.items():
            setattr(wizard, name, value)
        wizard.save().action_replace()

    def test_replace_a_registered_part(self):
        old = self.create_part('E1', parent_id=self.unit.id)
        row = self.unit.component_ids
        row.date_from = date(2026, 1, 1)
        request = self._create_request(user_id=self.user_technician.id)
        self.replace(component_id=row, serial='E9', date=DAY, request_id=request, reason="seized")
        new = self.unit.component_ids - row
        self.assertEqual((row.date_to, row.reason, row.replaced_by_id), (DAY, "seized", new))
        self.assertEqual((row.request_out_id, new.request_in_id), (request, request))
        part = new.component_unit_id
        self.assertEqual((part.serial, part.parent_id), ('E9', self.unit))
        self.assertEqual((part.date_installed, part.partner_id), (DAY, self.customer))
        self.assertEqual((old.state, old.parent_id.id), ('retired', False))

    def test_replace_a_part_that_is_not_registered(self):
        self.replace(product_id=self.seal, quantity=2, date=date(2026, 1, 1))
        row = self.unit.component_ids
        self.assertFalse(row.component_unit_id)
        self.replace(component_id=row, date=DAY)
        self.assertEqual(row.replaced_by_id.quantity, 2)
        self.assertEqual(row.replaced_by_id.date_from, DAY)

    def test_take_a_part_out(self):
        """On the evening it came in, when it is tomorrow already where the owner is."""
        self.customer.customer_tz_choice = 'Asia/Shanghai'
        with freeze_time('2026-05-09 22:30:00'):
            old = self.create_part('E1', parent_id=self.unit.id)
            self.replace(
                component_id=self.unit.component_ids,
                product_id=self.env['product.product'],
                retires_old=False,
            )
        self.assertTrue(self.unit.component_ids.date_to)
        self.assertEqual((old.state, old.parent_id.id), ('active', False))

    def test_a_part_comes_from_another_product(self):
        part = self.create_part('E1', parent_id=self.unit_stranger.id)
        self.unit._put_in(self.engine, DAY, component_unit_id=part.id)
        self.assertEqual(part.parent_id, self.unit)
        self.assertTrue(self.unit_stranger.component_ids.date_to)
        self.assertFalse(self.unit.component_ids.date_to)

    def test_a_part_leaves_where_it_was_on_the_day_it_comes(self):
        with freeze_time('2026-05-09'):
            part = self.create_part('E1', parent_id=self.unit_stranger.id)
        with freeze_time('2026-05-30'):
            self.unit._put_in(self.engine, date(2026, 5, 12), component_unit_id=part.id)
            self.env.flush_all()
        self.assertEqual(self.unit_stranger.component_ids.date_to, date(2026, 5, 12))
        self.assertEqual(self.unit.component_ids.date_from, date(2026, 5, 12))

    def test_find_a_part(self):
        self.unit._put_in(self.engine, DAY, serial='a-1')
        self.assertTrue(self.unit._find_component(self.engine))
        self.unit._put_in(self.engine, DAY, serial='a-2')
        self.assertFalse(self.unit._find_component(self.engine), "which one?")
        self.assertEqual(self.unit._find_component(self.engine, 'A 2').serial, 'a-2')

    def test_not_out_before_in(self):
        self.unit._put_in(self.seal, DAY)
        row = self.unit.component_ids
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.IntegrityError):
            self.unit._take_out(row, date(2026, 5, 3))
            self.env.flush_all()

    def test_rights(self):
        self.unit._put_in(self.seal, DAY)
        salesman = self._create_user('aftersales_sale', 'sales_team.group_sale_salesman')
        row = self.unit.component_ids
        self.assertEqual(row.with_user(salesman).product_id, self.seal)
        with self.assertRaises(AccessError):
            self.unit.with_user(salesman)._put_in(self.seal)
        with self.assertRaises(AccessError):
            self.unit.with_user(salesman)._take_out(row)
        with self.assertRaises(AccessError):
            row.with_user(self.user_technician).reason = "x"
        with self.assertRaises(AccessError):
            row.with_user(self.user_customer).read(['reason'])
        row.with_user(self.user_service).reason = "x"
        self.unit.sudo().company_id = self.company_2
        self.env.flush_all()
        found = row.with_user(self.user_service).search([('id', '=', row.id)])
        self.assertFalse(found, "of another company")

    def test_site_in_personal_data(self):
        self.unit_stranger.site_partner_id = self.customer
        sources = self.customer._get_personal_data_sources()
        [source] = [source for source in sources if source.key == 'aftersales.unit.site']
        self.assertEqual(self.customer._get_personal_records(source), self.unit_stranger)


@tagged('post_install', '-at_install')
class TestInvoiceDates(ComponentCase):
    def test_invoices_date_pieces(self):
        order = self.env['sale.order'].create(
            {
                'partner_id': self.customer.id,
                'order_line': [
                    Command.create({'product_id': self.engine.id, 'product_uom_qty': 3})
                ],
            }
        )
        self.engine.invoice_policy = 'order'
        order.action_confirm()
        order.action_create_aftersales_units()
        units = order.order_line.aftersales_unit_ids.sorted('sale_line_position')
        self.assertFalse(any(units.mapped('date_invoiced')))
        first = order._create_invoices()
        first.invoice_line_ids.quantity = 2
        first.invoice_date = '2026-03-01'
        first.with_user(
            self._create_user('invoicer', 'account.group_account_invoice')
        ).action_post()
        self.assertEqual(units.mapped('date_invoiced'), [date(2026, 3, 1)] * 2 + [False])
        second = order._create_invoices()
        second.invoice_date = '2026-04-01'
        second.action_post()
        self.assertEqual(units[2].date_invoiced, date(2026, 4, 1))

    def test_pieces_registered_after_the_invoice(self):
        order = self.env['sale.order'].create(
            {
                'partner_id': self.customer.id,
                'order_line': [Command.create({'product_id': self.engine.id})],
            }
        )
        self.engine.invoice_policy = 'order'
        order.action_confirm()
        invoice = order._create_invoices()
        invoice.invoice_date = '2026-03-01'
        invoice.action_post()
        order.action_create_aftersales_units()
        self.assertEqual(order.order_line.aftersales_unit_ids.date_invoiced, date(2026, 3, 1))
