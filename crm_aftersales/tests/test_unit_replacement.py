from datetime import date

from freezegun import freeze_time

from odoo.exceptions import AccessError, UserError
from odoo.tests import Form, tagged

from .test_warranty import WarrantyCommon


@tagged('post_install', '-at_install')
@freeze_time('2026-02-19 09:00:00')
class TestUnitReplacement(WarrantyCommon):
    """4.2: a swap at the 50th of 60 days leaves 10, unless the terms say otherwise."""

    def setUp(self):
        super().setUp()
        self.policy = self._create_warranty_policy(months=2)
        self.old = self._create_unit(date_delivered='2026-01-01', serial='X-1')
        self.assertEqual(self.old.warranty_end, date(2026, 2, 28))

    def _replace(self, user=None, **values):
        action = self.old.with_user(user or self.user_service).action_replace_unit()
        model = self.env[action['res_model']].with_user(user or self.user_service)
        with Form(model.with_context(**action['context'])) as form:
            for name, value in values.items():
                setattr(form, name, value)
        result = form.save().action_replace()
        self.env.invalidate_all()
        return self.env['aftersales.unit'].browse(result['res_id'])

    def test_new_piece_goes_on_with_the_remainder(self):
        owners = self.old.owner_ids
        new = self._replace(serial='X-2', reason="Broken")
        self.assertEqual((new.serial, new.partner_id), ('X-2', self.customer))
        self.assertEqual((new.state, new.date_delivered), ('active', date(2026, 2, 19)))
        self.assertEqual(new.warranty_end, date(2026, 2, 28))
        self.assertEqual((self.old.state, self.old.replaced_by_id), ('retired', new))
        self.assertEqual(self.old.date_retired, date(2026, 2, 19))
        self.assertEqual(self.old.warranty_ids.mapped('state'), ['transferred'])
        self.assertEqual(self.old.owner_ids, owners)
        self.assertEqual(new.replaces_ids, self.old)
        self.assertIn("Broken", self.old.message_ids[0].body + self.old.message_ids[1].body)

    def test_today_is_the_day_of_the_owner(self):
        self.customer.customer_tz_choice = 'America/Los_Angeles'
        self.user_service.tz = 'Asia/Shanghai'
        with freeze_time('2026-02-19 20:00:00'):
            new = self._replace(serial='X-2')
        self.assertEqual(new.date_delivered, date(2026, 2, 19))

    def test_fresh_and_longer(self):
        for mode in ('fresh', 'longer'):
            with self.subTest(mode=mode):
                self.policy.replacement = mode
                self.old = self._create_unit(date_delivered='2026-01-01')
                self.assertEqual(self._replace().warranty_end, date(2026, 4, 18))

    def test_same_serial_number(self):
        self.assertEqual(self._replace(serial='X-1').serial_norm, 'X1')

    def test_piece_that_is_registered(self):
        ready = self._create_unit(state='draft', serial='X-3')
        self.assertEqual(self._replace(replacement_id=ready), ready)
        self.assertEqual((ready.state, ready.warranty_end), ('active', date(2026, 2, 28)))

    def test_part_of_another_product(self):
        whole = self._create_unit(date_delivered='2026-01-01')
        self.old.parent_id = whole
        row = whole.component_ids
        row.date_from = '2026-01-01'
        new = self._replace(serial='X-4')
        self.assertEqual(new.parent_id, whole)
        self.assertEqual(row.date_to, date(2026, 2, 19))
        self.assertEqual(row.replaced_by_id.component_unit_id, new)
        self.assertFalse(self.old.parent_id)

    def test_days_in_service_go_along(self):
        self.policy.repair_time = 'extends'
        self.old = self._create_unit(date_delivered='2026-01-01')
        with freeze_time('2026-02-09 09:00:00'):
            self.old.state = 'in_service'
        self.assertEqual(self._replace().warranty_end, date(2026, 3, 10), "ten days more")

    def test_refused(self):
        ours = self._create_unit()
        foreign = self._create_unit(company_id=self.company_2.id)
        for wrong in (self.old, self.unit_stranger, foreign):
            with self.assertRaises(UserError):
                self.old._replace_by(wrong)
        for day in (date(2026, 2, 20), date(2025, 12, 31)):
            with self.assertRaises(UserError):
                self.old._replace_by(ours, day)
        with self.assertRaises(AccessError):
            self.old.with_user(self.user_technician)._replace_by(ours)
        self.assertEqual(self.old.state, 'active')
        self.old._replace_by(ours)
        with self.assertRaises(UserError):
            self.old._replace_by(self._create_unit())
        with self.assertRaises(UserError):
            self._create_unit()._replace_by(ours)
