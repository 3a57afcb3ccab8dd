from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.fields import Datetime
from odoo.modules.migration import load_script
from odoo.tests import tagged
from odoo.tools import SQL
from odoo.tools.misc import file_path

from .common import MessageCase


@tagged('post_install', '-at_install')
class TestQuietPeriod(MessageCase):
    """Rule 5.7: a promotion from 11 November, three days kept free before."""

    def setUp(self):
        super().setUp()
        self.env.company.resource_calendar_id.tz = 'Asia/Shanghai'
        self.env.company.crm_consent_promotion = 'opt_out'
        self.promotion = self.env['res.partner'].create({'name': "Singles Day"})
        self.period = self.register(self.promotion, '2026-11-10 16:00:00', '2026-11-14 16:00:00')

    def register(self, origin, start, end, **values):
        return self.env['crm.quiet.period']._announce(
            origin,
            promotion_from=Datetime.to_datetime(start),
            promotion_to=Datetime.to_datetime(end),
            **values,
        )

    def look(self, when, *args, **values):
        message = self.plan_message(f'{when}:{args}', when, *args, **values)
        self.look_at(when)
        return message

    def look_and_offer(self, **values):
        """Have a greeting due before the promotion, whose own message is planned."""
        offer = self.plan_message(
            'offer',
            '2026-11-11 02:00:00',
            'offer',
            origin_model=self.promotion._name,
            origin_id=self.promotion.id,
            content_values={'code': "1111"},
            **values,
        )
        self.period.action = 'fold'
        greeting = self.look('2026-11-09 02:00:00', content_values={'age': 40}, subject="Happy")
        return greeting, offer

    def test_5_7_range(self):
        self.assertEqual(self.period.date_from, Datetime.to_datetime('2026-11-07 16:00:00'))
        self.assertEqual(self.period.date_to, Datetime.to_datetime('2026-11-10 16:00:00'))

    def test_5_7_deferred_to_the_end(self):
        before = self.look('2026-11-07 15:59:59')
        first = self.look('2026-11-07 16:00:00', 'gift')
        last = self.look('2026-11-10 15:59:59', 'hint')
        after = self.look('2026-11-10 16:00:00')
        self.assertEqual((before.state, after.state), ('queued', 'queued'))
        self.assert_waits(first, 'quiet_period', '2026-11-14 16:00:00')
        self.assert_waits(last, 'quiet_period', '2026-11-14 16:00:00')

    def test_period_made_by_hand(self):
        """It has no origin, and holds messages that have none either."""
        self.period.unlink()
        self.env['crm.quiet.period'].create(
            {
                'name': "Stocktaking",
                'promotion_from': '2026-11-10 16:00:00',
                'promotion_to': '2026-11-14 16:00:00',
                'days_before': 3,
            }
        )
        greeting = self.look('2026-11-09 02:00:00')
        self.assertRecordValues(greeting, [{'state': 'planned', 'reason': 'quiet_period'}])

    def test_period_made_by_hand_has_no_message_of_its_own(self):
        values = {
            'name': "Stocktaking",
            'promotion_from': '2026-11-10 16:00:00',
            'promotion_to': '2026-11-14 16:00:00',
        }
        with self.assertRaises(ValidationError):
            self.env['crm.quiet.period'].create({**values, 'action': 'fold'})
        by_hand = self.env['crm.quiet.period'].create(values)
        with self.assertRaises(ValidationError):
            by_hand.action = 'fold'
        self.period.action = 'fold'
        self.assertEqual(self.period.copy().action, 'defer_to_end', "a copy is made by hand")

    def test_periods_from_before(self):
        by_hand = self.period.copy({'action': 'defer_to_end'})
        self.period.action = 'fold'
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE crm_quiet_period SET action = 'fold' WHERE id = %s", [by_hand.id]
        )
        path = file_path('crm_customer/migrations/19.0.1.2.0/post-quiet_periods.py')
        load_script(path, 'post_quiet_periods').migrate(self.env.cr, '19.0.1.1.0')
        self.env.invalidate_all()
        self.assertEqual((self.period.action, by_hand.action), ('fold', 'defer_to_end'))

    def test_5_7_order_status_still_goes(self):
        for message_class in ('transactional', 'safety', 'survey'):
            message = self.look('2026-11-09 02:00:00', message_class)
            self.assertEqual(message.state, 'queued')
        self.assertEqual(self.look('2026-11-09 02:00:00', channel='in_person').state, 'queued')

    def test_5_7_the_promotion_itself_goes(self):
        message = self.look(
            '2026-11-09 02:00:00',
            'offer',
            origin_model=self.promotion._name,
            origin_id=self.promotion.id,
        )
        self.assertEqual(message.state, 'queued')

    def test_5_7_cancelled(self):
        message = self.look('2026-11-09 02:00:00')
        with self.patch_now('2026-11-09 05:00:00'):
            self.env['crm.quiet.period']._withdraw(self.promotion)
        self.assertEqual(message.due_at, Datetime.to_datetime('2026-11-09 05:00:00'))
        self.look_at('2026-11-09 05:00:00')
        self.assertEqual(message.state, 'queued')

    def patch_now(self, now):
        return patch.object(Datetime, 'now', lambda *args: Datetime.to_datetime(now))

    def test_5_7_overlapping(self):
        other = self.env['res.partner'].create({'name': "Black Friday"})
        self.register(other, '2026-11-09 16:00:00', '2026-11-20 16:00:00')
        self.assert_waits(self.look('2026-11-09 02:00:00'), 'quiet_period', '2026-11-20 16:00:00')

    def test_5_7_one_after_the_other(self):
        other = self.env['res.partner'].create({'name': "Black Friday"})
        self.register(other, '2026-11-16 16:00:00', '2026-11-20 16:00:00')
        message = self.look('2026-11-09 02:00:00')
        self.assert_waits(message, 'quiet_period', '2026-11-14 16:00:00')
        self.look_at('2026-11-14 16:00:00')
        self.assert_waits(message, 'quiet_period', '2026-11-20 16:00:00')

    def test_5_7_folded(self):
        greeting, offer = self.look_and_offer()
        self.assertEqual((greeting.state, greeting.folded_into_id), ('folded', offer))
        self.assertEqual(offer.folded_ids, greeting)
        self.assertIn('folded_ids', offer.get_view(view_type='form')['arch'], "staff see it")
        self.assertEqual(offer.content_values['code'], "1111")
        [part] = offer.content_values['folded']
        self.assertEqual((part['message_class'], part['subject']), ('greeting', "Happy"))
        self.assertEqual(part['content_values'], {'age': 40})

    def test_5_7_folded_into_a_message_that_is_refused(self):
        greeting, offer = self.look_and_offer()
        self.env.company.crm_consent_promotion = 'opt_in'
        self.look_at('2026-11-11 02:00:00')
        self.assertEqual((offer.state, offer.reason), ('refused', 'no_consent'))
        self.assertEqual((greeting.state, greeting.folded_into_id.id), ('planned', False))
        self.look_at('2026-11-11 02:00:00')
        self.assertEqual(greeting.state, 'queued', "the promotion has begun")

    def test_5_7_folded_into_a_message_that_staff_cancel(self):
        greeting, offer = self.look_and_offer()
        with self.patch_now('2026-11-09 05:00:00'):
            offer.action_cancel()
        self.look_at('2026-11-09 05:00:00')
        self.assert_waits(greeting, 'quiet_period', '2026-11-14 16:00:00')

    def test_5_7_nothing_to_fold_into(self):
        self.period.action = 'fold'
        self.assert_waits(self.look('2026-11-09 02:00:00'), 'quiet_period', '2026-11-14 16:00:00')

    def test_5_7_nothing_left_to_fold_into(self):
        self.plan_message(
            'offer',
            '2026-11-09 02:00:00',
            'offer',
            origin_model=self.promotion._name,
            origin_id=self.promotion.id,
        )
        self.env.company.crm_consent_promotion = 'opt_in'
        self.period.action = 'fold'
        self.assert_waits(self.look('2026-11-09 02:00:00'), 'quiet_period', '2026-11-14 16:00:00')

    def test_5_7_too_late_to_fold_into(self):
        self.plan_message(
            'offer',
            '2026-11-11 02:00:00',
            'offer',
            origin_model=self.promotion._name,
            origin_id=self.promotion.id,
        )
        self.period.action = 'fold'
        until = Datetime.to_datetime('2026-11-10 02:00:00')
        greeting = self.look('2026-11-09 02:00:00', expires_at=until)
        self.assert_waits(greeting, 'quiet_period', '2026-11-10 02:00:00')
        self.look_at('2026-11-10 02:00:00')
        self.assertEqual((greeting.state, greeting.reason), ('refused', 'expired'))

    def test_5_7_dropped(self):
        self.period.action = 'drop'
        message = self.look('2026-11-09 02:00:00')
        self.assertEqual((message.state, message.reason), ('refused', 'quiet_period'))

    def test_5_7_only_those_who_get_the_promotion(self):
        self.period._limit_to(SQL('SELECT id FROM crm_person WHERE partner_id = 0'))
        self.assertEqual(self.look('2026-11-09 02:00:00').state, 'queued')
        person = self.env['crm.person']._for_partners(self.customer_person)
        self.period._limit_to(SQL('SELECT id FROM crm_person WHERE id = %s', person.id))
        self.assertEqual(self.period.person_ids, person)
        self.assertEqual(self.look('2026-11-09 03:00:00').reason, 'quiet_period')

    def test_5_7_until_the_end_of_the_promotion(self):
        self.period.include_promotion = True
        self.assert_waits(self.look('2026-11-12 02:00:00'), 'quiet_period', '2026-11-14 16:00:00')

    def test_moved(self):
        self.register(self.promotion, '2026-11-20 16:00:00', '2026-11-24 16:00:00')
        self.assertEqual(self.look('2026-11-09 02:00:00').state, 'queued')
        self.assertEqual(self.look('2026-11-19 02:00:00').reason, 'quiet_period')
