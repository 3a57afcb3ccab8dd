from datetime import date

import psycopg2

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from ..models.aftersales_service_line import SYSTEM_FIELDS
from .common_service import ServiceCommon


@tagged('post_install', '-at_install')
class TestServiceLine(ServiceCommon):
    """What a service line knows of itself, and who may change what of it."""

    def setUp(self):
        super().setUp()
        self._expire_warranty()

    # ------------------------------------------------------------
    # What follows from the product
    # ------------------------------------------------------------

    def test_type_price_and_cost_follow_from_the_product(self):
        part, work = self._add(self.seal, 2), self._add(self.labour, 1.5)
        self.assertEqual((part.type, work.type), ('part', 'labour'))
        self.assertEqual((part.price_unit, part.amount_total), (33.35, 66.7))
        self.assertEqual((part.cost, work.cost), (22, 45))
        self.assertEqual(work.currency_id, self.currency)
        self.assertEqual((work.payer, work.amount_customer), ('customer', 120))

    def test_price_is_the_customers_and_stays(self):
        pricelist = self.env['product.pricelist'].create(
            {
                'name': "Hotels",
                'currency_id': self.currency.id,
                'item_ids': [Command.create({'compute_price': 'percentage', 'percent_price': 10})],
            }
        )
        self.customer.property_product_pricelist = pricelist
        line = self._add(self.labour)
        self.assertAlmostEqual(line.price_unit, 72)
        self.labour.list_price = 100
        pricelist.item_ids.percent_price = 50
        line.quantity = 3
        self.assertAlmostEqual(line.price_unit, 72, msg="what was said stays")
        self.labour.standard_price = 99
        self.assertEqual(line.cost, 90)

    def test_currency_is_that_of_the_pricelist(self):
        euro = self._other_currency()
        self.customer.property_product_pricelist = self.env['product.pricelist'].create(
            {'name': "Abroad", 'currency_id': euro.id}
        )
        line = self._add(self.labour)
        self.assertEqual(line.currency_id, euro)
        self.assertAlmostEqual(line.price_unit, 160)
        self.assertAlmostEqual(line.currency_rate, 2)
        order = self._quote()
        self.assertEqual(order.currency_id, euro)
        self.assertAlmostEqual(order.amount_untaxed, 160)

    def _other_currency(self):
        currency = self.env['res.currency'].create({'name': 'XDU', 'symbol': 'X', 'rounding': 0.01})
        self.env['res.currency.rate'].create(
            {'currency_id': currency.id, 'name': '2020-01-01', 'rate': 2}
        )
        return currency

    def test_taxes_follow_the_customers_fiscal_position(self):
        tax, mapped = self.env['account.tax'].create(
            [
                {'name': name, 'amount': amount, 'type_tax_use': 'sale'}
                for name, amount in (("Normal", 20), ("Reduced", 5))
            ]
        )
        position = self.env['account.fiscal.position'].create({'name': "Reduced"})
        mapped.write({'fiscal_position_ids': position.ids, 'original_tax_ids': tax.ids})
        self.labour.taxes_id = tax
        self.assertEqual(self._add(self.labour).tax_ids, tax)
        self.customer.property_account_position_id = position
        self.assertEqual(self._add(self.labour).tax_ids, mapped)

    def test_a_line_needs_a_product_and_a_section_does_not(self):
        section = self.env['aftersales.service.line'].create(
            {'request_id': self.request.id, 'display_type': 'line_section', 'name': "Parts"}
        )
        self.assertEqual(section.amount_total, 0)
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.CheckViolation):
            self.env['aftersales.service.line'].create(
                {'request_id': self.request.id, 'name': "Something", 'type': 'fee'}
            )

    def test_totals_of_the_request(self):
        self._override(self._add(self.labour), 'supplier', 50)
        self._add(self.travel)
        request = self.request
        self.assertEqual(
            (
                request.service_amount_total,
                request.service_amount_customer,
                request.service_amount_other,
            ),
            (125, 85, 40),
        )

    # ------------------------------------------------------------
    # Who may change what
    # ------------------------------------------------------------

    def test_matrix(self):
        roles = (self.user_manager, self.user_service, self.user_technician, self.user_sale)
        roles += (self.user_customer, self.user_plain)
        operations = ('read', 'write', 'create', 'unlink')
        for model, rights in {
            'aftersales.service.line': ('rwcu', 'rwcu', 'rwcu', 'r', '', ''),
            'aftersales.service.override': ('rwcu', '', '', '', '', ''),
            'aftersales.service.report': ('r', '', '', '', '', ''),
        }.items():
            for user, expected in zip(roles, rights, strict=True):
                Model = self.env[model].with_user(user)
                allowed = ''.join(name[0] for name in operations if Model.has_access(name))
                self.assertEqual(allowed, expected, f'{model} {user.login}')

    def test_records_by_role(self):
        own = self._add(self.labour, request=self._create_request(user_id=self.user_technician.id))
        team = self._add(
            self.labour, request=self._create_request(team_id=self.team_workshop.id, user_id=False)
        )
        desk = self._add(self.labour, request=self._create_request(user_id=self.user_service.id))
        foreign = self._add(
            self.labour,
            request=self._create_request(
                company_id=self.company_2.id, unit_id=False, team_id=False, partner_id=False
            ),
        )
        lines = own | team | desk | foreign
        for user, expected in (
            (self.user_manager, own | team | desk),
            (self.user_service, own | team | desk),
            (self.user_technician, own | team),
            (self.user_sale, lines.browse()),
        ):
            found = lines.with_user(user).search([('id', 'in', lines.ids)])
            self.assertEqual(found.with_env(self.env), expected.sorted(), user.login)
        desk.request_id.helper_ids = self.user_technician
        self.assertIn(desk, lines.with_user(self.user_technician).search([]).with_env(self.env))
        self.customer_company.user_id = self.user_sale
        self.assertEqual(len(lines.with_user(self.user_sale).search([('id', 'in', lines.ids)])), 3)

    def test_technician_enters_what_was_done_and_no_price(self):
        request = self._create_request(user_id=self.user_technician.id)
        request.with_user(self.user_technician).write(
            {
                'service_line_ids': [
                    Command.create({'product_id': self.labour.id, 'quantity': 2}),
                ]
            }
        )
        line = request.service_line_ids
        self.assertEqual((line.price_unit, line.cost), (80, 60))
        line = line.with_user(self.user_technician)
        line.quantity = 3
        for values in ({'price_unit': 1}, {'discount': 50}, {'tax_ids': [Command.clear()]}):
            if 'tax_ids' in values:
                line.sudo().tax_ids = self.env['account.tax'].create({'name': "T", 'amount': 5})
            with self.assertRaises(AccessError):
                line.write(values)
            with self.assertRaises(AccessError):
                self._add(self.labour, request=request, user=self.user_technician, **values)
        with self.assertRaises(AccessError):
            line.read(['cost'])
        line.with_user(self.user_service).write({'price_unit': 70, 'discount': 10})
        line.write({'price_unit': 70})
        self.assertEqual(line.amount_total, 189)
        with self.assertRaises(AccessError):
            line.with_user(self.user_service).read(['cost_unit'])
        line.unlink()

    def test_no_discount_by_a_negative_quantity(self):
        request = self._create_request(user_id=self.user_technician.id)
        line = self._add(self.labour, request=request, user=self.user_technician)
        for user in (self.user_technician, self.user_manager):
            with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.CheckViolation):
                self._add(self.labour, -5, request=request, user=user)
            with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.CheckViolation):
                line.with_user(user).quantity = -5
                line.flush_recordset()

    def test_no_quantity_beyond_reason(self):
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.CheckViolation):
            self._add(self.labour, 1e15)

    def test_nobody_writes_by_hand_who_pays(self):
        line = self._add(self.labour)
        given = {
            'payer': 'goodwill',
            'customer_percent': 0,
            'coverage_state': 'covered',
            'coverage_reason': "Because",
            'override_reason': "Because",
            'sale_line_id': False,
            'corrects_id': False,
        }
        self.assertLessEqual(given.keys(), SYSTEM_FIELDS)
        for user in (self.user_technician, self.user_service, self.user_manager):
            for name, value in given.items():
                with self.assertRaises(AccessError):
                    line.with_user(user).write({name: value})
        with self.assertRaises(AccessError):
            self._add(self.labour, user=self.user_manager, payer='goodwill')
        made = self._add(
            self.labour,
            request=self.request.with_context(default_payer='goodwill'),
            user=self.user_service,
        )
        self.assertEqual(made.payer, 'customer')

    # ------------------------------------------------------------
    # Told to the customer
    # ------------------------------------------------------------

    def test_what_the_customer_was_told_is_not_edited(self):
        line = self._add(self.labour)
        other = self._add(self.travel)
        order = self._quote()
        line.price_unit = 70
        self.assertEqual(line.sale_line_id.price_unit, 70, "nobody has seen the draft")
        order.action_quotation_sent()
        for values in (
            {'price_unit': 60},
            {'quantity': 2},
            {'product_id': self.seal.id},
            {'name': "Other"},
        ):
            with self.assertRaises(UserError):
                line.write(values)
        with self.assertRaises(UserError):
            line.unlink()
        with self.assertRaises(UserError):
            self.request.unlink()
        line.write({'sequence': 3, 'price_unit': 70, 'cost_unit': 12})
        order._action_cancel()
        line.price_unit = 60
        other.unlink()
        self.assertEqual(self._quote().amount_untaxed, 60)

    def test_a_line_leaves_the_draft_with_its_order_line(self):
        self._add(self.labour)
        line = self._add(self.travel)
        order = self._quote()
        line.with_user(self.user_service).unlink()
        self.assertEqual(order.amount_untaxed, 80)

    # ------------------------------------------------------------
    # Kept with the request
    # ------------------------------------------------------------

    def test_lines_and_quotations_follow_a_merge(self):
        survivor = self._create_request()
        line = self._add(self.labour)
        order = self._quote()
        order.action_quotation_sent()
        self.request._merge_into(survivor)
        self.assertEqual((line.request_id, order.aftersales_request_id), (survivor, survivor))

    def test_personal_data(self):
        line = self._add(self.labour)
        self._override(line, 'goodwill', reason="She is the mayor's sister")
        sources = self.customer._get_personal_data_sources()
        [source] = [source for source in sources if source.key == 'aftersales.service.line']
        self.assertIn(line, self.customer._get_personal_records(source))
        self.assertEqual(source.values, {'override_reason': False})

    def test_selfcheck_finds_what_does_not_add_up(self):
        line = self._add(self.seal, 3)
        self._override(line, 'goodwill', 33.33)
        checks = self.env['crm.selfcheck'].sudo()
        self.assertEqual(checks._check_aftersales_shares()[0], True)
        self.assertIn('aftersales.shares', {check.code for check in checks._get_checks()})
        for change in (
            'amount_total + 1, amount_other = amount_other + 1',
            'amount_total, amount_customer = amount_customer + 1, amount_other = amount_other - 1',
        ):
            with self.subTest(change), self.env.cr.savepoint() as savepoint:
                query = f'UPDATE aftersales_service_line SET amount_total = {change} WHERE id = %s'
                self.env.cr.execute(SQL(query, line.id))
                ok, text, count = checks._check_aftersales_shares()
                self.assertEqual((ok, count), (False, 1))
                self.assertIn(self.request.number, text)
                savepoint.rollback()

    def test_the_database_refuses_shares_that_do_not_add_up(self):
        line = self._add(self.labour)
        line.flush_recordset()
        with mute_logger('odoo.sql_db'), self.assertRaises(psycopg2.errors.CheckViolation):
            self.env.cr.execute(
                SQL('UPDATE aftersales_service_line SET amount_other = 0.01 WHERE id = %s', line.id)
            )

    def test_day_of_the_line(self):
        self.assertEqual(self._add(self.labour, date='2026-02-03').date, date(2026, 2, 3))
