import importlib.util
from datetime import date, datetime

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.modules.module import get_module_path
from odoo.tests import Form, tagged

from ..warranty import choose_start, get_event_order, get_last_day
from .common import AftersalesCommon


class WarrantyCommon(AftersalesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.wear = cls.env['product.category'].create({'name': "Wear Parts"})
        cls.seals = cls.env['product.category'].create({'name': "Seals", 'parent_id': cls.wear.id})
        cls.seal = cls.env['product.product'].create({'name': "Seal", 'categ_id': cls.seals.id})
        cls.motor = cls.env['product.product'].create({'name': "Motor"})

    @classmethod
    def _create_warranty_policy(cls, *rules, **values):
        """Make the policy of the pump, whose months come before those of the product."""
        cls.product.aftersales_warranty_months = 0
        policy = cls.env['aftersales.warranty.policy'].create(
            {
                'name': "Policy",
                'months': 24,
                'rule_ids': [
                    Command.create({'sequence': at, **rule}) for at, rule in enumerate(rules)
                ],
                **values,
            }
        )
        cls.product.aftersales_warranty_policy_id = policy
        return policy

    @classmethod
    def _create_unit(cls, **values):
        return cls.env['aftersales.unit'].create(
            {'product_id': cls.product.id, 'partner_id': cls.customer.id, **values}
        )

    def _granted(self, unit):
        return unit.warranty_ids.filtered(lambda warranty: warranty.state == 'active')

    def count_queries(self, function, *args, **kwargs):
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        function(*args, **kwargs)
        self.env.flush_all()
        return self.env.cr.sql_log_count - before


@tagged('post_install', '-at_install')
class TestWarranty(WarrantyCommon):
    """What a warranty promises, when it starts, and that it stays what it was."""

    # ------------------------------------------------------------
    # 4.2, first rule: the start
    # ------------------------------------------------------------

    def test_4_2_1_order_of_events(self):
        self.assertEqual(
            get_event_order('installation'), ['installation', 'delivery', 'invoice', 'sale']
        )
        self.assertEqual(
            get_event_order('invoice'), ['invoice', 'sale', 'installation', 'delivery']
        )
        terms = {'start_event': 'installation', 'start_within_days': 0}
        days = {'sale': date(2026, 1, 1), 'invoice': date(2026, 1, 5), 'delivery': date(2026, 1, 9)}
        self.assertEqual(choose_start(terms, {}), (None, ''))
        self.assertEqual(choose_start(terms, days), (date(2026, 1, 9), 'delivery'))
        days['installation'] = date(2026, 3, 9)
        self.assertEqual(choose_start(terms, days), (date(2026, 3, 9), 'installation'))
        terms['start_within_days'] = 30
        self.assertEqual(choose_start(terms, days), (date(2026, 2, 8), 'installation'))

    def test_4_2_1_a_better_event_takes_the_place_of_another(self):
        self._create_warranty_policy(start_event='installation')
        unit = self._create_unit(date_delivered='2026-01-09')
        self.assertEqual(unit.warranty_start, date(2026, 1, 9))
        unit._start_warranty('invoice', date(2026, 1, 5))
        self.assertEqual(unit.warranty_start, date(2026, 1, 9), "delivery comes before the invoice")
        unit._start_warranty('installation', date(2026, 3, 9))
        self.assertEqual(
            (unit.warranty_start, unit.warranty_end), (date(2026, 3, 9), date(2028, 3, 8))
        )
        void = unit.warranty_ids - self._granted(unit)
        self.assertEqual((void.state, void.date_start), ('void', date(2026, 1, 9)))
        granted = self._granted(unit)
        unit._start_warranty('installation', date(2026, 3, 9))
        self.assertEqual(self._granted(unit), granted, "told again, nothing happens")

    def test_4_2_1_days_that_are_written(self):
        self._create_warranty_policy(start_event='installation')
        unit = self._create_unit(date_invoiced='2026-01-05')
        self.assertEqual(unit.warranty_ids.start_event, 'invoice')
        unit.date_delivered = '2026-01-09'
        self.assertEqual(unit.warranty_start, date(2026, 1, 9))
        unit.with_user(self.user_technician).date_installed = '2026-02-01'
        self.assertEqual(unit.warranty_start, date(2026, 2, 1))
        self.assertEqual(len(self._granted(unit)), 1)
        with Form(self.env['aftersales.unit']) as form:
            form.product_id = self.product
            form.partner_id = self.customer
            form.date_delivered = '2026-01-09'
            self.assertEqual(form.warranty_end, date(2028, 1, 8))
        self.assertEqual(form.record.warranty_ids.start_event, 'delivery')

    def test_4_2_1_invoice_counts(self):
        self._create_warranty_policy(start_event='invoice')
        unit = self._create_unit(date_delivered='2026-01-09')
        unit._start_warranty('invoice', date(2026, 1, 5))
        self.assertEqual(unit.warranty_start, date(2026, 1, 5))

    def test_4_2_1_day_in_the_time_zone_of_the_customer(self):
        self.customer.customer_tz_choice = 'Asia/Shanghai'
        unit = self._create_unit(state='draft')
        unit._start_warranty('delivery', datetime(2026, 3, 2, 20))
        self.assertEqual(unit.warranty_start, date(2026, 3, 3))
        draft = self._create_unit(state='draft')
        with freeze_time('2026-03-02 20:00:00'):
            draft.action_deliver()
        self.assertEqual(draft.warranty_start, date(2026, 3, 3))
        # the zone of the company stays another one
        self.customer.customer_tz_choice = 'America/New_York'
        unit = self._create_unit(state='draft')
        unit._start_warranty('delivery', datetime(2026, 3, 2, 2))
        self.assertEqual(unit.warranty_start, date(2026, 3, 1))

    def test_4_2_1_sale_stands_in_once_it_is_in_use(self):
        order = self.env['sale.order'].create(
            {
                'partner_id': self.customer.id,
                'order_line': [Command.create({'product_id': self.product.id})],
            }
        )
        with freeze_time('2026-03-02 10:00:00'):
            order.action_confirm()
        unit = self._create_unit(sale_line_id=order.order_line.id, state='draft')
        self.assertFalse(unit.warranty_ids)
        unit.state = 'active'
        unit._start_warranty('sale', order.date_order)
        self.assertEqual(unit.warranty_start, date(2026, 3, 2))

    # ------------------------------------------------------------
    # 4.2, second rule: the last day
    # ------------------------------------------------------------

    def test_4_2_2_end_date_inclusive(self):
        for start, months, end in (
            (date(2026, 1, 31), 24, date(2028, 1, 30)),
            (date(2024, 2, 29), 12, date(2025, 2, 27)),
            (date(2024, 2, 29), 48, date(2028, 2, 28)),
            (date(2025, 8, 31), 6, date(2026, 2, 27)),
        ):
            with self.subTest(start=start, months=months):
                self.assertEqual(get_last_day(start, months), end)
        unit = self._create_unit(date_delivered='2026-01-31')
        self.assertEqual(unit._get_warranty_answer(date(2028, 1, 30)).state, 'covered')
        self.assertEqual(unit._get_warranty_answer(date(2028, 1, 31)).state, 'not_covered')
        self.assertEqual(unit._get_warranty_answer(date(2026, 1, 30)).state, 'not_covered')

    # ------------------------------------------------------------
    # 4.2, third rule: days or meter
    # ------------------------------------------------------------

    def test_4_2_3_whichever_comes_first(self):
        self._create_warranty_policy(meter_limit=20000)
        unit = self._create_unit(date_delivered='2026-01-10')
        day = date(2026, 6, 1)
        self.assertEqual(unit._get_warranty_answer(day, meter=20000).state, 'covered')
        answer = unit._get_warranty_answer(day, meter=20001)
        self.assertEqual(answer.state, 'not_covered')
        self.assertIn('20,000', answer.reason)
        answer = unit._get_warranty_answer(date(2028, 1, 10), meter=5)
        self.assertEqual(answer.state, 'not_covered', "the days are over first")

    def test_4_2_3_limit_counts_from_the_start(self):
        policy = self._create_warranty_policy(meter_limit=20000)
        meter = self.env['aftersales.meter.type'].create({'name': "Odometer", 'uom': "km"})
        units = self._create_unit(meter_type_id=meter.id)
        units += self._create_unit(meter_type_id=meter.id)
        self.env['aftersales.meter.reading'].create(
            {'unit_id': units[0].id, 'date': '2026-01-05', 'value': 1500}
        )
        units._start_warranty('delivery', date(2026, 1, 10))
        limits = [(row.meter_start, row.meter_end) for row in units.warranty_ids]
        self.assertEqual(limits, [(1500, 21500), (0, 20000)])
        policy.meter_limit = 1
        self.assertEqual(units[0]._get_warranty_answer(date(2026, 2, 1), meter=21500).percent, 100)

    def test_4_2_3_unknown_without_a_reading(self):
        self._create_warranty_policy(meter_limit=20000)
        unit = self._create_unit(date_delivered='2026-01-10')
        answer = unit._get_warranty_answer(date(2026, 6, 1))
        self.assertEqual((answer.state, answer.percent), ('unknown', 0))
        meter = self.env['aftersales.meter.type'].create({'name': "Odometer", 'uom': "km"})
        unit.meter_type_id = meter
        readings = self.env['aftersales.meter.reading'].create(
            [
                {'unit_id': unit.id, 'date': day, 'value': value, 'is_confirmed': True}
                for day, value in (('2026-03-01', 9000), ('2026-10-01', 18000))
            ]
        )
        self.company.aftersales_meter_days = 90
        for day, state in (
            (date(2026, 2, 1), 'covered'),  # by the reading after it
            (date(2026, 3, 1), 'covered'),
            (date(2026, 9, 1), 'covered'),
            (date(2026, 12, 30), 'covered'),  # 90 days old
            (date(2026, 12, 31), 'unknown'),
        ):
            with self.subTest(day=day):
                self.assertEqual(unit._get_warranty_answer(day).state, state)
        readings[1].value = 20500
        for day, state in (
            (date(2026, 2, 1), 'covered'),
            (date(2026, 3, 1), 'covered'),
            (date(2026, 9, 1), 'unknown'),
            (date(2027, 12, 31), 'not_covered'),  # meters do not run backwards
        ):
            with self.subTest(day=day):
                self.assertEqual(unit._get_warranty_answer(day).state, state)
        self.assertIn("20,500 km", unit._get_warranty_answer(date(2027, 12, 31)).reason)
        # what is over by the calendar needs no reading
        self.assertEqual(unit._get_warranty_answer(date(2028, 6, 1)).state, 'not_covered')

    # ------------------------------------------------------------
    # 4.2, fourth rule: frozen
    # ------------------------------------------------------------

    def test_4_2_4_no_warranty_is_no_end(self):
        self.product.aftersales_warranty_months = 0
        unit = self._create_unit(date_delivered='2026-01-10')
        self.assertFalse(unit.warranty_ids)
        self.assertFalse(unit.warranty_end)
        answer = unit._get_warranty_answer(date(2026, 1, 10))
        self.assertEqual((answer.state, answer.until), ('not_covered', None))

    def test_4_2_4_terms_are_frozen(self):
        policy = self._create_warranty_policy({'line_type': 'labour', 'percent': 50})
        unit = self._create_unit(date_delivered='2026-01-10')
        warranty = unit.warranty_ids
        policy.write(
            {'months': 6, 'rule_ids': [Command.clear()], 'start_event': 'sale', 'meter_limit': 1}
        )
        self.product.aftersales_warranty_policy_id = False
        self.customer.customer_tz_choice = 'Asia/Shanghai'
        self.product.aftersales_warranty_months = 1
        unit.date_delivered = '2026-01-10'
        self.assertEqual(unit.warranty_ids, warranty)
        self.assertEqual(warranty.date_end, date(2028, 1, 9))
        answer = unit._get_warranty_answer(date(2026, 6, 1), line_type='labour')
        self.assertEqual((answer.state, answer.percent), ('covered', 50))

    def test_4_2_4_corrections_keep_the_terms(self):
        policy = self._create_warranty_policy({'line_type': 'labour', 'percent': 50})
        unit = self._create_unit(date_delivered='2026-01-10')
        policy.rule_ids.percent = 10
        unit.date_delivered = '2026-01-12'
        answer = unit._get_warranty_answer(date(2026, 6, 1), line_type='labour')
        self.assertEqual((answer.percent, unit.warranty_start), (50, date(2026, 1, 12)))

    def test_4_2_4_what_somebody_states_stays(self):
        """An extension by hand is a certificate of its own; nothing overwrites it."""
        unit = self._create_unit(date_delivered='2026-01-10')
        first = unit.warranty_ids
        unit.warranty_months = 30
        self.assertEqual((first.state, self._granted(unit).date_end), ('void', date(2028, 7, 9)))
        unit.warranty_start = '2026-02-01'
        self.assertEqual(self._granted(unit).start_event, 'manual')
        unit.date_delivered = '2026-03-01'
        unit._start_warranty('installation', date(2026, 4, 1))
        self.assertEqual(
            (unit.warranty_start, unit.warranty_end), (date(2026, 2, 1), date(2028, 7, 31))
        )

    def test_4_2_4_nobody_writes_a_certificate(self):
        warranty = self._create_unit(date_delivered='2026-01-10').warranty_ids
        for user in (self.user_manager, self.user_service, self.user_technician):
            with self.subTest(user=user.login), self.assertRaises(AccessError):
                warranty.with_user(user).date_end = '2099-01-01'
        with self.assertRaises(UserError):
            warranty.date_end = '2099-01-01'
        with self.assertRaises(UserError):
            warranty.with_context(extending=True).terms = {}

    # ------------------------------------------------------------
    # 4.2, fifth rule: the day of the fault
    # ------------------------------------------------------------

    def test_4_2_5_judged_on_the_day_of_the_fault(self):
        unit = self._create_unit(date_delivered='2024-01-10')
        with freeze_time('2026-03-01'):
            self.assertEqual(unit.warranty_state, 'expired')
            answer = unit._get_warranty_answer(date(2026, 1, 9))
        self.assertEqual((answer.state, answer.until), ('covered', date(2026, 1, 9)))

    # ------------------------------------------------------------
    # Coverage
    # ------------------------------------------------------------

    def test_rules(self):
        self._create_warranty_policy(
            {'name': "Wear parts", 'category_id': self.wear.id, 'excluded': True},
            {'product_id': self.motor.id, 'months': 60},
            {'line_type': 'labour', 'percent': 50, 'months': 12},
            {'line_type': 'travel', 'percent': 0},
        )
        unit = self._create_unit(date_delivered='2026-01-10')
        early, late = date(2026, 6, 1), date(2027, 6, 1)
        for line_type, product, day, state, percent in (
            (None, None, early, 'covered', 100),
            ('part', None, early, 'covered', 100),
            ('part', self.seal, early, 'not_covered', 0),
            ('part', self.motor, date(2031, 1, 9), 'covered', 100),
            ('part', self.motor, date(2031, 1, 10), 'not_covered', 0),
            ('labour', None, early, 'covered', 50),
            ('labour', None, late, 'not_covered', 0),
            ('travel', None, early, 'not_covered', 0),
        ):
            with self.subTest(line_type=line_type, product=product, day=day):
                answer = unit._get_warranty_answer(day, line_type=line_type, product=product)
                self.assertEqual((answer.state, answer.percent), (state, percent), answer.reason)
                self.assertTrue(answer.reason)
        answer = unit._get_warranty_answer(late, line_type='labour')
        self.assertEqual(
            answer.reason, "Labour: covered by the Base Warranty until 01/09/2027 only."
        )

    def test_reason_in_the_language_of_the_reader(self):
        self.env['res.lang']._activate_lang('zh_CN')
        policy = self._create_warranty_policy(
            {'name': "Wear parts", 'percent': 0, 'excluded': True}
        )
        policy.rule_ids.with_context(lang='zh_CN').name = "易损件"
        unit = self._create_unit(date_delivered='2026-01-10')
        policy.rule_ids.name = "Changed"
        answer = unit.with_context(lang='zh_CN')._get_warranty_answer(date(2026, 6, 1))
        self.assertIn("易损件", answer.reason)
        self.assertIn("Wear parts", unit._get_warranty_answer(date(2026, 6, 1)).reason)

    def test_policy_of_product_category_and_company(self):
        Policy = self.env['aftersales.warranty.policy']
        of_company, of_category, of_product = Policy.create(
            [{'name': name, 'months': months} for name, months in (("C", 6), ("K", 12), ("P", 18))]
        )
        self.seal.categ_id = self.seals
        self.company.aftersales_warranty_policy_id = of_company
        self.assertEqual(self._create_unit(product_id=self.seal.id).warranty_months, 6)
        self.wear.aftersales_warranty_policy_id = of_category
        self.assertEqual(self._create_unit(product_id=self.seal.id).warranty_months, 12)
        self.seal.aftersales_warranty_policy_id = of_product
        self.assertEqual(self._create_unit(product_id=self.seal.id).warranty_months, 18)
        self.assertTrue(self.seal.product_tmpl_id._is_aftersales_tracked())
        self.seal.aftersales_warranty_months = 3
        self.assertEqual(self._create_unit(product_id=self.seal.id).warranty_months, 3)
        self.seal.aftersales_warranty_months = 0
        self.seal.aftersales_warranty_policy_id = False
        self.assertTrue(self.seal.product_tmpl_id._is_aftersales_tracked(), "by its category")
        self.assertFalse(self.motor.product_tmpl_id._is_aftersales_tracked(), "not by the company")
        item = Command.create({'product_id': self.seal.id})
        combo = self.env['product.combo'].create({'name': "Set", 'combo_item_ids': [item]})
        # the goods of a set are pieces, the set is none
        for vals in (
            {'type': 'service'},
            {'type': 'combo', 'combo_ids': [Command.set(combo.ids)]},
        ):
            other = self.env['product.template'].create(
                {'name': "Cleaning", 'categ_id': self.seals.id, **vals}
            )
            self.assertFalse(other._is_aftersales_tracked())
        self.seal.aftersales_warranty_policy_id = of_product
        of_product.active = False
        self.assertEqual(self._create_unit(product_id=self.seal.id).warranty_months, 12)

    def test_statutory_layer(self):
        self._create_warranty_policy(months=12, statutory_months=24, start_event='installation')
        unit = self._create_unit(date_delivered='2026-01-10')
        unit._start_warranty('installation', date(2026, 2, 10))
        rows = {row.layer: (row.date_start, row.date_end) for row in self._granted(unit)}
        self.assertEqual(rows['base'], (date(2026, 2, 10), date(2027, 2, 9)))
        self.assertEqual(rows['statutory'], (date(2026, 1, 10), date(2028, 1, 9)))
        events = {row.layer: row.start_event for row in self._granted(unit)}
        self.assertEqual(events, {'base': 'installation', 'statutory': 'delivery'})
        self.assertEqual(unit.warranty_end, date(2028, 1, 9))
        answer = unit._get_warranty_answer(date(2027, 6, 1))
        self.assertEqual(answer.warranty.layer, 'statutory')

    def test_before_all_of_them_the_next_one_is_named(self):
        self._create_warranty_policy(months=36, statutory_months=24, start_event='installation')
        unit = self._create_unit(date_delivered='2026-01-10', date_installed='2026-02-10')
        answer = unit._get_warranty_answer(date(2026, 1, 5))
        self.assertEqual((answer.state, answer.warranty.layer), ('not_covered', 'statutory'))

    # ------------------------------------------------------------
    # The product's fields
    # ------------------------------------------------------------

    def test_wrong_product_has_other_terms(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        self.motor.aftersales_warranty_months = 6
        unit.product_id = self.motor
        self.assertEqual((unit.warranty_months, unit.warranty_end), (6, date(2026, 7, 9)))

    def test_technician_registers_a_product(self):
        unit = self._create_unit()
        unit.with_user(self.user_technician).date_delivered = '2026-01-10'
        self.assertEqual(unit.warranty_end, date(2028, 1, 9))

    def test_status(self):
        warranties = (
            self._create_unit(date_delivered='2024-03-02')
            + self._create_unit(date_delivered='2026-03-02')
            + self._create_unit(date_delivered='2026-03-03')
        ).warranty_ids
        with freeze_time('2026-03-02 12:00:00'):
            warranties.invalidate_recordset(['status'])
            self.assertEqual(warranties.mapped('status'), ['expired', 'running', 'future'])
            for warranty in warranties:
                found = warranties.search(
                    [('id', 'in', warranties.ids), ('status', '=', warranty.status)]
                )
                self.assertEqual(found, warranty)

    def test_answers_ask_no_more_often_for_more_products(self):
        self._create_warranty_policy({'line_type': 'labour', 'percent': 50}, meter_limit=100)
        units = self.env['aftersales.unit'].create(
            [
                {
                    'product_id': self.product.id,
                    'partner_id': self.customer.id,
                    'date_delivered': '2026-01-10',
                }
                for _number in range(30)
            ]
        )
        day = datetime(2026, 6, 1, 12)
        self.count_queries(units._get_warranty_answers, day)
        few = self.count_queries(units[:3]._get_warranty_answers, day, line_type='labour')
        many = self.count_queries(units[3:]._get_warranty_answers, day, line_type='labour')
        self.assertEqual(few, many)

    def test_granting_asks_no_more_often_for_more_products(self):
        self._create_warranty_policy({'line_type': 'labour', 'percent': 50}, meter_limit=9)
        units = self.env['aftersales.unit'].create(
            [{'product_id': self.product.id, 'partner_id': self.customer.id} for _n in range(30)]
        )
        self.count_queries(units[:1]._start_warranty, 'delivery', date(2026, 1, 10))
        few = self.count_queries(units[1:4]._start_warranty, 'delivery', date(2026, 1, 10))
        many = self.count_queries(units[4:]._start_warranty, 'delivery', date(2026, 1, 10))
        self.assertEqual(few, many)

    # ------------------------------------------------------------
    # Rights
    # ------------------------------------------------------------

    def test_personal_data(self):
        warranty = self._create_unit(date_delivered='2026-01-10').warranty_ids
        warranty._end("As Wang Fang wished")
        [source] = [
            source
            for source in self.customer._get_personal_data_sources()
            if source.key == 'aftersales.warranty'
        ]
        self.assertIn(warranty, self.env[source.model].search(source.domain))
        self.assertLessEqual(set(source.fields), set(warranty._fields))

    def test_customers_read_their_own(self):
        mine = self._create_unit(date_delivered='2026-01-10').warranty_ids
        foreign = self._create_unit(
            date_delivered='2026-01-10', partner_id=self.stranger.id
        ).warranty_ids
        both = mine | foreign
        self.assertEqual(both.with_user(self.user_customer).search([('id', 'in', both.ids)]), mine)
        with self.assertRaises(AccessError):
            foreign.with_user(self.user_customer).read(['date_end'])

    def test_companies(self):
        unit = self._create_unit(date_delivered='2026-01-10', company_id=self.company_2.id)
        policy = self.env['aftersales.warranty.policy'].create(
            {'name': "2", 'company_id': self.company_2.id, 'rule_ids': [Command.create({})]}
        )
        for user in (self.user_manager, self.user_technician):
            for record in (unit.warranty_ids, policy, policy.rule_ids):
                with self.subTest(user=user.login, model=record._name):
                    self.assertFalse(record.with_user(user).search([('id', 'in', record.ids)]))


@tagged('post_install', '-at_install')
class TestWarrantyMigration(WarrantyCommon):
    def test_certificates_of_databases_before(self):
        """Each warranty becomes a certificate, as long as it was; running it again adds nothing."""
        units = self._create_unit(date_delivered='2024-02-29', warranty_months=48)
        units += self._create_unit(warranty_start='2026-01-31', warranty_months=6)
        units += self._create_unit(warranty_months=12)
        units += self._create_unit(date_delivered='2026-01-31', warranty_months=0)
        before = [(unit.warranty_start, unit.warranty_end) for unit in units]
        self.env.flush_all()
        # as the version before left them
        self.env.cr.execute(
            'DELETE FROM aftersales_warranty WHERE unit_id IN %s', [tuple(units.ids)]
        )
        self.env.invalidate_all()
        migrate = self._load_migration(get_module_path('crm_aftersales'))
        for _run in range(2):
            migrate(self.env.cr, '19.0.1.1.0')
        self.env.invalidate_all()
        self.assertEqual([len(unit.warranty_ids) for unit in units], [1, 1, 0, 0])
        self.assertEqual([(unit.warranty_start, unit.warranty_end) for unit in units], before)
        events = units.warranty_ids.mapped('start_event')
        self.assertEqual(events, ['delivery', 'manual'])
        answer = units[0]._get_warranty_answer(date(2028, 2, 28), line_type='labour')
        self.assertEqual((answer.state, answer.percent), ('covered', 100))
        units[0].warranty_months = 60
        self.assertEqual(units[0].warranty_end, date(2029, 2, 27))

    def test_pieces_invoiced_before(self):
        dozen = self.env.ref('uom.product_uom_dozen')
        self.product.invoice_policy = 'order'
        lines = [
            Command.create({'product_id': self.product.id, 'product_uom_qty': 3}),
            Command.create(
                {
                    'product_id': self.product.id,
                    'product_uom_qty': 1,
                    'product_uom_id': dozen.id,
                }
            ),
        ]
        order = self.env['sale.order'].create({'partner_id': self.customer.id, 'order_line': lines})
        order.action_confirm()
        order.action_create_aftersales_units()
        invoice = order._create_invoices()
        invoice.invoice_date = '2026-03-02'
        invoice.invoice_line_ids[0].quantity = 2
        invoice.action_post()
        units = order.order_line.aftersales_unit_ids
        days = [unit.date_invoiced for unit in units]
        self.assertEqual(days.count(date(2026, 3, 2)), 14)
        units[0].date_invoiced = '2026-03-05'  # somebody knew better
        self.env.flush_all()
        self.env.cr.execute(
            'UPDATE aftersales_unit SET date_invoiced = NULL WHERE id IN %s',
            [tuple(units[1:].ids)],
        )
        self.env.invalidate_all()
        migrate = self._load_migration(get_module_path('crm_aftersales'), 'post-units')
        for _run in range(2):
            migrate(self.env.cr, '19.0.1.1.0')
        self.env.invalidate_all()
        expected = [date(2026, 3, 5), *days[1:]]
        self.assertEqual([unit.date_invoiced for unit in units], expected)

    def _load_migration(self, path, name='post-warranties'):
        spec = importlib.util.spec_from_file_location(
            name.replace('-', '_'), f'{path}/migrations/19.0.1.2.0/{name}.py'
        )
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.migrate
