from datetime import date, timedelta

from freezegun import freeze_time
from lxml import etree

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, tagged
from odoo.tools.safe_eval import safe_eval

from .test_warranty import WarrantyCommon


@tagged('post_install', '-at_install')
class TestWarrantyScreens(WarrantyCommon):
    """Buttons, certificates and reminders."""

    # ------------------------------------------------------------
    # Is it covered?
    # ------------------------------------------------------------

    def _check(self, user, action, **values):
        check = self.env[action['res_model']].with_user(user).with_context(**action['context'])
        form = Form(check)
        for name, value in values.items():
            setattr(form, name, value)
        record = form.save()
        return {line.line_type: (line.state, line.percent) for line in record.line_ids}, record

    def test_button_on_the_product(self):
        self._create_warranty_policy(
            {'category_id': self.wear.id, 'excluded': True, 'name': "Wear"},
            {'line_type': 'labour', 'percent': 50},
        )
        unit = self._create_unit(date_delivered='2026-01-10')
        for user in (self.user_technician, self.user_service):
            action = unit.with_user(user).action_check_warranty()
            lines, record = self._check(user, action, date='2026-06-01', product_id=self.motor)
            self.assertEqual(
                lines,
                {
                    'whole': ('covered', 100),
                    'part': ('covered', 100),
                    'labour': ('covered', 50),
                    'travel': ('covered', 100),
                },
            )
            self.assertTrue(all(record.line_ids.mapped('reason')))
            self.assertEqual(set(record.line_ids.mapped('until')), {date(2028, 1, 9)})
        lines, _record = self._check(user, action, date='2026-06-01', product_id=self.seal)
        self.assertEqual(lines['part'], ('not_covered', 0))
        lines, _record = self._check(user, action, date='2028-01-10')
        self.assertEqual(lines['whole'], ('not_covered', 0))

    def test_nothing_is_granted_to_a_retired_product(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        unit.action_retire()
        action = unit.with_user(self.user_service).action_check_warranty()
        _lines, check = self._check(self.user_service, action)
        form = etree.fromstring(check.get_view(view_type='form')['arch'])
        (grant,) = form.xpath("//button[@name='action_grant_part']")
        self.assertTrue(safe_eval(grant.get('invisible', 'False'), check.read()[0]))

    def test_button_names_what_follows_without_a_gap(self):
        """Customers ask how long it is covered, not until when this certificate is."""
        self._create_warranty_policy(meter_limit=9000)
        unit = self._create_unit(date_delivered='2026-01-10')
        less = self.env['aftersales.warranty.policy'].create(
            {
                'name': "Less",
                'rule_ids': [Command.create({'line_type': 'travel', 'percent': 50})],
            }
        )
        extension = self.env['product.product'].create(
            {
                'name': "Care",
                'type': 'service',
                'aftersales_extension_months': 12,
                'aftersales_warranty_policy_id': less.id,
            }
        )
        line = {'product_id': extension.id, 'aftersales_unit_id': unit.id}
        order = self.env['sale.order'].create(
            {'partner_id': self.customer.id, 'order_line': [Command.create(line)]}
        )
        with freeze_time('2026-03-02'):
            order.action_confirm()
        action = unit.action_check_warranty()
        values = {'date': '2026-06-01', 'meter': 10}
        _lines, record = self._check(self.user_service, action, **values)
        answers = {line.line_type: line for line in record.line_ids}
        self.assertEqual(answers['whole'].until, date(2029, 1, 9))
        self.assertRegex(answers['whole'].reason, r"01/09/2028\. .*Extended.* 01/09/2029\.")
        self.assertEqual(answers['whole'].warranty_id.layer, 'base')
        travel = answers['travel']
        self.assertEqual((travel.percent, travel.until), (100, date(2028, 1, 9)), "less follows")
        unit._void_warranties("Opened")
        lines, record = self._check(self.user_service, action, **values)
        self.assertEqual(lines['whole'], ('not_covered', 0))
        self.assertFalse(any(record.line_ids.mapped('until')))

    def test_button_asks_for_the_meter(self):
        self._create_warranty_policy(meter_limit=1000)
        unit = self._create_unit(date_delivered='2026-01-10')
        action = unit.action_check_warranty()
        lines, record = self._check(self.user_service, action, date='2026-06-01')
        self.assertEqual((lines['whole'][0], record.is_limited), ('unknown', True))
        lines, _record = self._check(self.user_service, action, date='2026-06-01', meter=900)
        self.assertEqual(lines['whole'][0], 'covered')

    def test_button_on_the_request_takes_its_day(self):
        unit = self._create_unit(date_delivered='2024-03-02')
        request = self._create_request(unit_id=unit.id, date_received='2026-03-01 12:00:00')
        with freeze_time('2026-03-20'):
            action = request.with_user(self.user_service).action_check_warranty()
            lines, record = self._check(self.user_service, action)
        self.assertEqual(record.date, date(2026, 3, 1))
        self.assertEqual(lines['whole'], ('covered', 100))
        request.fault_date = date(2026, 2, 20)
        action = request.with_user(self.user_service).action_check_warranty()
        _lines, record = self._check(self.user_service, action)
        self.assertEqual(record.date, date(2026, 2, 20), "as when coverage is checked")

    # ------------------------------------------------------------
    # Granted and taken back by hand
    # ------------------------------------------------------------

    def test_repair(self):
        self._create_warranty_policy(part_months=6, repair_extension_months=12)
        unit = self._create_unit(date_delivered='2026-01-10')
        request = self._create_request(unit_id=unit.id)
        action = unit.with_user(self.user_service)._get_part_warranty_action(request)
        wizard = self.env['aftersales.warranty.part'].with_user(self.user_service)
        with Form(wizard.with_context(**action['context'])) as form:
            form.product_ids = self.seal
            form.date = date(2026, 3, 2)
            form.chose_repair = True
        form.record.action_grant()
        part = unit.warranty_ids.filtered(lambda row: row.layer == 'part')
        self.assertEqual((part.date_end, part.request_id), (date(2026, 9, 1), request))
        self.assertEqual(unit.warranty_end, date(2029, 1, 9))

    def test_void(self):
        unit = self._create_unit(date_delivered='2026-01-10')
        warranty = unit.warranty_ids
        wizard = self.env['aftersales.warranty.void']
        vals = {'warranty_ids': [Command.set(warranty.ids)], 'reason': "Opened by a stranger"}
        with self.assertRaises(AccessError):
            wizard.with_user(self.user_service).create(vals)
        wizard.with_user(self.user_manager).create(vals).action_void()
        self.assertEqual((warranty.state, warranty.reason), ('void', "Opened by a stranger"))
        self.assertFalse(unit.warranty_end)

    # ------------------------------------------------------------
    # Certificate and list
    # ------------------------------------------------------------

    def test_certificate(self):
        self.env['res.lang']._activate_lang('zh_CN')
        self._create_warranty_policy(
            {'name': "Wear parts", 'category_id': self.wear.id, 'excluded': True},
            meter_limit=20000,
            transferable=False,
        )
        unit = self._create_unit(date_delivered='2026-01-10', serial='C-1')
        report = self.env['ir.actions.report'].with_user(self.user_technician)
        name = 'crm_aftersales.report_warranty'
        html = report._render_qweb_html(name, unit.warranty_ids.ids)[0].decode()
        for text in ('C-1', '01/09/2028', '20,000', 'Wear parts: not covered', 'Sunrise Hotel'):
            self.assertIn(text, html)
        self.customer.lang = 'zh_CN'
        html = report._render_qweb_html(name, unit.warranty_ids.ids)[0].decode()
        self.assertIn('2028/01/09', html)

    def test_expiring_list(self):
        today = date.today()
        units = self.env['aftersales.unit'].create(
            [
                {
                    'product_id': self.product.id,
                    'partner_id': self.customer.id,
                    'warranty_start': today - timedelta(days=360),
                    'warranty_months': 12,
                },
                {
                    'product_id': self.product.id,
                    'partner_id': self.customer.id,
                    'warranty_start': today,
                },
            ]
        )
        domain = [('unit_id', 'in', units.ids), ('status', '=', 'running')]
        Warranty = self.env['aftersales.warranty'].with_user(self.user_service)
        found = Warranty.search([*domain, ('date_end', '<=', '+30d')])
        self.assertEqual(found.unit_id.ids, units[0].ids)
        groups = Warranty.formatted_read_group(domain, ['date_end:month', 'product_id'])
        self.assertEqual(len(groups), 2)

    # ------------------------------------------------------------
    # Reminders
    # ------------------------------------------------------------

    def _plan(self, day):
        with freeze_time(day):
            return self.env['aftersales.warranty']._plan_reminders(self.company)

    def _messages(self, unit):
        return self.env['crm.message'].search(
            [
                ('origin_model', '=', 'aftersales.warranty'),
                ('origin_id', 'in', unit.warranty_ids.ids),
            ]
        )

    def test_reminders(self):
        unit = self._create_unit(date_delivered='2024-03-31')
        self.assertEqual(self.company.aftersales_warranty_reminder_days, 0, "off by default")
        self.company.aftersales_warranty_reminder_days = 30
        self._plan('2026-02-25 09:00:00')
        self.assertFalse(self._messages(unit), "too early")
        self._plan('2026-02-28 09:00:00')
        message = self._messages(unit)
        self.assertEqual(
            (message.message_class, message.person_id.partner_id, message.company_id),
            ('hint', self.customer, self.company),
        )
        self.assertEqual(message.expires_at.date(), date(2026, 3, 31))
        self._plan('2026-03-01 09:00:00')
        self.assertEqual(self._messages(unit), message, "once")
        content = message._compose()[message.id]
        self.assertIn("Pump", content.subject)
        self.assertIn(f'/my/equipment/{unit.id}?access_token=', content.body)
        self.assertIn(f'<b>{self.company.name}</b>', content.body, "in the company's layout")

    def test_who_is_not_reminded(self):
        self.company.aftersales_warranty_reminder_days = 30
        retired, extended, other = (self._create_unit(date_delivered='2024-03-31') for _n in 'abc')
        retired.action_retire()
        extended._grant_repair_extension()
        extended.warranty_ids.sudo().create(
            {
                **extended.warranty_ids.copy_data()[0],
                'layer': 'extended',
                'date_start': '2026-03-31',
                'date_end': '2027-03-30',
            }
        )
        other.company_id.aftersales_warranty_reminder_days = 30
        other.warranty_ids._end("Void")
        self._plan('2026-02-28 09:00:00')
        self.assertFalse(self._messages(retired | extended | other))

    def test_reminded_of_ours_where_the_law_goes_on(self):
        self._create_warranty_policy(months=12, statutory_months=24)
        unit = self._create_unit(date_delivered='2025-03-31')
        self.company.aftersales_warranty_reminder_days = 30
        self._plan('2026-02-28 09:00:00')
        self.assertEqual(len(self._messages(unit)), 1)

    def test_job(self):
        unit = self._create_unit(date_delivered=date.today() - timedelta(days=360))
        unit.warranty_months = 12
        end = unit.warranty_end
        self.company.aftersales_warranty_reminder_days = (end - date.today()).days
        with self.enter_registry_test_mode():
            self.env.ref('crm_aftersales.ir_cron_remind_warranties').method_direct_trigger()
        self.assertTrue(self._messages(unit))

    def test_reminders_are_one_statement(self):
        self.company.aftersales_warranty_reminder_days = 30
        first = self._create_unit(date_delivered='2024-03-31')
        with freeze_time('2026-02-28 09:00:00'):
            plan = self.env['aftersales.warranty']._plan_reminders
            few = self.count_queries(plan, self.company)
            self.env['aftersales.unit'].create(
                [
                    {
                        'product_id': self.product.id,
                        'partner_id': self.stranger.id,
                        'date_delivered': '2024-03-31',
                    }
                    for _number in range(20)
                ]
            )
            self.assertLessEqual(self.count_queries(plan, self.company), few)
        self.assertTrue(self._messages(first))
