from datetime import date, datetime

from freezegun import freeze_time

from odoo.exceptions import AccessError, ValidationError
from odoo.fields import Command
from odoo.tests import tagged

from .test_warranty import WarrantyCommon


@tagged('post_install', '-at_install')
class TestWarrantyChange(WarrantyCommon):
    """Returned, replaced, repaired, handed over."""

    # ------------------------------------------------------------
    # 4.2, sixth rule: returns and replacements
    # ------------------------------------------------------------

    def test_4_2_6_return_voids_and_resale_starts_anew(self):
        unit = self._create_unit(date_delivered='2026-01-10', serial='R-1')
        sold = unit.warranty_ids
        unit._withdraw()
        self.assertEqual((sold.state, sold.reason), ('void', "Taken back"))
        self.assertFalse(unit.warranty_end)
        answer = unit._get_warranty_answer(date(2026, 1, 10))
        self.assertEqual((answer.state, answer.reason), ('not_covered', "The warranty is void."))
        again = self._create_unit(
            date_delivered='2026-05-01', serial='R-1', partner_id=self.stranger.id
        )
        self.assertEqual(again.warranty_end, date(2028, 4, 30))
        unit.write({'state': 'active', 'serial': 'R-2', 'date_delivered': '2026-06-01'})
        self.assertEqual(
            (unit.warranty_start, unit.warranty_end), (date(2026, 6, 1), date(2028, 5, 31))
        )
        self.assertEqual(sold.state, 'void')

    def _swap(self, **terms):
        """Swap a pump on the 50th of about 60 days."""
        self._create_warranty_policy(months=2, **terms)
        old = self._create_unit(date_delivered='2026-01-01')
        new = self._create_unit(date_delivered='2026-02-19')
        old._replace_warranty(new, date(2026, 2, 19))
        self.assertFalse(self._granted(old))
        return old, new

    def test_4_2_6_swap_leaves_the_remainder(self):
        old, new = self._swap()
        self.assertEqual(
            (new.warranty_start, new.warranty_end), (date(2026, 2, 19), date(2026, 2, 28))
        )
        self.assertEqual(old._get_warranty_answer(date(2026, 2, 18)).state, 'covered')
        self.assertEqual(old._get_warranty_answer(date(2026, 2, 19)).state, 'not_covered')
        new.date_delivered = '2026-02-20'
        new._start_warranty('installation', date(2026, 2, 25))
        self.assertEqual(new.warranty_end, date(2026, 2, 28), "no delivery makes it a new one")

    def test_4_2_6_swap_by_other_terms(self):
        for replacement, end in (('fresh', date(2026, 4, 18)), ('longer', date(2026, 4, 18))):
            with self.subTest(replacement=replacement):
                self.assertEqual(self._swap(replacement=replacement)[1].warranty_end, end)
        self._create_warranty_policy(months=24, replacement='longer')
        old = self._create_unit(date_delivered='2026-01-01')
        old.warranty_months = 36
        new = self._create_unit(date_delivered='2026-02-19')
        old._replace_warranty(new, date(2026, 2, 19))
        self.assertEqual(new.warranty_end, date(2029, 2, 18))

    def test_4_2_6_nothing_remains_of_what_is_over(self):
        old = self._create_unit(date_delivered='2023-01-01')
        new = self._create_unit(date_delivered='2026-02-19')
        old._replace_warranty(new, date(2026, 2, 19))
        self.assertFalse(new.warranty_end)
        new.date_delivered = '2026-02-21'
        self.assertFalse(new.warranty_end)

    def test_4_2_6_meter_of_the_replacement_begins_anew(self):
        self._create_warranty_policy(meter_limit=1000)
        meter = self.env['aftersales.meter.type'].create({'name': "Hours", 'uom': "h"})
        old = self._create_unit(date_delivered='2026-01-01', meter_type_id=meter.id)
        self.env['aftersales.meter.reading'].create(
            {'unit_id': old.id, 'date': '2026-02-01', 'value': 700}
        )
        new = self._create_unit(date_delivered='2026-02-19', meter_type_id=meter.id)
        old._replace_warranty(new, date(2026, 2, 19))
        self.assertEqual(self._granted(new).meter_end, 300)

    # ------------------------------------------------------------
    # 4.2, seventh rule: repairs
    # ------------------------------------------------------------

    def test_4_2_7_days_in_repair(self):
        self._create_warranty_policy(repair_time='extends')
        unit = self._create_unit(date_delivered='2026-01-10')
        with freeze_time('2026-03-01 12:00:00'):
            unit.with_user(self.user_technician).state = 'in_service'
        self.assertEqual(unit.date_in_service, date(2026, 3, 1))
        with freeze_time('2026-03-15 12:00:00'):
            unit.with_user(self.user_technician).state = 'active'
        self.assertEqual(unit.warranty_end, date(2028, 1, 23))
        self.assertFalse(unit.date_in_service)
        self.assertEqual(unit.warranty_ids.repair_days, 14)
        # a correction of the start keeps them
        unit.date_delivered = '2026-01-11'
        self.assertEqual(unit.warranty_end, date(2028, 1, 24))

    def test_4_2_7_days_in_repair_count_by_default(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        unit._add_repair_time(date(2026, 3, 1), date(2026, 3, 15))
        self.assertEqual(unit.warranty_end, date(2028, 1, 9))

    def test_4_2_7_choosing_repair_adds_months_once(self):
        self._create_warranty_policy(repair_extension_months=12)
        unit = self._create_unit(date_delivered='2026-01-10')
        added = unit._grant_repair_extension(date(2026, 6, 1))
        self.assertEqual(unit.warranty_end, date(2029, 1, 9))
        self.assertEqual(added.layer, 'statutory')
        self.assertEqual(unit._grant_repair_extension(date(2026, 7, 1)), added)
        self.assertEqual(unit.warranty_end, date(2029, 1, 9))
        late = self._create_unit(date_delivered='2023-01-10')
        self.assertFalse(late._grant_repair_extension(date(2026, 6, 1)))

    def test_4_2_7_part_warranty(self):
        self._create_warranty_policy(part_months=6)
        unit = self._create_unit(date_delivered='2023-01-10')
        request = self._create_request(unit_id=unit.id)
        day = date(2026, 3, 2)
        warranty = unit._grant_part_warranty(self.seal | self.motor, day, request=request)
        self.assertEqual(warranty.mapped('date_end'), [date(2026, 9, 1)] * 2)
        self.assertEqual(warranty.request_id, request)
        self.assertFalse(unit._grant_part_warranty(self.seal, day, request=request), "once")
        covered = unit._get_warranty_answer(date(2026, 9, 1), line_type='part', product=self.seal)
        self.assertEqual((covered.state, covered.warranty), ('covered', warranty[0]))
        self.assertEqual(unit._get_warranty_answer(date(2026, 9, 1)).state, 'not_covered')
        self.assertEqual(unit.warranty_state, 'expired', "a part is not the product")
        self.motor.aftersales_warranty_months = 12
        again = unit._grant_part_warranty(self.motor, date(2026, 4, 1))
        self.assertEqual(again.date_end, date(2027, 3, 31))

    # ------------------------------------------------------------
    # 4.2, ninth rule: another owner
    # ------------------------------------------------------------

    def test_4_2_9_only_transferable_layers_move(self):
        self._create_warranty_policy(transferable=False)
        kept = self._create_warranty_policy()
        kept_unit = self._create_unit(date_delivered='2026-01-10')
        kept.transferable = False
        lost_unit = self._create_unit(date_delivered='2026-01-10')
        with freeze_time('2026-03-10'):
            (kept_unit | lost_unit)._transfer(self.stranger, date(2026, 3, 2))
        self.assertEqual(self._granted(kept_unit).date_end, date(2028, 1, 9))
        lost = lost_unit.warranty_ids
        self.assertEqual((lost.state, lost.date_ended), ('transferred', date(2026, 3, 2)))
        self.assertFalse(lost_unit.warranty_end)
        self.assertEqual(lost_unit._get_warranty_answer(date(2026, 3, 1)).state, 'covered')
        answer = lost_unit._get_warranty_answer(date(2026, 3, 2))
        self.assertEqual(answer.state, 'not_covered')
        self.assertIn("changed hands", answer.reason)

    def test_4_2_9_corrected_owners_lose_nothing(self):
        """Who is entered by mistake, and corrected on the day, has not owned it."""
        self._create_warranty_policy(transferable=False)
        with freeze_time('2026-01-10 10:00:00'):
            unit = self._create_unit(date_delivered='2026-01-10')
            unit.partner_id = self.stranger
            self.assertEqual(unit.owner_ids.partner_id, self.stranger)
        self.assertEqual(self._granted(unit).date_end, date(2028, 1, 9))
        with freeze_time('2026-02-10 10:00:00'):
            unit._correct_owner(self.customer)
        owner = unit.owner_ids
        self.assertEqual((owner.partner_id, owner.date_from), (self.customer, date(2026, 1, 10)))
        self.assertEqual(self._granted(unit).date_end, date(2028, 1, 9))
        with freeze_time('2026-02-11 10:00:00'):
            unit.partner_id = self.stranger
        self.assertFalse(self._granted(unit), "handed over")

    def test_4_2_9_colleagues_are_one_owner(self):
        self._create_warranty_policy(transferable=False)
        unit = self._create_unit(date_delivered='2026-01-10')
        unit._transfer(self.customer_company)
        self.assertEqual(self._granted(unit).date_end, date(2028, 1, 9))

    def test_4_2_9_queries_do_not_grow(self):
        self._create_warranty_policy(transferable=False)
        units = self.env['aftersales.unit'].create(
            [
                {
                    'product_id': self.product.id,
                    'partner_id': self.customer.id,
                    'date_delivered': '2026-01-10',
                }
                for _number in range(40)
            ]
        )
        few = self.count_queries(units[:10]._transfer, self.stranger)
        many = self.count_queries(units[10:]._transfer, self.stranger)
        self.assertLessEqual(many, few)

    # ------------------------------------------------------------
    # 4.2, tenth rule: many pieces
    # ------------------------------------------------------------

    def test_4_2_10_each_piece_has_its_own(self):
        self.product.type = 'service'  # handed over by the order, also where transfers do it
        order = self.env['sale.order'].create(
            {
                'partner_id': self.customer.id,
                'order_line': [
                    Command.create({'product_id': self.product.id, 'product_uom_qty': 3})
                ],
            }
        )
        with freeze_time('2026-03-02 10:00:00'):
            order.action_confirm()
        order.action_create_aftersales_units()
        units = order.order_line.aftersales_unit_ids
        self.assertEqual(len(units.warranty_ids), 3)
        units[0].date_delivered = '2026-03-05'
        ends = sorted(units.mapped('warranty_end'))
        self.assertEqual(ends, [date(2028, 3, 1), date(2028, 3, 1), date(2028, 3, 4)])


@tagged('post_install', '-at_install')
class TestWarrantyExtension(WarrantyCommon):
    """4.2, eighth rule: extended warranties are sold as products."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.product.type = 'service'  # handed over by the order, also where transfers do it
        cls.care = cls.env['product.product'].create(
            {
                'name': "Care",
                'type': 'service',
                'list_price': 120,
                'invoice_policy': 'order',
                'aftersales_extension_months': 12,
                'taxes_id': [Command.clear()],
            }
        )

    def _sell(self, unit=None, day='2026-03-02 10:00:00', quantity=1, product=None, confirm=True):
        lines = [
            Command.create(
                {
                    'product_id': (product or self.care).id,
                    'product_uom_qty': quantity,
                    'aftersales_unit_id': unit.id if unit else False,
                }
            )
        ]
        if not unit:
            pump = {'product_id': self.product.id, 'product_uom_qty': quantity}
            lines.append(Command.create(pump))
        order = self.env['sale.order'].create({'partner_id': self.customer.id, 'order_line': lines})
        if confirm:
            with freeze_time(day):
                order.action_confirm()
        return order

    def _extended(self, unit):
        return unit.warranty_ids.filtered(lambda row: row.layer == 'extended')

    def test_4_2_8_begins_when_the_base_ends(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        order = self._sell(unit)
        warranty = self._extended(unit)
        self.assertEqual(
            (warranty.date_start, warranty.date_end), (date(2028, 1, 10), date(2029, 1, 9))
        )
        self.assertEqual(
            (warranty.sale_line_id, unit.warranty_end), (order.order_line, date(2029, 1, 9))
        )
        order.order_line._settle_extended_warranties()
        self.assertEqual(self._extended(unit), warranty, "run again, nothing happens")
        self._sell(unit)
        self.assertEqual(unit.warranty_end, date(2030, 1, 9), "one after the other")
        answer = unit._get_warranty_answer(date(2029, 6, 1))
        self.assertEqual((answer.state, answer.warranty.layer), ('covered', 'extended'))

    def test_4_2_8_from_the_day_it_is_sold(self):
        self.care.aftersales_extension_start = 'today'
        unit = self._create_unit(date_delivered='2024-06-10')
        self._sell(unit)
        warranty = self._extended(unit)
        self.assertEqual(
            (warranty.date_start, warranty.date_end), (date(2026, 3, 2), date(2027, 3, 1))
        )

    def test_4_2_8_follows_corrections_of_the_base(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        self._sell(unit)
        self._sell(unit)
        unit.date_delivered = '2026-02-10'
        alive = self._extended(unit).filtered(lambda row: row.state == 'active')
        self.assertEqual(
            alive.sorted('date_start').mapped('date_start'), [date(2028, 2, 10), date(2029, 2, 10)]
        )
        self.assertEqual(unit.warranty_end, date(2030, 2, 9))

    def test_4_2_8_moves_with_days_in_repair(self):
        self._create_warranty_policy(repair_time='extends')
        unit = self._create_unit(date_delivered='2026-01-10')
        self._sell(unit)
        unit._add_repair_time(date(2026, 3, 1), date(2026, 3, 11))
        warranty = self._extended(unit)
        self.assertEqual(
            (warranty.date_start, warranty.date_end), (date(2028, 1, 20), date(2029, 1, 19))
        )
        _ok, message, _count = self.env['crm.selfcheck'].sudo()._check_aftersales_warranty()
        self.assertNotIn(unit.ref, message)

    def _sell_by_somebody(self, unit):
        order = self._sell(unit, confirm=False)
        order.user_id = self._create_user('extension_seller', 'sales_team.group_sale_salesman')
        with freeze_time('2026-03-02 10:00:00'):
            order.action_confirm()
        return order

    def test_4_2_8_a_gap_needs_an_inspection(self):
        unit = self._create_unit(date_delivered='2023-01-10')
        order = self._sell_by_somebody(unit)
        unit._settle_extensions()
        warranty = self._extended(unit)
        self.assertEqual((warranty.state, warranty.date_start), ('draft', False))
        self.assertIn("inspected", warranty.reason)
        self.assertEqual(unit.activity_ids.user_id, order.user_id)
        self.assertEqual(len(unit.activity_ids), 1, "asked once")
        answer = unit._get_warranty_answer(date(2026, 3, 5))
        self.assertEqual(answer.state, 'not_covered')
        self.assertRegex(answer.reason, "ended on .* waits until the product was inspected")
        with self.assertRaises(AccessError):
            warranty.with_user(self.user_technician).action_start_inspected()
        with freeze_time('2026-03-09 10:00:00'):
            warranty.with_user(self.user_service).action_start_inspected()
        self.assertEqual((warranty.state, warranty.date_start), ('active', date(2026, 3, 9)))
        self.assertEqual(unit.warranty_end, date(2027, 3, 8))
        self.assertFalse(unit.activity_ids)

    def test_4_2_8_seller_of_another_company_than_who_confirms(self):
        other = self.env['res.company'].create({'name': "Other"})
        seller = self._create_user('extension_alone', 'sales_team.group_sale_salesman')
        unit = self._create_unit(date_delivered='2023-01-10')
        order = self._sell(unit, confirm=False)
        order.user_id = seller
        both = [self.company.id, other.id]
        order.with_context(allowed_company_ids=both).action_confirm()
        self.assertEqual((order.state, unit.activity_ids.user_id), ('sale', seller))

    def test_4_2_8_nothing_to_inspect_once_the_base_goes_on(self):
        """The day of delivery was wrong: there is no gap."""
        unit = self._create_unit(date_delivered='2023-01-10')
        self._sell_by_somebody(unit)
        self.assertTrue(unit.activity_ids)
        unit.date_delivered = '2026-01-10'
        self.assertEqual(self._extended(unit).mapped('state'), ['active'])
        self.assertFalse(unit.activity_ids)

    def test_4_2_8_what_waits_is_named_where_it_would_pay(self):
        self._create_warranty_policy({'line_type': 'travel', 'excluded': True, 'name': "Travel"})
        unit = self._create_unit(date_delivered='2023-01-10')
        self._sell(unit)

        def reason(day, line_type):
            return unit._get_warranty_answer(day, line_type=line_type).reason

        self.assertIn("waits until", reason(date(2026, 3, 5), 'labour'))
        self.assertNotIn("waits until", reason(date(2026, 3, 5), 'travel'))
        self.assertNotIn("waits until", reason(date(2026, 2, 1), 'labour'), "not sold by then")

    def test_4_2_8_nothing_to_inspect_once_the_order_is_cancelled(self):
        unit = self._create_unit(date_delivered='2023-01-10')
        order = self._sell_by_somebody(unit)
        self.assertTrue(unit.activity_ids)
        order._action_cancel()
        self.assertFalse(unit.activity_ids)
        answer = unit._get_warranty_answer(date(2026, 3, 5))
        self.assertNotIn("inspected", answer.reason)

    def test_4_2_8_sold_before_the_delivery(self):
        unit = self._create_unit(state='draft')
        self._sell(unit)
        warranty = self._extended(unit)
        self.assertEqual(warranty.state, 'draft')
        unit._start_warranty('delivery', date(2026, 4, 1))
        self.assertEqual((warranty.state, warranty.date_start), ('active', date(2028, 4, 1)))

    def test_4_2_8_products_of_the_same_order(self):
        order = self._sell(quantity=2)
        self.assertFalse(order.order_line.aftersales_warranty_ids)
        order.action_create_aftersales_units()
        units = order.order_line.aftersales_unit_ids
        self.assertEqual(len(units), 2, "an extended warranty is no piece")
        self.assertEqual(units.mapped('warranty_end'), [date(2029, 3, 1)] * 2)
        order.action_create_aftersales_units()
        self.assertEqual(len(order.order_line.aftersales_warranty_ids), 2)

    def test_4_2_8_cancelled(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        order = self._sell(unit)
        order._action_cancel()
        warranty = self._extended(unit)
        self.assertEqual((warranty.state, unit.warranty_end), ('void', date(2028, 1, 9)))
        self.assertIn(order.name, warranty.reason)
        order.action_draft()
        with freeze_time('2026-04-02'):
            order.action_confirm()
        self.assertEqual(unit.warranty_end, date(2029, 1, 9))

    def test_4_2_8_refunded(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        order = self._sell(unit)
        invoice = order._create_invoices()
        invoice.action_post()
        self.assertEqual(unit.warranty_end, date(2029, 1, 9))
        refund = invoice._reverse_moves()
        self.assertEqual(unit.warranty_end, date(2029, 1, 9), "not before it is posted")
        refund.action_post()
        self.assertEqual(
            (unit.warranty_end, self._extended(unit).state), (date(2028, 1, 9), 'void')
        )
        # the invoice was wrong, and is made anew
        order.order_line.qty_to_invoice = 1
        again = invoice.copy()
        again.invoice_line_ids.sale_line_ids = order.order_line
        again.action_post()
        self.assertEqual(unit.warranty_end, date(2029, 1, 9))

    def test_4_2_8_refunded_by_who_sees_no_orders_of_others(self):
        groups = 'account.group_account_invoice,sales_team.group_sale_salesman'
        unit = self._create_unit(date_delivered='2026-01-10')
        order = self._sell(unit)
        order.user_id = self._create_user('warranty_seller', 'sales_team.group_sale_salesman')
        invoice = order._create_invoices()
        invoice.action_post()
        refund = invoice._reverse_moves()
        # one that settles the invoice is noted on the order, where he may not write
        refund.reversed_entry_id = False
        biller = self._create_user('warranty_biller', groups)
        mine = refund.with_user(biller)
        for state, post_or_not in (('void', mine.action_post), ('active', mine.button_draft)):
            self.env.flush_all()
            self.env.invalidate_all()
            self.assertFalse(mine.line_ids.sale_line_ids, "what is read once is kept")
            post_or_not()
            self.assertIn(state, self._extended(unit).mapped('state'))
        self.assertEqual(unit.warranty_end, date(2029, 1, 9))

    def _credit(self, invoice, price):
        refund = invoice._reverse_moves()
        refund.invoice_line_ids.price_unit = price
        refund.action_post()

    def test_4_2_8_a_part_of_the_price_is_goodwill(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        invoice = self._sell(unit)._create_invoices()
        invoice.action_post()
        self._credit(invoice, 5)
        self.assertEqual(self._extended(unit).state, 'active')
        self._credit(invoice, 115)
        self.assertEqual(self._extended(unit).state, 'void', "nothing is left of the price")

    def test_4_2_8_one_of_two_refunded(self):
        order = self._sell(quantity=2)
        order.action_create_aftersales_units()
        invoice = order._create_invoices()
        invoice.action_post()
        extensions = order.order_line.aftersales_warranty_ids
        refund = invoice._reverse_moves()
        sold = refund.invoice_line_ids.filtered(lambda line: line.product_id == self.care)
        sold.write({'quantity': 2, 'price_unit': 10})
        (refund.invoice_line_ids - sold).unlink()
        refund.action_post()
        self.assertEqual(extensions.mapped('state'), ['active'] * 2)
        refund.button_draft()
        sold.write({'quantity': 1, 'price_unit': 120})
        refund.action_post()
        self.assertEqual(sorted(extensions.mapped('state')), ['active', 'void'])

    def test_4_2_8_a_dozen_is_twelve(self):
        units = self.env['aftersales.unit'].union(
            *(self._create_unit(date_delivered='2026-01-10') for _number in range(2))
        )
        order = self._sell(units[0], confirm=False)
        order.order_line.product_uom_id = self.env.ref('uom.product_uom_dozen')
        order.action_confirm()
        self.assertEqual(len(self._extended(units[0])), 12)

    def test_4_2_8_extends_what_stands_above(self):
        lines = [
            {'product_id': product.id, 'sequence': sequence}
            for sequence, product in ((1, self.motor), (3, self.care), (2, self.product))
        ]
        self.motor.write({'type': 'consu', 'aftersales_track_units': True})
        order = self.env['sale.order'].create(
            {
                'partner_id': self.customer.id,
                'order_line': [Command.create(vals) for vals in lines],
            }
        )
        order.action_confirm()
        order.action_create_aftersales_units()
        extended = order.order_line.aftersales_warranty_ids.unit_id
        self.assertEqual(extended.product_id, self.product)

    def test_4_2_8_not_for_the_product_of_somebody_else(self):
        unit = self._create_unit(partner_id=self.stranger.id)
        with self.assertRaises(ValidationError):
            self._sell(unit)
        order = self._sell(self._create_unit(), confirm=False)
        order.partner_id = self.customer_company  # of the same owner
        with self.assertRaises(ValidationError):
            order.partner_id = self.stranger

    def test_4_2_8_order_is_copied_after_the_product_was_sold(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        order = self._sell(unit)
        self.assertEqual(order.copy().order_line.aftersales_unit_id, unit)
        unit._transfer(self.stranger)
        self.assertFalse(order.copy().order_line.aftersales_unit_id)

    def test_4_2_8_for_another_product(self):
        unit, other = (self._create_unit(date_delivered='2026-01-10') for _number in 'ab')
        order = self._sell(unit)
        order.order_line.aftersales_unit_id = other
        states = [self._extended(each).state for each in (unit, other)]
        self.assertEqual(states, ['void', 'active'])
        self.assertEqual(unit.warranty_end, date(2028, 1, 9))
        self.assertEqual(other.warranty_end, date(2029, 1, 9))
        order.order_line.aftersales_unit_id = unit
        self.assertEqual(unit.warranty_end, date(2029, 1, 9))

    def test_4_2_1_invoiced_by_who_sees_no_orders_of_others(self):
        order = self._sell()
        order.user_id = self._create_user('warranty_seller', 'sales_team.group_sale_salesman')
        order.action_create_aftersales_units()
        unit = order.order_line.aftersales_unit_ids
        biller = self._create_user(
            'warranty_biller', 'account.group_account_invoice,sales_team.group_sale_salesman'
        )
        invoice = order._create_invoices()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertFalse(invoice.with_user(biller).invoice_line_ids.sale_line_ids)
        invoice.with_user(biller).action_post()
        self.assertEqual(unit.date_invoiced, invoice.invoice_date)

    def test_4_2_8_days_in_repair_stay_with_corrections(self):
        self._create_warranty_policy(repair_time='extends')
        unit = self._create_unit(date_delivered='2026-01-10')
        self._sell(unit)
        unit._add_repair_time(date(2028, 3, 1), date(2028, 3, 11))
        self.assertEqual(unit.warranty_end, date(2029, 1, 19))
        unit.date_delivered = '2026-01-12'
        self.assertEqual(unit.warranty_end, date(2029, 1, 21))

    def test_4_2_8_refund_in_proportion(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        self._sell(unit)
        warranty = self._extended(unit)
        self.assertEqual(warranty._get_unused_share(date(2026, 5, 1)), 1)
        self.assertEqual(warranty._get_unused_share(date(2030, 1, 1)), 0)
        half = warranty._get_unused_share(date(2028, 7, 11))
        self.assertAlmostEqual(half, 183 / 366)

    def test_4_2_8_fewer_pieces(self):
        order = self._sell(quantity=2)
        order.action_create_aftersales_units()
        order.order_line.filtered('aftersales_extends_warranty').product_uom_qty = 1
        states = order.order_line.aftersales_warranty_ids.sorted('id').mapped('state')
        self.assertEqual(states, ['active', 'void'])

    def test_4_2_8_quotations_grant_nothing(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        self._sell(unit, confirm=False)
        self.assertFalse(self._extended(unit))

    def test_own_terms(self):
        policy = self.env['aftersales.warranty.policy'].create(
            {
                'name': "Care",
                'transferable': False,
                'rule_ids': [Command.create({'line_type': 'labour', 'percent': 30})],
            }
        )
        self.care.aftersales_warranty_policy_id = policy
        unit = self._create_unit(date_delivered='2026-01-10')
        self._sell(unit)
        answer = unit._get_warranty_answer(date(2028, 6, 1), line_type='labour')
        self.assertEqual(answer.percent, 30)
        unit._transfer(self.stranger)
        self.assertEqual(self._extended(unit).state, 'transferred')
        self.assertEqual(unit.warranty_end, date(2028, 1, 9))

    def test_meter_of_what_follows(self):
        """Where the meter ends the base early, the extension covers from there on."""
        self._create_warranty_policy(meter_limit=1000)
        unit = self._create_unit(date_delivered='2026-01-10')
        self._sell(unit)
        self.assertEqual(self._extended(unit).meter_end, 2000)
        day = datetime(2027, 1, 1, 12)
        for total, layer in ((900, 'base'), (1500, 'extended')):
            self.assertEqual(unit._get_warranty_answer(day, meter=total).warranty.layer, layer)
        self.assertEqual(unit._get_warranty_answer(day, meter=2001).state, 'not_covered')

    def test_meter_of_one_after_the_other(self):
        self._create_warranty_policy(meter_limit=1000)
        unit = self._create_unit(date_delivered='2026-01-10')
        self._sell(unit)
        self._sell(unit)
        bounds = [(row.meter_start, row.meter_end) for row in self._extended(unit)]
        self.assertEqual(bounds, [(1000, 2000), (2000, 3000)])
        unit.date_delivered = '2026-01-12'
        alive = self._extended(unit).filtered(lambda row: row.state == 'active')
        bounds = [(row.meter_start, row.meter_end) for row in alive]
        self.assertEqual(bounds, [(1000, 2000), (2000, 3000)])
        answer = unit._get_warranty_answer(date(2026, 6, 1), meter=2500)
        self.assertEqual(answer.warranty, alive[1])

    def test_salespeople_sell(self):
        seller = self._create_user('warranty_seller', 'sales_team.group_sale_salesman')
        unit = self._create_unit(date_delivered='2026-01-10')
        order = self._sell(unit, confirm=False)
        order.user_id = seller
        order.with_user(seller).action_confirm()
        self.assertEqual(self._extended(unit).state, 'active')
