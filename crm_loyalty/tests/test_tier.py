from datetime import date

from freezegun import freeze_time
from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from odoo.addons.crm_customer.tests.common import JobCase

from .common import LoyaltyCommon


@tagged('post_install', '-at_install')
class TestTier(LoyaltyCommon, JobCase):
    def changes(self, card):
        return [(row.change, row.new_tier_id.name) for row in card.tier_history_ids.sorted('id')]

    def test_v13_tier_up(self):
        """V13: 400 in October, 500 in March, 150 in September make Silver; redeeming does not
        take it away."""
        card = self.create_card()
        self.earn(card, 400, '2025-10-10 04:00:00')
        self.earn(card, 500, '2026-03-10 04:00:00')
        with freeze_time('2026-09-05 04:00:00'):
            card._evaluate_tiers()
            self.assertEqual(card.tier_id, self.basic)
            self.create_order(150).action_confirm()
            self.assertEqual(card.qualifying_value, 1050)
            self.assertEqual(card.tier_id, self.silver)
            self.assertEqual(card.tier_since, date(2026, 9, 5))
            self.assertEqual(card.tier_until, date(2027, 9, 30))
            self.assertEqual(self.changes(card), [('start', 'Basic'), ('up', 'Silver')])

            self.earn(card, -900, '2026-09-05 05:00:00', kind='burn')
            card._evaluate_tiers()
            self.assertEqual(card.points, 150)
            self.assertEqual(card.qualifying_value, 1050)
            self.assertEqual(card.tier_id, self.silver)

    def test_window_ends_at_midnight_of_the_program(self):
        self.env.company.resource_calendar_id.tz = 'Asia/Shanghai'
        self.env.company.partner_id.tz = 'America/New_York'  # where somebody may sit
        card = self.create_card()
        self.earn(card, 10, '2025-09-05 15:59:59')  # 5 September 23:59:59 in Shanghai: out
        self.earn(card, 100, '2025-09-05 16:00:00')  # 6 September 00:00: in
        self.earn(card, 1000, '2026-09-05 15:59:59')  # 5 September 23:59:59: in
        self.earn(card, 7, '2026-09-05 16:00:00')  # tomorrow
        card._evaluate_tiers(date(2026, 9, 5))
        self.assertEqual(card.qualifying_value, 1100)

    def test_run_twice_changes_nothing(self):
        card = self.create_card()
        self.earn(card, 3000, '2026-06-01 04:00:00')
        day = date(2026, 6, 2)
        self.assertEqual(card._evaluate_tiers(day), card)
        self.assertFalse(card._evaluate_tiers(day))
        self.assertEqual(self.changes(card), [('start', 'Gold')])
        self.assertEqual(card.tier_history_ids.threshold, 3000)

    def test_kept_until_then_lost(self):
        card = self.create_card()
        self.earn(card, 3000, '2026-01-10 04:00:00')
        card._evaluate_tiers(date(2026, 1, 31))
        self.earn(card, 1500, '2026-12-10 04:00:00')
        self.assertEqual(card.tier_until, date(2027, 1, 31))
        card._evaluate_tiers(date(2027, 1, 31))
        self.assertEqual(card.tier_id, self.gold)
        self.assertEqual(card.qualifying_value, 1500)
        # an order never takes a tier away, the nightly job does
        card._evaluate_tiers(date(2027, 2, 1), allow_downgrade=False)
        self.assertEqual(card.tier_id, self.gold)
        card._evaluate_tiers(date(2027, 2, 1))
        self.assertEqual(card.tier_id, self.silver)
        self.assertEqual(self.changes(card), [('start', 'Gold'), ('down', 'Silver')])
        self.assertIn('1,500 Points', card.tier_history_ids[0].reason)
        self.assertIn('Gold asks for 3,000', card.tier_history_ids[0].reason)

    def test_renewed(self):
        card = self.create_card()
        self.earn(card, 1000, '2026-01-10 04:00:00')
        card._evaluate_tiers(date(2026, 1, 31))
        self.earn(card, 1000, '2026-12-10 04:00:00')
        card._evaluate_tiers(date(2027, 2, 1))
        self.assertEqual(card.tier_id, self.silver)
        self.assertEqual(card.tier_until, date(2028, 2, 29))
        self.assertEqual(len(card.tier_history_ids), 1)

    def test_v15_return_after_upgrade(self):
        """V15: cancelling the order that brought the tier lowers the points, not the tier."""
        order = self.create_order(1200)
        order.action_confirm()
        card = self.get_card()
        self.assertEqual(card.tier_id, self.silver)
        order._action_cancel()
        self.assertEqual(card.qualifying_value, 0)
        self.assertEqual(card.tier_id, self.silver)

    def test_granted_points_do_not_count(self):
        card = self.create_card(points=5000)
        card.points += 500
        card._evaluate_tiers()
        self.assertEqual(card.qualifying_value, 0)
        self.assertEqual(card.tier_id, self.basic)

    def test_archived_tier(self):
        card = self.create_card()
        self.earn(card, 3000, '2026-01-10 04:00:00')
        card._evaluate_tiers(date(2026, 1, 31))
        self.gold.active = False
        card._evaluate_tiers(date(2026, 2, 1))
        self.assertEqual(self.changes(card), [('start', 'Gold'), ('down', 'Silver')])

    def test_last_tier_archived(self):
        card = self.create_card()
        self.earn(card, 3000, '2026-01-10 04:00:00')
        card._evaluate_tiers(date(2026, 1, 31))
        self.program.tier_ids.active = False
        self.assertEqual(self.env['crm.selfcheck']._check_loyalty_tier()[2], 1)
        card._evaluate_tiers(date(2026, 2, 1))
        self.assertFalse(card.tier_id)

    def test_zone_of_a_shared_program(self):
        first = self.env['res.company'].search([], order='id', limit=1)
        first.resource_calendar_id.tz = 'Asia/Taipei'
        second = self.env['res.company'].create({'name': "Second"})
        second.resource_calendar_id.tz = 'America/New_York'
        self.program.company_id = False
        for company in first | second:
            self.assertEqual(self.program.with_company(company)._get_timezone(), 'Asia/Taipei')

    def test_below_the_first_tier(self):
        self.basic.min_value = 10
        card = self.create_card()
        card._evaluate_tiers()
        self.assertFalse(card.tier_id)
        self.assertFalse(card.tier_history_ids)

    def test_nightly_job(self):
        cards = self.create_card() | self.create_card(self.partner)
        self.earn(cards[0], 1000, '2026-01-10 04:00:00')
        with freeze_time('2026-01-31 04:00:00'):
            self.env['loyalty.program']._cron_evaluate_tiers()
            job = self.env['crm.job'].search([('model', '=', 'loyalty.tier.evaluation')], limit=1)
            self.assertEqual(job.total, 2)
            self.run_job(job)
            self.assertEqual(job.state, 'done')
            self.assertEqual(cards.mapped('tier_id.name'), ['Silver', 'Basic'])
            self.assertIn('2', job.result)

    def test_self_check(self):
        card = self.create_card()
        self.earn(card, 1000, self.env.cr.now())
        check = self.env['crm.selfcheck']
        self.assertEqual(check._check_loyalty_tier()[2], 1)
        card._evaluate_tiers()
        self.assertEqual(check._check_loyalty_tier()[2], 0)

    # ------------------------------------------------------------
    # SET-UP
    # ------------------------------------------------------------

    def test_thresholds_must_rise(self):
        self.basic.sequence, self.silver.sequence, self.gold.sequence = 1, 2, 3
        with self.assertRaises(ValidationError):
            self.gold.min_value = 500
        with self.assertRaises(ValidationError):
            self.basic.sequence = 9

    @mute_logger('odoo.sql_db')
    def test_thresholds_differ(self):
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            self.gold.min_value = 1000
            self.env.flush_all()

    def test_held_tier_cannot_be_deleted(self):
        card = self.create_card()
        card._evaluate_tiers()
        with self.assertRaises(UserError):
            self.basic.unlink()
        self.gold.unlink()

    def test_program_type(self):
        coupons = self.env['loyalty.program'].create({'name': "C", 'program_type': 'coupons'})
        self.assertFalse(coupons.managed)
        with self.assertRaises(UserError):
            coupons.action_manage_ledger()

    def test_program_becomes_loyalty(self):
        coupons = self.env['loyalty.program'].create({'name': "C", 'program_type': 'coupons'})
        card = self.create_card(points=7, program=coupons)
        self.assertFalse(card.history_ids)
        coupons.program_type = 'loyalty'
        self.assertTrue(coupons.managed)
        self.assertEqual(card.history_ids.mapped(lambda r: (r.kind, r.qty)), [('opening', 7)])
        self.assert_balanced(card)

    def test_copy_takes_tiers(self):
        copy = self.program.copy()
        self.assertEqual(copy.tier_ids.mapped('name'), ['Basic', 'Silver', 'Gold'])

    # ------------------------------------------------------------
    # EXPLANATION
    # ------------------------------------------------------------

    def test_hint(self):
        card = self.create_card()
        self.earn(card, 400.5, self.env.cr.now())
        card._evaluate_tiers()
        self.assertEqual(card.next_tier_id, self.silver)
        self.assertEqual(card.next_tier_gap, 599.5)
        self.assertAlmostEqual(card.tier_progress, 40.05)
        self.assertEqual(card.tier_hint, "599.50 Points to Silver")

    def test_reason_of_upgrade(self):
        card = self.create_card()
        self.earn(card, 1050, '2026-03-10 04:00:00')
        card._evaluate_tiers(date(2026, 9, 5))
        self.assertEqual(
            card.tier_history_ids.reason,
            "From 09/06/2025 to 09/05/2026 you earned 1,050 Points; Silver begins at 1,000.",
        )

    def test_tiers_of_two_programs(self):
        other = self.create_program("Pro", tier_ids=self.tier_commands(("Pro", 0)))
        cards = self.create_card() | self.create_card(program=other)
        cards._evaluate_tiers()
        self.assertEqual(cards.tier_id, self.basic | other.tier_ids)

    def test_labels_of_two_meanings(self):
        """A word is translated once in an addon: days, tiers and cards need words of their own."""
        labels = [
            {self.env[model]._fields[name].string for model, name in fields}
            for fields in (
                (('loyalty.tier.history', 'old_tier_id'), ('loyalty.tier.history', 'new_tier_id')),
                (('loyalty.earning.bonus', 'date_from'), ('loyalty.earning.bonus', 'date_to')),
                (('loyalty.request.line', 'target_card_id'),),
            )
        ]
        self.assertEqual(len(set().union(*labels)), sum(map(len, labels)))
