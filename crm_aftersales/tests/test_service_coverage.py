from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, tagged

from ..coverage import Coverage
from ..models.aftersales_request_coverage import AftersalesRequest
from ..warranty import WarrantyAnswer
from .common_service import FAULT, ServiceCommon


@tagged('post_install', '-at_install')
class TestServiceCoverage(ServiceCommon):
    """4.3 of the specification: who pays."""

    def _check(self, user=None):
        self.request.with_user(user or self.user_service).action_check_coverage()

    def _terms(self, *rules):
        """Let the pump's warranty say something else."""
        policy = self.env['aftersales.warranty.policy'].create(
            {
                'name': "Terms",
                'months': 24,
                'rule_ids': [Command.create(rule) for rule in rules],
            }
        )
        self.unit.warranty_ids.unlink()
        self.product.aftersales_warranty_policy_id = policy
        self.unit = self.unit.copy({'date_delivered': '2025-01-15', 'serial': 'P 9'})
        self.request.unit_id = self.unit

    def _provide(self, name, **answers):
        """Let a provider answer by type of line."""

        def provide(request, line):
            return answers.get(line.type)

        return patch.object(AftersalesRequest, f'_get_{name}_coverage', provide)

    # ------------------------------------------------------------
    # Order
    # ------------------------------------------------------------

    def test_4_3_1_order_of_those_who_pay(self):
        """Contract, recall, warranty, goodwill, customer: the first one that pays decides."""
        line = self._add(self.labour)
        self.company.aftersales_goodwill_percent = 50
        yes = {'labour': Coverage('contract', 100, None, "By contract.")}
        recall = {'labour': Coverage('supplier', 100, None, "Recall.")}
        with self._provide('contract', **yes), self._provide('recall', **recall):
            self._check()
            self.assertEqual(line.payer, 'contract')
        with self._provide('recall', **recall):
            self._check()
            self.assertEqual(line.payer, 'supplier')
        self._check()
        self.assertEqual(line.payer, 'warranty')
        self.assertEqual(line.warranty_id, self.unit.warranty_ids)
        self._expire_warranty()
        self._check()
        self.assertEqual((line.payer, line.customer_percent), ('goodwill', 50))
        self.company.aftersales_goodwill_percent = 0
        self._check()
        self.assertEqual((line.payer, line.coverage_state), ('customer', 'not_covered'))
        self.assertFalse(line.warranty_id)

    def test_4_3_1_a_line_has_two_payers(self):
        self._terms({'name': "Work", 'line_type': 'labour', 'percent': 50})
        work, part = self._add(self.labour), self._add(self.seal)
        self._check()
        self.assertEqual(
            (work.payer, work.amount_customer, work.amount_other, work.coverage_state),
            ('warranty', 40, 40, 'partial'),
        )
        self.assertEqual((part.amount_customer, part.coverage_state), (0, 'covered'))

    def test_4_3_1_the_rest_goes_to_the_other(self):
        """33.35 x 50 %: the customer's 16.675 is rounded once, the other pays what is left."""
        line = self._add(self.seal)
        self._override(line, 'warranty', 50)
        self.assertEqual(
            (line.amount_customer, line.amount_other, line.amount_total), (16.68, 16.67, 33.35)
        )

    def test_wear_parts_are_not_free_in_the_warranty(self):
        """Row 22: exclusions are judged for each line."""
        self._terms({'name': "Filters", 'product_id': self.filter.id, 'excluded': True})
        wear, part = self._add(self.filter), self._add(self.seal)
        self.company.aftersales_goodwill_percent = 50
        self._check()
        self.assertEqual((wear.payer, part.payer), ('customer', 'warranty'))
        self.assertIn("Filters", wear.coverage_reason)

    def test_fees_are_the_customers(self):
        line = self._add(self.travel, type='fee')
        self._check()
        self.assertEqual((line.payer, line.coverage_state), ('customer', 'not_covered'))

    # ------------------------------------------------------------
    # Day
    # ------------------------------------------------------------

    def test_judged_on_the_day_of_the_fault(self):
        """Neither the day of the repair nor that of the check counts."""
        self.unit.date_delivered = '2024-03-03'  # until 2026-03-02
        line = self._add(self.labour, date='2026-06-01')
        self._check()
        self.assertEqual(line.payer, 'warranty')
        self.request.fault_date = '2026-03-03'
        self.assertEqual(line.payer, 'customer', "judged anew at once")
        self.request.fault_date = False
        self.request.date_received = '2026-03-02 12:00:00'
        self.assertEqual(line.payer, 'warranty', "reported on the last day")

    def test_day_is_the_customers(self):
        """23:30 UTC of the last day is the day after in Shanghai."""
        self.unit.date_delivered = '2024-03-03'
        line = self._add(self.labour)
        self.request.write({'fault_date': False, 'date_received': '2026-03-02 23:30:00'})
        self.customer.customer_tz_choice = 'UTC'
        self._check()
        self.assertEqual(line.payer, 'warranty')
        self.customer.customer_tz_choice = 'Asia/Shanghai'
        self._check()
        self.assertEqual(line.payer, 'customer')

    def test_what_is_unknown_is_not_quoted(self):
        line = self._add(self.labour)
        unknown = WarrantyAnswer('unknown', 0, self.unit.warranty_ids, "No reading tells.", None)
        self.company.aftersales_goodwill_percent = 50
        unit_class = type(self.env['aftersales.unit'])
        with patch.object(unit_class, '_get_warranty_answer', lambda *args, **kw: unknown):
            self._check()
            self.assertEqual((line.coverage_state, line.payer), ('unknown', 'customer'))
            with self.assertRaisesRegex(UserError, "No reading tells"):
                self._quote()
        self._override(line, 'goodwill', 50)
        self.assertEqual(self._quote().amount_untaxed, 40)

    # ------------------------------------------------------------
    # Goodwill
    # ------------------------------------------------------------

    def test_goodwill_within_months_and_limit(self):
        self._expire_warranty('2026-01-31')
        self.company.write(
            {
                'aftersales_goodwill_percent': 50,
                'aftersales_goodwill_months': 2,
                'aftersales_goodwill_limit': 50,
            }
        )
        work, travel = self._add(self.labour), self._add(self.travel)
        self._check()
        self.assertEqual((work.amount_other, travel.amount_other), (40, 10))
        self.assertEqual(travel.customer_percent, 77.78)
        self.request.fault_date = '2026-04-01'
        self.assertEqual((work.payer, travel.payer), ('customer', 'customer'))
        self.request.fault_date = '2026-03-31'
        self.assertEqual((work.payer, travel.payer), ('goodwill', 'goodwill'))

    def test_goodwill_leaves_no_cents_of_its_limit_to_the_next_line(self):
        self._expire_warranty('2026-01-31')
        self.company.write({'aftersales_goodwill_percent': 50, 'aftersales_goodwill_limit': 60})
        self.request.fault_date = '2026-02-28'
        work, part = self._add(self.labour, price_unit=153), self._add(self.seal)
        self._check()
        self.assertEqual(work.amount_other, 59.99)
        self.assertEqual((part.payer, part.coverage_state), ('customer', 'not_covered'))

    def test_goodwill_is_not_given_for_what_was_excluded(self):
        self._terms({'name': "Filters", 'product_id': self.filter.id, 'excluded': True})
        self.company.aftersales_goodwill_percent = 50
        line, part = self._add(self.filter), self._add(self.seal)
        self.request.fault_date = '2027-02-01'
        self._check()
        self.assertEqual((line.payer, part.payer), ('customer', 'goodwill'))

    # ------------------------------------------------------------
    # Excess
    # ------------------------------------------------------------

    def test_4_3_4_excess_becomes_the_customers_before_work_starts(self):
        """Of five hours the contract pays three; the quotation shows the other two."""
        self._expire_warranty()
        line = self._add(self.labour, 5)
        three = Coverage('contract', 100, None, "Three hours are included.", quantity=3)

        def contract(request, line):
            used = sum(
                other.quantity for other in request.service_line_ids if other.payer == 'contract'
            )
            return three._replace(quantity=3 - used)

        with patch.object(AftersalesRequest, '_get_contract_coverage', contract):
            self._check()
            self._check()
        excess = self.request.service_line_ids - line
        self.assertEqual((line.quantity, line.payer), (3, 'contract'))
        self.assertEqual(
            (excess.quantity, excess.payer, excess.amount_customer), (2, 'customer', 160)
        )
        order = self._quote()
        self.assertEqual(order.order_line.mapped('product_uom_qty'), [3, 2])
        self.assertEqual(order.order_line.mapped('price_subtotal'), [0, 160])

    def test_4_3_4_a_draft_says_what_was_found_since(self):
        """A quotation that nobody has seen follows its lines, those split off included."""
        self._expire_warranty()
        line = self._add(self.labour, 5)
        order = self._quote()
        self.assertEqual(order.amount_untaxed, 400)
        three = {'labour': Coverage('contract', 100, None, "Included.", quantity=3)}
        with self._provide('contract', **three):
            line.with_user(self.user_service).quantity = 4
        figures = [(sold.product_uom_qty, sold.price_subtotal) for sold in order.order_line]
        self.assertEqual(sorted(figures), [(1, 0), (3, 0)])
        self.assertIn("Included.", order.order_line[0].name)
        self._override(line, 'customer')
        self.assertEqual(order.amount_untaxed, 240)

    def test_4_3_4_excess_over_an_amount(self):
        self._expire_warranty()
        line = self._add(self.labour, 5)
        capped = {'labour': Coverage('contract', 100, None, "Up to 100.", amount=100)}
        with self._provide('contract', **capped):
            self._check()
        self.assertEqual((line.amount_other, line.amount_customer), (100, 300))

    # ------------------------------------------------------------
    # Anew
    # ------------------------------------------------------------

    def test_changed_lines_are_judged_anew(self):
        self._terms({'name': "Work", 'line_type': 'labour', 'percent': 50})
        line = self._add(self.labour)
        self._check()
        line.type = 'travel'
        self.assertEqual(line.customer_percent, 0)
        line.quantity = 2
        self.assertEqual(line.amount_other, 160)

    def test_reasons_are_in_the_customers_language(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self.customer.lang = 'zh_CN'
        line = self._add(self.labour)
        with patch.object(
            AftersalesRequest,
            '_get_contract_coverage',
            lambda request, line: Coverage('contract', 100, None, request.env.lang),
        ):
            self._check()
        self.assertEqual(line.coverage_reason, 'zh_CN')

    def test_nothing_to_check(self):
        with self.assertRaisesRegex(UserError, "Add the parts"):
            self._check()

    def test_technician_checks_his_own_requests(self):
        line = self._add(self.labour)
        with self.assertRaises(AccessError):
            self._check(self.user_technician)
        self.request.user_id = self.user_technician
        self._check(self.user_technician)
        self.assertEqual(line.payer, 'warranty')

    # ------------------------------------------------------------
    # Override
    # ------------------------------------------------------------

    def test_override_needs_a_manager_and_a_reason(self):
        line = self._add(self.labour)
        for user in (self.user_technician, self.user_service):
            with self.assertRaises(AccessError):
                line.with_user(user)._override('goodwill', 0, "Because")
        for reason in ('', '   '):
            with self.assertRaises(UserError):
                self._override(line, 'goodwill', 0, reason)
        for payer, percent in (('goodwill', 100), ('goodwill', -1), ('warranty', 120)):
            with self.assertRaises(UserError):
                self._override(line, payer, percent)

    def test_override_is_logged_and_stays(self):
        line = self._add(self.labour)
        self._check()
        action = line.with_user(self.user_manager).action_override()
        Wizard = self.env[action['res_model']].with_user(self.user_manager)
        form = Form(Wizard.with_context(**action['context']))
        form.payer = 'supplier'
        form.customer_percent = 25
        form.reason = "Bad batch"
        form.save().action_override()
        self.assertEqual((line.payer, line.amount_customer), ('supplier', 20))
        self.assertEqual(
            (line.override_user_id, line.override_reason), (self.user_manager, "Bad batch")
        )
        self.assertTrue(line.override_date)
        self.assertFalse(line.coverage_reason)  # the customer reads it
        self.assertEqual(line.payer_reason, "Bad batch")
        note = self.request.message_ids[0]
        self.assertIn("Bad batch", note.body)
        self.assertIn("Warranty", note.body)
        self.assertEqual(note.author_id, self.user_manager.partner_id)
        self._check()
        line.quantity = 2
        self.request.fault_date = FAULT.replace(year=2030)
        self.assertEqual((line.payer, line.amount_customer), ('supplier', 40))
