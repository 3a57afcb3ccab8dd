from datetime import date, timedelta
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.fields import Command, Datetime
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.crm_customer.tests.common import JobCase
from odoo.addons.crm_loyalty.models import loyalty_backfill_engine

from .common import LoyaltyCommon

#: within the qualifying period of tiers, whenever the tests run
SINCE = date.today() - timedelta(days=300)


@tagged('post_install', '-at_install')
class TestBackfill(LoyaltyCommon, JobCase):
    def start(self, program=None, since=SINCE):
        wizard = self.env['loyalty.backfill'].create(
            {'program_id': (program or self.program).id, 'date_from': since}
        )
        return self.env['crm.job'].browse(wizard.action_start()['res_id'])

    def run_backfill(self, **kwargs):
        job = self.start(**kwargs)
        self.run_job(job)
        self.assertEqual(job.state, 'done', job.result)
        return job

    # ------------------------------------------------------------
    # JOB
    # ------------------------------------------------------------

    def test_points_and_tiers(self):
        orders = self.create_past_order(800) | self.create_past_order(
            450.5, Datetime.now().strftime('%Y-%m-%d 00:00:00')
        )
        other = self.create_past_order(20, partner=self.partner)
        before = self.create_past_order(999, SINCE - timedelta(days=2))
        self.create_order(77)  # a quotation
        mails = self.env['mail.mail'].search_count([])

        job = self.run_backfill()

        card = self.get_card()
        self.assertEqual(card.points, 1250.5)
        self.assertEqual(
            card.history_ids.mapped('date'), orders.sorted('date_order', True).mapped('date_order')
        )
        self.assertEqual(set(card.history_ids.mapped('kind')), {'earn'})
        self.assertEqual(card.tier_id, self.silver)
        self.assertEqual(len(card.tier_history_ids), 1, "nobody climbs step by step")
        self.assertEqual(self.get_card(self.partner).points, 20)
        self.assertGreaterEqual(len(card.code), 18)
        self.assertFalse(before.coupon_point_ids)
        self.assertEqual(other.loyalty_data['issued'], 20)
        self.assertEqual(self.env['mail.mail'].search_count([]), mails)
        self.assertEqual(job.done, 3)
        self.assert_balanced(card)

    def test_twice(self):
        self.create_past_order(100)
        self.run_backfill()
        with self.assertRaises(UserError):
            self.start()
        self.create_past_order(50)
        self.run_backfill()
        self.assertEqual(self.get_card().points, 150)
        self.assert_balanced(self.get_card())

    def test_key_holds_when_the_order_is_selected_again(self):
        order = self.create_past_order(100)
        self.run_backfill()
        engine = self.env['loyalty.backfill.engine']
        again = loyalty_backfill_engine.BackfillOrder(
            order.id, order.partner_id.id, order.currency_id.id, order.company_id.id,
            order.date_order,
        )  # fmt: skip
        self.assertEqual(engine._post_orders(self.program, [again]), 0)
        self.assertEqual(self.get_card().points, 100)

    @mute_logger('odoo.addons.crm_customer.models.crm_job')
    def test_killed_between_chunks(self):
        orders = [self.create_past_order(10) for _i in range(7)]
        engine = self.registry['loyalty.backfill.engine']
        original, calls = engine._post_orders, []

        def fail_third(model, program, batch):
            calls.append(len(batch))
            if len(calls) == 3:
                raise RuntimeError("Killed")
            return original(model, program, batch)

        with patch.object(loyalty_backfill_engine, 'CHUNK_SIZE', 2):
            job = self.start()
            with patch.object(engine, '_post_orders', fail_third):
                self.run_job(job)
            self.assertEqual(job.state, 'failed')
            self.assertEqual(self.get_card().points, 40)
            job.action_resume()
            self.run_job(job)
        self.assertEqual(job.state, 'done', job.result)
        self.assertEqual(self.get_card().points, 10 * len(orders))
        self.assertEqual(job.done, len(orders))
        self.assert_balanced(self.get_card())

    def test_only_one_job_per_program(self):
        self.create_past_order(10)
        self.assertEqual(self.start(), self.start())

    def test_cancel_takes_the_points_back(self):
        order = self.create_past_order(300)
        self.create_past_order(40)
        self.run_backfill()
        order._action_cancel()
        card = self.get_card()
        self.assertEqual(card.points, 40)
        self.assert_balanced(card)

    def test_orders_confirmed_normally_are_left_alone(self):
        self.create_order(60).action_confirm()
        wizard = self.env['loyalty.backfill'].create(
            {'program_id': self.program.id, 'date_from': SINCE}
        )
        self.assertEqual(wizard.order_count, 0)

    def test_points_of_older_versions_are_left_alone(self):
        """Orders of before there was a ledger have points in core's table and no row."""
        order = self.create_past_order(60)
        card = self.create_card(points=60)
        order.coupon_point_ids = [Command.create({'coupon_id': card.id, 'points': 60})]
        engine = self.env['loyalty.backfill.engine']
        self.assertEqual(engine._backfill_now(self.program, SINCE), 0)
        self.assertEqual(card.points, 60)
        order.coupon_point_ids.points = 0
        self.assertEqual(engine._backfill_now(self.program, SINCE), 1)
        self.assertEqual(order.coupon_point_ids.points, 60)
        order._action_cancel()
        self.assertEqual(card.points, 60)
        self.assert_balanced(card)

    def test_public_visitor_is_no_member(self):
        public = self.env.ref('base.public_partner')
        self.create_past_order(60, partner=public)
        self.create_past_order(60)
        self.run_backfill()
        self.assertFalse(self.get_card(public))

    def test_companies(self):
        company = self.env['res.company'].create({'name': "Second"})
        self.create_past_order(60)
        self.create_past_order(
            70, company_id=company.id, partner=self.partner,
            lines=[{'name': "x", 'product_id': self.product.id, 'price_unit': 70, 'tax_ids': []}],
        )  # fmt: skip
        engine = self.env['loyalty.backfill.engine']
        counts = [
            engine._count_orders(engine._prepare_params(self.program, SINCE, asked))
            for asked in (None, company)
        ]
        self.assertEqual(counts, [(1, 1), (0, 0)])
        self.program.company_id = False
        counts = [
            engine._count_orders(engine._prepare_params(self.program, SINCE, asked))
            for asked in (None, company)
        ]
        self.assertEqual(counts, [(2, 2), (1, 1)])

    def test_no_company_means_those_of_the_user(self):
        """Who works in one company does not give points for orders of another."""
        company = self.env['res.company'].create({'name': "Second"})
        self.program.company_id = False
        self.create_past_order(60)
        self.create_past_order(
            70, company_id=company.id, partner=self.partner,
            lines=[{'name': "x", 'product_id': self.product.id, 'price_unit': 70, 'tax_ids': []}],
        )  # fmt: skip
        manager = new_test_user(self.env, 'l_manager', 'crm_loyalty.group_manager')
        for asked, counted in ((False, 1), (company.id, 0)):
            wizard = (
                self.env['loyalty.backfill']
                .with_user(manager)
                .create({'program_id': self.program.id, 'date_from': SINCE})
            )
            wizard.sudo().company_id = asked
            self.assertEqual(wizard.order_count, counted)
        wizard.sudo().company_id = False
        job = self.env['crm.job'].browse(wizard.action_start()['res_id'])
        self.assertEqual(job.params['company_ids'], self.env.company.ids)
        self.run_job(job)
        self.assertEqual(self.get_card().points, 60)
        self.assertFalse(self.get_card(self.partner))

    def test_branches(self):
        """A program of a company is for all its branches, however deep."""
        company = self.env['res.company']
        branch = company.create({'name': "Branch", 'parent_id': self.env.company.id})
        twig = company.create({'name': "Twig", 'parent_id': branch.id})
        engine = self.env['loyalty.backfill.engine']
        order = self.create_past_order(60)
        order.order_line.tax_ids = False
        self.env.flush_all()
        # where there is a warehouse, an order does not move by itself
        self.env.cr.execute(
            'UPDATE sale_order SET company_id = %s WHERE id = %s', [twig.id, order.id]
        )
        self.env.invalidate_all(flush=False)
        params = engine._prepare_params(self.program, SINCE, twig)
        self.assertEqual(engine._count_orders(params), (1, 1))

    def test_who_earns_and_on_what(self):
        tax = self.env['account.tax'].create({'name': "Past VAT", 'amount': 20})
        order = self.create_past_order(60)
        order.order_line.tax_ids = tax
        self.create_past_order(70, partner=self.create_partner("Nobody"))
        self.program.write(
            {'earn_base': 'excl', 'earn_partner_domain': f"[('id', '=', {self.member.id})]"}
        )
        engine = self.env['loyalty.backfill.engine']
        self.assertEqual(engine._backfill_now(self.program, SINCE), 1)
        self.assertEqual(self.get_card().points, 60)

    def test_dry_run(self):
        self.create_past_order(100)
        self.create_past_order(100)
        wizard = self.env['loyalty.backfill'].create(
            {'program_id': self.program.id, 'date_from': SINCE}
        )
        self.assertEqual((wizard.order_count, wizard.customer_count), (2, 1))
        self.assertFalse(self.get_card())

    def test_unmanaged_program(self):
        self.create_past_order(100)
        self.program.managed = False
        with self.assertRaises(UserError):
            self.start()

    # ------------------------------------------------------------
    # PARITY WITH CORE
    # ------------------------------------------------------------

    def assert_parity(self, program=None, **values):
        """Confirm an order through core and backfill its twin: the points must be the same."""
        program = program or self.program
        confirmed_by = self.create_partner("Core")
        backfilled_by = self.create_partner("Backfill")
        self.create_order(partner=confirmed_by, **values).action_confirm()
        expected = self.get_card(confirmed_by, program).points
        self.create_past_order(partner=backfilled_by, **values)
        self.env['loyalty.backfill.engine']._backfill_now(program, SINCE)
        self.assertEqual(self.get_card(backfilled_by, program).points, expected)
        return expected

    def set_rule(self, **values):
        self.program.rule_ids.write(values)

    def create_tax(self, percent, **values):
        return self.env['account.tax'].create(
            {'name': f"{percent} %", 'amount': percent, 'type_tax_use': 'sale', **values}
        )

    def line(self, price, quantity=1, product=None, taxes=None, **values):
        return {
            'product_id': (product or self.product).id,
            'product_uom_qty': quantity,
            'price_unit': price,
            'tax_ids': [Command.set(taxes.ids if taxes else [])],
            **values,
        }

    def test_parity_money(self):
        tax = self.create_tax(13)
        lines = [
            self.line(99.99, taxes=tax),
            self.line(33.33, 3, discount=7),
            self.line(-5, product=self.service_product),
            {'display_type': 'line_section', 'name': "Section"},
        ]
        self.assertEqual(self.assert_parity(lines=lines), 200.98)

    def test_parity_fraction_of_a_point(self):
        self.set_rule(reward_point_amount=0.5)
        self.assertEqual(self.assert_parity(lines=[self.line(33.33)]), 16.66)

    def test_parity_tax_included(self):
        tax = self.create_tax(10, price_include_override='tax_included')
        self.assertEqual(self.assert_parity(lines=[self.line(110, 2, taxes=tax)]), 220)

    def test_parity_order_mode(self):
        self.set_rule(reward_point_mode='order', reward_point_amount=50)
        self.assertEqual(self.assert_parity(lines=[self.line(1), self.line(2)]), 50)

    def test_parity_unit_mode(self):
        self.set_rule(
            reward_point_mode='unit',
            reward_point_amount=2.5,
            product_ids=[Command.set(self.product.ids)],
        )
        lines = [self.line(1, 3), self.line(1, 1.5), self.line(9, 4, self.service_product)]
        self.assertEqual(self.assert_parity(lines=lines), 11.25)

    def test_parity_product_domain(self):
        category = self.env['product.category'].create({'name': "Books"})
        child = category.create({'name': "Novels", 'parent_id': category.id})
        self.product.categ_id = child
        tag = self.env['product.tag'].create({'name': "Green"})
        self.service_product.product_tag_ids = tag
        other = self.env['product.product'].create({'name': "Other", 'list_price': 5})
        lines = [
            self.line(10),
            self.line(20, product=self.service_product),
            self.line(40, 1, other),
        ]
        self.set_rule(product_category_id=category.id)
        self.assertEqual(self.assert_parity(lines=lines), 10)
        self.set_rule(product_tag_id=tag.id)
        self.assertEqual(self.assert_parity(lines=lines), 30)
        self.set_rule(product_domain="[('list_price', '>', 5)]")
        self.assertEqual(self.assert_parity(lines=lines), 30)
        self.set_rule(
            product_category_id=False,
            product_tag_id=False,
            product_domain="[('name', '=', 'Other')]",
        )
        self.assertEqual(self.assert_parity(lines=lines), 40)

    def test_parity_minimum_quantity(self):
        self.set_rule(minimum_qty=3)
        self.assertEqual(self.assert_parity(lines=[self.line(10, 2)]), 0)
        self.assertEqual(self.assert_parity(lines=[self.line(10, 2), self.line(10)]), 30)

    def test_parity_minimum_amount(self):
        tax = self.create_tax(10)
        for mode, expected in (('incl', 110), ('excl', 0)):
            self.set_rule(minimum_amount=105, minimum_amount_tax_mode=mode)
            with self.subTest(mode=mode):
                self.assertEqual(self.assert_parity(lines=[self.line(100, taxes=tax)]), expected)

    def test_parity_two_rules(self):
        self.program.rule_ids = [
            Command.create({'reward_point_mode': 'order', 'reward_point_amount': 7}),
            Command.create(
                {
                    'reward_point_mode': 'money',
                    'reward_point_amount': 0.333,
                    'product_ids': [Command.set(self.product.ids)],
                }
            ),
        ]
        lines = [self.line(10.01), self.line(5, product=self.service_product)]
        self.assertAlmostEqual(self.assert_parity(lines=lines), 15.01 + 7 + 3.33)

    def test_parity_combo(self):
        combo = self.env['product.combo'].create(
            {
                'name': "Menu",
                'combo_item_ids': [Command.create({'product_id': self.product.id})],
            }
        )
        menu = self.env['product.product'].create(
            {'name': "Menu", 'type': 'combo', 'combo_ids': [Command.set(combo.ids)]}
        )
        self.set_rule(product_ids=[Command.set(menu.ids)])

        def create_menu_order(partner, **values):
            order = self.create_order(partner=partner, lines=[{'product_id': menu.id}], **values)
            self.env['sale.order.line'].create(
                {
                    'order_id': order.id,
                    'product_id': self.product.id,
                    'combo_item_id': combo.combo_item_ids.id,
                    'linked_line_id': order.order_line.id,
                    'price_unit': 30,
                    'tax_ids': [Command.clear()],
                }
            )
            return order

        core, past = self.create_partner("Core"), self.create_partner("Past")
        create_menu_order(core).action_confirm()
        create_menu_order(past, state='sale', date_order=Datetime.now() - timedelta(days=200))
        self.env['loyalty.backfill.engine']._backfill_now(self.program, SINCE)
        self.assertEqual(self.get_card(core).points, 30)
        self.assertEqual(self.get_card(past).points, 30)

    def test_parity_rewards(self):
        """A promotion's discount lowers the points, the member's own reward does not."""
        for applies, own_reward in (('auto', False), ('auto', True)):
            with self.subTest(own_reward=own_reward):
                promotion = self.env['loyalty.program'].create(
                    {
                        'name': "20 %",
                        'program_type': 'promotion',
                        'trigger': applies,
                        'rule_ids': [Command.create({'minimum_qty': 0})],
                        'reward_ids': [Command.create({'discount': 20})],
                    }
                )
                reward = self.reward if own_reward else promotion.reward_ids
                lines = [
                    self.line(100),
                    {
                        'product_id': reward.discount_line_product_id.id,
                        'name': "20 %",
                        'price_unit': -20,
                        'reward_id': reward.id,
                        'tax_ids': [Command.clear()],
                    },
                ]
                past = self.create_partner("Past")
                order = self.create_past_order(partner=past, lines=lines)
                expected = order._program_check_compute_points(self.program)[self.program]
                self.env['loyalty.backfill.engine']._backfill_now(self.program, SINCE)
                self.assertEqual(self.get_card(past).points, expected['points'][0])
                self.assertEqual(expected['points'][0], 100 if own_reward else 80)
                promotion.active = False

    def test_v5_foreign_currency(self):
        """V5: 15,000 JPY are 100 points of a program in USD; core forgets to convert."""
        yen = self._enable_currency('JPY')
        yen.rate_ids.unlink()
        self.env['res.currency.rate'].create(
            {
                'currency_id': yen.id,
                'name': SINCE - timedelta(days=400),
                'rate': 150,
                'company_id': self.env.company.id,
            }
        )
        pricelist = self.env['product.pricelist'].create({'name': "JPY", 'currency_id': yen.id})
        values = {'lines': [self.line(15000)], 'pricelist_id': pricelist.id}
        self.create_past_order(**values)
        self.env['loyalty.backfill.engine']._backfill_now(self.program, SINCE)
        self.assertEqual(self.get_card().points, 100)
        # where core converts or need not, both agree
        self.set_rule(reward_point_mode='order', reward_point_amount=5, minimum_amount=100)
        self.assertEqual(self.assert_parity(**values), 5)
        self.set_rule(minimum_amount=101)
        self.assertEqual(self.assert_parity(**values), 0)
