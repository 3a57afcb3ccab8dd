from datetime import date

from freezegun import freeze_time
from psycopg2.errors import CheckViolation

from odoo.exceptions import ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import AftersalesCommon

#: what other systems write for "for ever", and for "never"
NO_DAYS = ('9999-12-31', '0001-01-01')


@tagged('post_install', '-at_install')
class TestDays(AftersalesCommon):
    """Days no calendar can follow, and days that are not the same everywhere."""

    def test_days_nobody_can_mean(self):
        for name in ('date_delivered', 'date_installed', 'date_invoiced', 'warranty_start'):
            for day in NO_DAYS:
                with self.subTest(name, day=day), self.assertRaises(ValidationError) as refusal:
                    self.unit.with_user(self.user_manager)[name] = day
                self.assertIn("from 1900 to 2199", str(refusal.exception))
                with self.subTest(name, day=day), self.assertRaises(ValidationError):
                    self.unit.copy({name: day})

    def test_forms_stay_usable(self):
        """What is typed is judged when it is saved; until then nothing breaks."""
        form = Form(self.env['aftersales.unit'].with_user(self.user_service))
        form.partner_id = self.customer
        form.product_id = self.product
        form.date_delivered = '9999-12-31'
        with self.assertRaisesRegex(ValidationError, "Delivered on: 12/31/9999 cannot be right"):
            form.save()
        form.date_delivered = '2026-03-01'
        self.assertEqual(form.save().warranty_end, date(2028, 2, 29))

    def test_readings_and_stays(self):
        self.unit.meter_type_id = self.env['aftersales.meter.type'].create(
            {'name': "Hours", 'uom': "h"}
        )
        reading = {'unit_id': self.unit.id, 'value': 5, 'date': '0001-01-01'}
        stay = {'unit_id': self.unit.id, 'date_from': '0001-01-01', 'date_to': '2026-01-01'}
        for model, vals in (('meter.reading', reading), ('unit.stay', stay)):
            with self.subTest(model), self.assertRaisesRegex(ValidationError, "cannot be right"):
                self.env[f'aftersales.{model}'].create(vals)

    @mute_logger('odoo.sql_db')
    def test_months_without_end(self):
        self.unit.date_delivered = '2026-03-01'
        with self.assertRaises(CheckViolation), self.cr.savepoint():
            self.unit.warranty_months = 2**31 - 1
            self.env.flush_all()

    def test_measure_of_an_opinion(self):
        opinion = self.env['aftersales.opinion'].new({'date_measure': '9999-12-31'})
        self.assertEqual(opinion.date_effect, date.max)

    def test_a_warranty_ends_with_the_day_of_the_customer(self):
        """Where the agent sits it is tomorrow already; portal, badge and answer say the same."""
        self.customer.customer_tz_choice = 'Pacific/Pago_Pago'
        self.customer.user_ids.log_ids.unlink()
        unit = self.unit.copy({'serial': 'TZ 1', 'date_delivered': '2024-11-23'})
        self.user_service.tz = 'Asia/Shanghai'
        seen = unit.with_user(self.user_service).with_context(tz='Asia/Shanghai')
        check = self.env['aftersales.warranty.check'].with_env(seen.env)
        for moment, state, status, answer in (
            ('2026-11-23 09:00:00', 'in_warranty', 'running', 'covered'),
            ('2026-11-23 11:30:00', 'expired', 'expired', 'not_covered'),
        ):
            with self.subTest(moment), freeze_time(moment):
                self.env.invalidate_all()
                self.assertEqual(unit._get_customer_day().isoformat()[:8], '2026-11-')
                self.assertEqual((seen.warranty_state, seen.warranty_ids.status), (state, status))
                line = Form(check.with_context(default_unit_id=unit.id)).save().line_ids[0]
                self.assertEqual(line.state, answer)
