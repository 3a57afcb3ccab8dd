from datetime import date
from unittest.mock import patch

import psycopg2
import pytz
from freezegun import freeze_time

from odoo.exceptions import ValidationError
from odoo.fields import Command, Datetime
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..ledger import to_points
from ..models.loyalty_card_ledger import Movement
from .common import LoyaltyCommon


class ExpiryCommon(LoyaltyCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env['loyalty.program'].with_context(active_test=False).search(
            [('id', '!=', cls.program.id)]
        ).managed = False
        cls.set_zone('UTC')
        cls.card = cls.create_card()

    @classmethod
    def set_zone(cls, zone):
        company = cls.program.company_id or cls.env['res.company'].search([], order='id', limit=1)
        company.resource_calendar_id.tz = zone

    def run_job(self, moment, shards=1):
        with freeze_time(moment):
            for shard in range(shards):
                self.env['loyalty.expiry']._cron_expire_points(shard, shards)
        self.env.invalidate_all()

    def switch(self, moment, **values):
        with freeze_time(moment):
            self.program.write(values)
            self.env.flush_all()

    def post(self, points, kind='grant', day=None, **values):
        with freeze_time(day or '2026-10-01 10:00:00'):
            return self.env['loyalty.card']._post(
                [Movement(self.card.id, to_points(points), kind, **values)]
            )

    def rows(self, kind):
        rows = self.card.history_ids.filtered(lambda row: row.kind == kind)
        return [row.qty for row in rows.sorted('id')]


@tagged('post_install', '-at_install')
class TestExpiry(ExpiryCommon):
    """Points can be used through their last day in the program's zone, and not a day longer."""

    def create_v6(self):
        """A 100 until 31-Jan-27, B 80 until 31-Dec-26, C 50 until 30-Jun-27; 120 redeemed."""
        self.program.expire_after = 365
        for points, day in ((100, '2027-01-31'), (80, '2026-12-31'), (50, '2027-06-30')):
            self.post(points, expire_on=date.fromisoformat(day))
        return self.post(-120, 'burn', key='test:burn')

    def give_back(self, burn, moment):
        return self.post(120, 'unburn', moment, reversed_id=burn.id, key='test:unburn')

    def test_v6_first_to_expire_is_spent_first(self):
        self.create_v6()
        awards = self.card.history_ids.filtered(lambda row: row.qty > 0).sorted('id')
        self.assertEqual(awards.mapped('remaining'), [60, 0, 50])
        self.assertEqual(self.card.points, 110)
        self.run_job('2027-01-01 00:05:00')
        self.assertEqual(self.card.points, 110, "B was spent before")
        self.run_job('2027-01-31 23:59:00')
        self.assertEqual(self.card.points, 110, "the last day is one of them")
        self.run_job('2027-02-01 00:05:00')
        self.assertEqual(self.card.points, 50)
        self.assertEqual(self.rows('expire'), [-60])
        expired = self.card.history_ids.filtered(lambda row: row.kind == 'expire')
        self.assertEqual(expired.award_id.qty, 100)
        self.assert_balanced(self.card)

    def test_v7_given_back_after_they_expired(self):
        burn = self.create_v6()
        self.run_job('2027-02-01 00:05:00')
        self.give_back(burn, '2027-02-10 12:00:00')
        self.assertEqual(self.card.points, 50)
        self.assertEqual(self.rows('expire'), [-60, -120])
        self.assert_balanced(self.card)

    def test_v7_reinstated(self):
        self.program.reinstate_days = 30
        burn = self.create_v6()
        self.run_job('2027-02-01 00:05:00')
        given = self.give_back(burn, '2027-02-10 12:00:00')
        self.assertEqual(self.card.points, 170)
        self.assertEqual(given.remaining, 120)
        self.assertEqual(given.expire_on, date(2027, 3, 12))
        self.assert_balanced(self.card)
        self.run_job('2027-03-12 12:00:00')
        self.assertEqual(self.card.points, 170)
        self.run_job('2027-03-13 12:00:00')
        self.assertEqual(self.card.points, 50)
        self.assert_balanced(self.card)

    def test_v7_given_back_before_one_of_them_expired(self):
        burn = self.create_v6()
        self.run_job('2027-01-15 00:05:00')
        self.give_back(burn, '2027-01-15 12:00:00')
        self.assertEqual(self.card.points, 150, "the 40 of A are back, the 80 of B are lost")
        award = self.card.history_ids.filtered(lambda row: row.qty == 100)
        self.assertEqual((award.remaining, award.expire_on), (100, date(2027, 1, 31)))
        self.assert_balanced(self.card)

    def test_v7_given_back_before_one_of_them_expired_reinstated(self):
        self.program.reinstate_days = 30
        burn = self.create_v6()
        given = self.give_back(burn, '2027-01-15 12:00:00')
        self.assertEqual(self.card.points, 230)
        self.assertEqual((given.remaining, given.expire_on), (80, date(2027, 2, 14)))
        self.assert_balanced(self.card)
        [row] = [r for r in self.card.get_statement()['movements'] if r['kind'] == 'unburn']
        self.assertIsNone(row['expire_on'], "it is not the last day of all that came back")

    def test_given_back_in_time_has_no_day_of_its_own(self):
        burn = self.create_v6()
        given = self.give_back(burn, '2026-12-01 12:00:00')
        self.assertEqual((given.remaining, given.expire_on), (0, False))
        self.assertEqual(self.card.points, 230)

    def test_v4_days_not_years(self):
        self.program.expire_after = 365
        self.program.expiry_since = '2026-01-01'
        bought = Datetime.to_datetime('2026-03-01')
        first = self.post(60, 'earn', '2026-03-15 12:00:00', date=bought)
        self.assertEqual(first.expire_on, date(2027, 3, 15), "from the day they come in")
        leap = self.post(60, 'earn', '2027-03-15 12:00:00')
        self.assertEqual(leap.expire_on, date(2028, 3, 14))

    def test_v19_switched_on(self):
        old = self.post(100, 'earn', '2020-05-05 12:00:00')
        self.assertFalse(old.expire_on)
        self.switch('2027-03-01 08:00:00', expire_after=365)
        self.assertEqual(self.program.expiry_since, date(2027, 3, 1))
        self.run_job('2027-03-01 09:00:00')
        self.assertEqual(old.expire_on, date(2028, 2, 29))
        self.assertEqual(self.card.points, 100)
        # a day that was given stays, whatever becomes of the setting
        self.switch('2027-04-01 08:00:00', expire_after=30)
        self.run_job('2027-04-01 09:00:00')
        self.assertEqual(old.expire_on, date(2028, 2, 29))
        self.run_job('2028-02-29 23:00:00')
        self.assertEqual(self.card.points, 100)
        self.run_job('2028-03-01 01:00:00')
        self.assertEqual(self.card.points, 0)
        self.assert_balanced(self.card)

    def test_v19_opening_of_a_program_with_expiry(self):
        self.switch('2027-03-01 08:00:00', expire_after=365)
        with freeze_time('2027-03-01 08:00:00'):
            card = self.create_card(self.create_partner("New"), points=40)
        self.assertEqual(card.history_ids.expire_on, date(2028, 2, 29))

    def test_switched_off_and_on(self):
        self.switch('2027-01-01', expire_after=30)
        self.switch('2027-02-01', expire_after=0)
        self.assertFalse(self.program.expiry_since)
        award = self.post(10, 'earn', '2027-02-02 12:00:00')
        self.assertFalse(award.expire_on)
        self.switch('2027-03-01', expire_after=30)
        self.run_job('2027-03-02 12:00:00')
        self.assertEqual(award.expire_on, date(2027, 3, 31))

    def test_v20_ends_of_periods(self):
        self.program.expire_after = 30
        self.program.expiry_since = '2026-01-01'
        for round_, last in (
            ('none', date(2027, 2, 14)),
            ('month', date(2027, 2, 28)),
            ('quarter', date(2027, 3, 31)),
            ('year', date(2027, 12, 31)),
        ):
            self.program.expire_round = round_
            award = self.post(1, 'earn', '2027-01-15 12:00:00')
            self.assertEqual(award.expire_on, last)
            self.assertEqual(self.program._get_expiry_date(date(2027, 1, 15)), last)

    def test_v20_a_month_from_the_31st(self):
        self.switch('2026-06-01', inactivity_months=1)
        self.post(100, 'earn', '2027-01-31 12:00:00')
        self.run_job('2027-02-28 01:00:00')
        self.assertEqual(self.card.points, 100)
        self.run_job('2027-03-01 01:00:00')
        self.assertEqual(self.card.points, 0)

    def test_v20_midnight_in_shanghai(self):
        self.set_zone('Asia/Shanghai')
        self.program.expire_after = 1
        self.program.expiry_since = '2026-01-01'
        # 2 March there
        award = self.post(100, 'earn', '2027-03-01 16:30:00')
        self.assertEqual(award.expire_on, date(2027, 3, 3))
        self.run_job('2027-03-03 15:59:00')
        self.assertEqual(self.card.points, 100)
        self.run_job('2027-03-03 16:01:00')
        self.assertEqual(self.card.points, 0)
        self.assert_balanced(self.card)

    def test_inactive_members(self):
        self.switch('2026-01-01', inactivity_months=12)
        award = self.post(100, 'earn', '2026-03-10 12:00:00')
        self.run_job('2027-01-02 01:00:00')
        self.assertEqual(self.card.points, 100, "active in March")
        # redeeming is activity, a gift of the shop is none and is kept for as long
        self.post(-10, 'burn', '2026-05-20 12:00:00')
        self.post(30, 'grant', '2027-05-01 12:00:00')
        self.run_job('2027-05-20 01:00:00')
        self.assertEqual(self.card.points, 120)
        self.run_job('2027-05-21 12:00:00')
        self.assertEqual(self.card.points, 120, "looked for in the first hours of the day")
        self.run_job('2027-05-21 01:00:00')
        self.assertEqual(self.card.points, 30)
        self.assertEqual(award.remaining, 0)
        self.assert_balanced(self.card)

    def test_inactivity_switched_on(self):
        self.post(100, 'earn', '2020-03-10 12:00:00')
        self.switch('2027-01-01', inactivity_months=3)
        self.run_job('2027-04-01 01:00:00')
        self.assertEqual(self.card.points, 100)
        self.run_job('2027-04-02 01:00:00')
        self.assertEqual(self.card.points, 0)

    def test_job_twice_and_in_shards(self):
        self.program.expire_after = 30
        self.program.expiry_since = '2026-01-01'
        cards = [self.create_card(self.create_partner(f"Member {n}")) for n in range(4)]
        for self.card in cards:
            self.post(10, 'earn', '2027-01-01 12:00:00')
            self.post(5, 'earn', '2027-01-02 12:00:00')
        for _time in range(2):
            self.run_job('2027-02-02 12:00:00', shards=3)
        for card in cards:
            self.assertEqual(card.points, 0)
            self.assertEqual(len(card.history_ids), 4)
            self.assert_balanced(card)

    def test_returned_after_the_points_expired(self):
        """They were taken already: a return takes them from nothing else."""
        self.program.expire_after = 30
        self.program.expiry_since = '2026-01-01'
        with freeze_time('2026-10-01'):
            order = self.create_order(100)
            order.action_confirm()
        self.post(70, expire_on=date(2027, 12, 31))
        self.run_job('2026-11-05 12:00:00')
        self.assertEqual(self.card.points, 70)
        with freeze_time('2026-11-06'):
            order._action_cancel()
        self.env.invalidate_all()
        self.assertEqual(self.card.points, 70)
        self.assertEqual(self.rows('expire'), [-100, 100])
        [other] = self.card.history_ids.filtered(lambda row: row.kind == 'grant')
        self.assertEqual((other.remaining, other.expire_on), (70, date(2027, 12, 31)))
        self.assert_balanced(self.card)

    def test_partly_expired_then_returned(self):
        self.program.expire_after = 30
        self.program.expiry_since = '2026-01-01'
        award = self.post(100, 'earn', '2026-10-01 12:00:00')
        self.post(-60, 'burn', '2026-10-02 12:00:00')
        self.run_job('2026-11-05 12:00:00')
        self.assertEqual(self.rows('expire'), [-40])
        for part in range(2):
            self.post(-50, 'unearn', '2026-11-06', award_id=award.id, key=f'test:{part}')
        self.assertEqual(self.card.points, -60, "what was redeemed is owed, no more")
        self.assert_balanced(self.card)

    def redeem_and_return_too_late(self, *awards):
        """Let 100 points of a burn come back when all awards are over; these expire too."""
        self.program.write({'expire_after': 30, 'expiry_since': '2026-01-01'})
        rows = [self.post(qty, 'earn', '2026-10-01 12:00:00') for qty in awards]
        burn = self.post(-100, 'burn', '2026-10-02 12:00:00')
        self.run_job('2026-11-05 12:00:00')
        self.post(100, 'unburn', '2026-11-06', reversed_id=burn.id)
        self.run_job('2026-11-07 12:00:00')
        self.assertEqual(self.card.points, 0)
        self.post(70, expire_on=date(2027, 12, 31))
        return rows

    def take_back(self, award, qty):
        self.post(-qty, 'unearn', '2026-11-08', award_id=award.id)
        self.assert_balanced(self.card)
        return self.card.points

    def test_given_back_too_late_then_returned(self):
        """What came back in vain expired once: the order that had brought it takes nothing more."""
        [award] = self.redeem_and_return_too_late(100)
        self.assertEqual(self.take_back(award, 40), 70)
        self.assertEqual(self.take_back(award, 60), 70)
        self.assertEqual(self.rows('expire'), [-100, 40, 60])

    def test_given_back_too_late_of_two_awards(self):
        """As much as came from the award, whatever else came back."""
        first, second = self.redeem_and_return_too_late(10, 90)
        self.post(5, 'earn', '2026-11-07 13:00:00')
        self.assertEqual(self.take_back(first, 10), 75)
        self.assertEqual(self.take_back(second, 50), 75)
        self.assertEqual(self.take_back(second, 50), 65, "never more than it had brought")

    def test_debt_does_not_expire(self):
        self.program.expire_after = 30
        self.post(-50, 'unearn', '2026-01-01 12:00:00')
        self.run_job('2027-02-01 01:00:00')
        self.assertEqual(self.card.points, -50)
        self.assert_balanced(self.card)

    def test_v25_held_before_midnight(self):
        self.create_v6()
        with freeze_time('2027-01-31 23:59:00'):
            hold = self.card._hold_points(45, 'test:till', minutes=15)
        self.run_job('2027-02-01 00:05:00')
        self.assertEqual(self.card.points, 95)
        with freeze_time('2027-02-01 00:06:00'):
            hold._release()
        self.run_job('2027-02-01 01:05:00')
        self.assertEqual(self.rows('expire'), [-15, -45])
        self.assert_balanced(self.card)

    def test_a_card_that_fails_keeps_nobody_waiting(self):
        """Of many cards only the one whose points cannot be expired is left."""
        self.program.expire_after = 30
        self.program.expiry_since = '2026-01-01'
        self.post(10, 'earn', '2027-01-01 12:00:00')
        rows = self.env['loyalty.expiry']
        with freeze_time('2027-03-01'):
            days = self.program._get_expiry_days()
        with (
            patch.object(self.registry['loyalty.card'], '_is_in_test', lambda self: False),
            patch.object(self.registry['loyalty.expiry'], '_expire_cards', side_effect=ValueError),
            mute_logger('odoo.addons.crm_loyalty.models.loyalty_card_job'),
        ):
            self.assertEqual(rows._do_chunk('_expire_cards', [self.card.id], days), [self.card.id])

    def test_row_that_comes_while_others_are_folded(self):
        """It has no day yet, and is left for its own fold."""
        self.program.expire_after = 365
        date_awards = type(self.card)._date_awards

        def date_and_insert(card):
            days = date_awards(card)
            row = Movement(card.id, to_points(7), 'grant', "Meanwhile")
            card.env.execute_query(card._get_posting_sql([row]))
            return days

        with patch.object(type(self.card), '_date_awards', date_and_insert):
            self.post(10)
        self.env.invalidate_all()
        first, meanwhile = self.card.history_ids.sorted('id')
        self.assertEqual((first.remaining, meanwhile.unfolded), (10, True))
        self.assertEqual(self.card.points, 17)
        self.card._fold()
        self.assertTrue(first.expire_on)
        self.assertEqual((meanwhile.remaining, meanwhile.expire_on), (7, first.expire_on))
        self.assert_balanced(self.card)

    def test_settings(self):
        for values in ({'expire_after': -1}, {'inactivity_months': -1}, {'reinstate_days': -2}):
            with self.assertRaises(psycopg2.IntegrityError), mute_logger('odoo.sql_db'):
                self.program.write(values)
                self.env.flush_all()

    def test_what_expires_next(self):
        self.create_v6()
        self.env.invalidate_all()
        self.assertEqual(self.card.expiring_on, date(2027, 1, 31))
        self.assertEqual(self.card.expiring_points, 60)
        self.assertEqual(self.card.expiring_lines, [{'date': '2027-01-31', 'points': 60}])


@tagged('post_install', '-at_install')
class TestPointsMessages(ExpiryCommon):
    """Members are told what came, what goes soon and what went, as the program says."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.member.write({'email': 'member@example.com', 'lang': 'en_US'})
        cls.program.expire_after = 365
        cls.program.expiry_since = '2026-01-01'

    def messages(self, event):
        return (
            self.env['crm.message']
            .search([('key', 'like', f':{event}')])
            .filtered(lambda message: message.partner_id == self.member)
        )

    def template(self, event):
        return self.env.ref(f'crm_loyalty.mail_template_points_{event}')

    def compose(self, message):
        [content] = message.sudo()._compose().values()
        return content

    def test_earned(self):
        self.program.earned_template_id = self.template('earned')
        self.create_order(120).action_confirm()
        [message] = self.messages('earned')
        self.assertEqual(message.message_class, 'transactional')
        content = self.compose(message)
        self.assertEqual(content.subject, "You have earned 120 Points")
        self.assertIn("120 Points", content.body)

    def test_address_without_a_name_is_greeted_as_its_company(self):
        company = self.create_partner("Linghua", is_company=True)
        address = self.create_partner(False, type='other', parent_id=company.id)
        card = self.create_card(address)
        for event in ('earned', 'expiring', 'inactive', 'expired'):
            with self.subTest(event):
                body = self.template(event)._render_field('body_html', card.ids)[card.id]
                self.assertIn("Hello Linghua,", body)

    def test_earned_is_off(self):
        self.create_order(120).action_confirm()
        self.assertFalse(self.messages('earned'))

    def test_nobody_is_told_of_old_orders(self):
        self.program.earned_template_id = self.template('earned')
        self.earn(self.card, 10, '2020-01-01')
        self.card._plan_earned_messages()
        self.assertFalse(self.messages('earned'))

    def test_expiring(self):
        self.assertEqual(self.program.expiring_template_id, self.template('expiring'))
        for day in ('2027-03-05', '2027-03-20', '2027-04-02'):
            self.post(10, expire_on=date.fromisoformat(day))
        self.run_job('2027-02-02 12:00:00')
        self.assertFalse(self.messages('expiring'))
        for day in ('2027-02-03', '2027-02-04', '2027-02-18'):
            self.run_job(f'{day} 12:00:00', shards=2)
            self.assertEqual(len(self.messages('expiring')), 1, "one for all points of a month")
        message = self.messages('expiring')
        self.assertEqual(message.message_class, 'hint')
        content = self.compose(message)
        self.assertIn("03/05/2027", content.body)
        self.assertIn("03/20/2027", content.body)
        self.assertNotIn("04/02/2027", content.body)
        self.run_job('2027-02-26 12:00:00')
        self.assertEqual(len(self.messages('expiring')), 2, "the last warning")

    def test_expiring_after_days_without_the_job(self):
        self.post(10, expire_on=date(2027, 3, 5))
        self.run_job('2027-02-05 12:00:00')
        self.assertEqual(len(self.messages('expiring')), 1)

    def set_inactivity(self, months=6, since='2026-01-01 12:00:00'):
        self.program.expire_after = 0
        self.switch(since, inactivity_months=months)
        self.assertEqual(self.program.inactive_template_id, self.template('inactive'))

    def test_inactive(self):
        self.set_inactivity()
        self.post(10, 'earn', '2026-08-31 12:00:00')
        self.post(5, day='2026-09-30 12:00:00')
        # half a year after August 31 ends with February
        self.assertEqual(self.card.inactive_on, date(2027, 2, 28))
        self.assertEqual(self.card.inactive_points, 10)
        self.run_job('2027-01-28 01:00:00')
        self.assertFalse(self.messages('inactive'))
        for moment in ('2027-01-29 05:00:00', '2027-01-29 01:00:00', '2027-01-30 01:00:00'):
            self.run_job(moment, shards=2)
            self.assertEqual(len(self.messages('inactive')), moment != '2027-01-29 05:00:00')
        message = self.messages('inactive')
        self.assertEqual(message.message_class, 'hint')
        content = self.compose(message)
        self.assertIn("02/28/2027", content.body)
        self.assertIn("10 Points", content.body)
        self.assertEqual(message.expires_at, Datetime.to_datetime('2027-03-01 00:00:00'))
        self.run_job('2027-02-21 01:00:00')
        self.assertEqual(len(self.messages('inactive')), 2, "the last warning")
        # what was said is what happens
        self.run_job('2027-02-28 01:00:00')
        self.assertEqual(self.card.points, 15)
        self.run_job('2027-03-01 01:00:00')
        self.assertEqual(self.card.points, 5)

    def test_activity_in_time(self):
        self.set_inactivity()
        self.post(10, 'earn', '2026-08-31 12:00:00')
        self.post(-1, 'burn', '2026-12-01 12:00:00')
        self.assertEqual(self.card.inactive_on, date(2027, 6, 1))
        self.run_job('2027-01-29 01:00:00')
        self.assertFalse(self.messages('inactive'))

    def test_inactive_since_the_setting(self):
        self.program.expire_after = 0
        self.post(10, day='2025-01-01 12:00:00')
        self.set_inactivity(since='2026-10-15 12:00:00')
        self.assertEqual(self.card.inactive_on, date(2027, 4, 15))
        self.run_job('2027-03-16 01:00:00')
        self.assertEqual(len(self.messages('inactive')), 1)

    def test_inactive_is_off(self):
        self.set_inactivity()
        self.program.inactive_template_id = False
        self.post(10, 'earn', '2026-08-31 12:00:00')
        self.run_job('2027-01-29 01:00:00')
        self.assertFalse(self.messages('inactive'))

    def test_expired(self):
        self.program.expired_template_id = self.template('expired')
        self.post(10, expire_on=date(2027, 3, 5))
        self.post(7, expire_on=date(2027, 3, 5))
        self.run_job('2027-03-06 12:00:00')
        [message] = self.messages('expired')
        self.assertEqual(message.message_class, 'hint')
        self.assertEqual(self.compose(message).subject, "17 Points have expired")

    def test_expired_is_off(self):
        self.post(10, expire_on=date(2027, 3, 5))
        self.run_job('2027-03-06 12:00:00')
        self.assertEqual(self.card.points, 0)
        self.assertFalse(self.messages('expired'))


@tagged('post_install', '-at_install')
class TestOverdue(ExpiryCommon):
    """Between midnight and the next run of the job nobody spends what is over."""

    LATE = '2027-02-01 00:05:00'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_zone('Asia/Shanghai')
        cls.env['loyalty.card']._post(
            [
                Movement(cls.card.id, to_points(100), 'grant', expire_on=date(2027, 1, 31)),
                Movement(cls.card.id, to_points(50), 'grant', expire_on=date(2027, 6, 30)),
            ]
        )

    def at(self, moment):
        """Return a context in which it is a moment of Shanghai."""
        self.env.invalidate_all()
        zone = pytz.timezone('Asia/Shanghai')
        local = zone.localize(Datetime.to_datetime(moment))
        return freeze_time(local.astimezone(pytz.utc).replace(tzinfo=None))

    def burn(self, points):
        self.env['loyalty.card']._post([Movement(self.card.id, -points, 'burn')])

    def test_free_points(self):
        with self.at('2027-01-31 23:59:00'):
            self.assertEqual(self.card.points_free, 150)
        with self.at(self.LATE):
            self.assertEqual((self.card.points, self.card.points_free), (150, 50))

    def test_spent_after_midnight(self):
        with self.at(self.LATE):
            for points in (60, 150):
                with self.assertRaises(ValidationError), self.env.cr.savepoint():
                    self.burn(points)
            self.burn(30)
        self.assertEqual(self.card.points, 20, "what is over went first")
        self.assertEqual(self.rows('expire'), [-100])
        self.run_job('2027-02-01 01:00:00')
        self.assertEqual((self.card.points, self.rows('expire')), (20, [-100]))
        self.assert_balanced(self.card)

    def test_spent_before_midnight(self):
        with self.at('2027-01-31 23:59:00'):
            self.burn(120)
        self.assertEqual((self.card.points, self.rows('expire')), (30, []))

    def test_looked_up_once(self):
        """Until the balance changes, or the change is undone."""
        with self.at(self.LATE):
            self.assertEqual(self.card._get_lost_points(), 100)
            with self.assertQueryCount(0):
                self.assertEqual(self.card._get_lost_points(), 100)
            with self.env.cr.savepoint() as savepoint:
                self.burn(30)
                self.assertEqual(self.card._get_lost_points(), 0)
                savepoint.rollback()
            self.assertEqual(self.card._get_lost_points(), 100)
            self.burn(30)
            self.assertEqual(self.card._get_lost_points(), 0)
        with self.at('2027-07-01 00:05:00'):
            self.assertEqual(self.card._get_lost_points(), 20, "on another day")

    def test_not_held_after_midnight(self):
        with self.at(self.LATE):
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.card._hold_points(60, 'late')
            self.card._hold_points(50, 'late')
            self.env['loyalty.card']._capture_points('late')
        self.assertEqual((self.card.points, self.rows('expire')), (0, [-100]))
        self.assert_balanced(self.card)

    def test_v25_held_before_midnight(self):
        with self.at('2027-01-31 23:59:00'):
            self.card._hold_points(80, 'in time')
        with self.at(self.LATE):
            self.assertEqual(self.card.points_free, 50)
            self.env['loyalty.card']._capture_points('in time')
        self.assertEqual((self.card.points, self.rows('expire')), (50, [-20]))
        self.assert_balanced(self.card)

    def test_spent_beside_a_cancellation_not_folded_yet(self):
        """What an order gave is taken back from its own award, not from what is over."""
        [earned] = self.env['loyalty.card']._post([Movement(self.card.id, to_points(20), 'earn')])
        cards = self.env.registry['loyalty.card']
        with self.at(self.LATE), patch.object(cards, '_fold_later'):
            back = Movement(self.card.id, to_points(-20), 'unearn', award_id=earned.id)
            self.env['loyalty.card']._post([back])
            free = self.card._read_free(self.env.cr)[self.card.id]
            self.assertEqual((free.balance, free.overdue), (150, 100))
            self.assertEqual(self.card.points_free, 50)
            with self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.burn(60)
            self.burn(50)
        with self.at(self.LATE):
            self.card._fold()
        self.assertEqual((self.card.points, self.rows('expire')), (0, [-100]))
        self.assert_balanced(self.card)

    def test_given_back_too_late_and_not_folded_yet(self):
        """What comes back to points that are over is over too."""
        self.program.reinstate_days = 0
        self.program.inactivity_months = 12
        with self.at('2027-01-31 12:00:00'):
            [burn] = self.env['loyalty.card']._post([Movement(self.card.id, -100, 'burn')])
        cards = self.env.registry['loyalty.card']
        with self.at(self.LATE), patch.object(cards, '_fold_later'):
            with patch.object(cards, '_expire_later'):
                back = Movement(self.card.id, to_points(100), 'unburn', reversed_id=burn.id)
                self.env['loyalty.card']._post([back])
            self.assertEqual((self.card.points, self.card.points_free), (150, 50))

    def test_quotation(self):
        order = self.create_order(10)
        with self.at(self.LATE):
            order._update_programs_and_rewards()
            self.assertFalse(order._get_claimable_rewards(), "50 are not enough")

    def test_not_transferred_after_midnight(self):
        other = self.create_card(self.partner)
        request = self.env['loyalty.request']
        values = {'operation': 'transfer', 'program_id': self.program.id}
        line = {'card_id': self.card.id, 'target_card_id': other.id, 'points': 40}
        with self.at(self.LATE):
            request._submit([{**values, 'line_ids': [Command.create(line)]}])
        self.assertEqual((self.card.points, other.points), (10, 40))
        self.assertEqual(other.history_ids.expire_on, date(2027, 6, 30))
        self.assert_balanced(self.card, other)
