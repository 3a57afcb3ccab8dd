"""The closed loop on a real purchase log, checked against the raw file in plain Python.

Runs on a clone of the database that ``setup/dev demo --data cdnow`` makes.
"""

import json
import sys
from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytz

from odoo.tests import TransactionCase, tagged

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'setup'))

from tool import cdnow, cdnow_loop  # noqa: E402
from tool.cdnow_import import Importer, Pace  # noqa: E402

PREFIX = 'cdnow_customer_'


class OneTransactionImporter(Importer):
    """The importer without its commits, for use inside a test's transaction."""

    def _commit(self):
        self.env.flush_all()


@tagged('post_install', '-at_install')
class TestCdnowLoop(TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company = cls.env.ref('__import__.cdnow_company')
        cls.env = cls.env(
            user=cls.env.ref('base.user_admin'),
            context={'allowed_company_ids': cls.company.ids},
        )
        run = cls.env['crm.score.run'].search([('company_id', '=', cls.company.id)], limit=1)
        cls.score_run = run
        cls.log = cdnow.shift(cdnow.read('cdnow'), run.as_of)
        cls.program = cls.env['loyalty.program'].search(
            [('company_id', '=', cls.company.id), ('program_type', '=', 'loyalty')]
        )
        cls.purchases = defaultdict(list)
        for purchase in cls.log.purchases:
            cls.purchases[purchase.customer].append(purchase)

    def _customer_numbers(self):
        """Number in the log by id of the contact."""
        records = self.env['ir.model.data'].search_read(
            [('module', '=', '__import__'), ('model', '=', 'res.partner')], ['name', 'res_id']
        )
        return {
            record['res_id']: record['name'].removeprefix(PREFIX)
            for record in records
            if record['name'].startswith(PREFIX)
        }

    # ------------------------------------------------------------
    # ORDERS
    # ------------------------------------------------------------

    def test_every_customer_has_the_orders_of_the_file(self):
        groups = self.env['sale.order']._read_group(
            [('company_id', '=', self.company.id), ('state', '=', 'sale')],
            ['partner_id'],
            ['__count', 'amount_total:sum', 'date_order:min', 'date_order:max'],
        )
        zone = pytz.timezone('America/New_York')
        numbers = self._customer_numbers()
        found = {
            numbers[partner.id]: (
                count,
                Decimal(str(round(total, 2))),
                pytz.utc.localize(first).astimezone(zone).date(),
                pytz.utc.localize(last).astimezone(zone).date(),
            )
            for partner, count, total, first, last in groups
        }
        expected = {
            customer: (
                len(purchases),
                sum(purchase.value for purchase in purchases),
                min(purchase.day for purchase in purchases),
                max(purchase.day for purchase in purchases),
            )
            for customer, purchases in self.purchases.items()
        }
        self.assertEqual(len(expected), 2357)
        self.assertEqual(found, expected)

    def test_loading_again_changes_nothing(self):
        folder = ROOT / '.run/cdnow/cdnow'
        header, *rows = (folder / 'orders.csv').read_text().splitlines()
        importer = OneTransactionImporter(self.env, self.company, 'America/New_York')
        rows = [row.split(',') for row in rows]
        pace = importer.load('sale.order', header.split(','), rows, Pace('orders'))
        self.assertEqual((pace.rows, pace.refused), (0, []))

    def test_bad_lines_are_named_and_nothing_of_them_is_written(self):
        header = list(cdnow.ORDERS)
        customer = PREFIX + min(self.purchases)
        rows = [
            self._row('new_1', customer),
            self._row('new_2', 'nobody'),
            self._row('new_3', customer, day='1997-13-45 12:00:00'),
            self._row('new_4', customer, product='NO-SUCH-PRODUCT'),
            self._row('new_5', customer),
        ]
        importer = OneTransactionImporter(self.env, self.company, 'America/New_York')
        before = self.env['sale.order'].search_count([])
        pace = importer.load('sale.order', header, rows, Pace('orders'))
        self.assertEqual([number for number, _reason in pace.refused], [3, 4, 5])
        self.assertTrue(all(reason for _number, reason in pace.refused))
        self.assertEqual(pace.rows, 2)
        self.assertEqual(self.env['sale.order'].search_count([]), before + 2)

    def _row(self, name, customer, day='2026-01-05 12:00:00', product='CDNOW-SMALL'):
        return [
            f'__import__.{name}', name, f'__import__.{customer}', day, 'sale',
            f'__import__.{name}_1', product, "CDs: 1", '1', '9.99', '',
        ]  # fmt: skip

    # ------------------------------------------------------------
    # POINTS AND TIERS
    # ------------------------------------------------------------

    def test_points_are_the_rule_applied_to_the_orders(self):
        cards = self.env['loyalty.card'].search([('program_id', '=', self.program.id)])
        numbers = self._customer_numbers()
        found = {numbers[card.partner_id.id]: Decimal(f'{card.points:.2f}') for card in cards}
        expected = {
            customer: sum(purchase.value for purchase in purchases)
            for customer, purchases in self.purchases.items()
        }
        # Who bought nothing but gifts has earned nothing and needs no card.
        self.assertEqual(found, {customer: total for customer, total in expected.items() if total})

    def test_each_movement_is_dated_by_its_order(self):
        self.env.cr.execute(
            """SELECT count(*), count(*) FILTER (WHERE history.date = sale.date_order)
                 FROM loyalty_history history
                 JOIN loyalty_card card ON card.id = history.card_id
                 JOIN sale_order sale ON sale.id = history.order_id
                WHERE card.program_id = %s AND history.order_model = 'sale.order'""",
            [self.program.id],
        )
        movements, dated = self.env.cr.fetchone()
        self.assertEqual(movements, sum(1 for p in self.log.purchases if p.value))
        self.assertEqual(dated, movements)

    def test_tiers_follow_from_points(self):
        cards = self.env['loyalty.card'].search([('program_id', '=', self.program.id)])
        numbers = self._customer_numbers()
        judged = max(cards.mapped('tier_since'))
        first_day = self.program._get_tier_window(judged).first_day
        found = {numbers[card.partner_id.id]: card.tier_id.name for card in cards}
        expected = {
            customer: self._tier(
                sum(p.value for p in purchases if first_day <= p.day <= judged),
            )
            for customer, purchases in self.purchases.items()
            if customer in found
        }
        self.assertEqual(found, expected)
        self.assertEqual(len(Counter(found.values())), 3, "all three tiers occur")

    def _tier(self, qualifying):
        return [name for name, value in cdnow_loop.TIERS if qualifying >= value][-1]

    def test_starting_the_programme_again_finds_no_order(self):
        wizard = self.env['loyalty.backfill'].create(
            {
                'program_id': self.program.id,
                'date_from': min(p.day for p in self.log.purchases),
                'company_id': self.company.id,
            }
        )
        free = sum(1 for p in self.log.purchases if not p.value)
        self.assertEqual(wizard.order_count, free, "only orders that earn nothing are left")

    # ------------------------------------------------------------
    # SCORES, SEGMENT, MAILING
    # ------------------------------------------------------------

    def test_scores_follow_from_orders(self):
        buyers = self._buyers()
        cuts = {
            name: self._cut_points([buyer[name] for buyer in buyers.values()])
            for name in ('recency', 'frequency', 'monetary')
        }
        expected = {
            customer: (
                6 - self._score(buyer['recency'], cuts['recency']),
                self._score(buyer['frequency'], cuts['frequency']),
                self._score(buyer['monetary'], cuts['monetary']),
            )
            for customer, buyer in buyers.items()
        }
        numbers = self._customer_numbers()
        scores = self.env['crm.customer.score'].search([('company_id', '=', self.company.id)])
        found = {
            numbers[score.partner_id.id]: (score.r, score.f, score.m)
            for score in scores
            if score.frequency
        }
        self.assertEqual(found, expected)

    def _buyers(self):
        """Recency, frequency and value of who bought in the window, in plain Python."""
        start = self.score_run._get_window_start()
        buyers = {}
        for customer, purchases in self.purchases.items():
            paid = [p for p in purchases if p.value]
            recent = [p for p in paid if start <= p.day <= self.score_run.as_of]
            if recent:
                buyers[customer] = {
                    'recency': (self.score_run.as_of - max(p.day for p in paid)).days,
                    'frequency': len(recent),
                    'monetary': sum(p.value for p in recent),
                }
        return buyers

    def _cut_points(self, values):
        """Smallest value that at least a fifth, two fifths, ... of the values do not exceed."""
        ordered = sorted(values)
        return [ordered[-(-len(ordered) * part // 5) - 1] for part in (1, 2, 3, 4)]

    def _score(self, value, cuts):
        return 1 + sum(1 for cut in cuts if value > cut)

    def test_the_segment_holds_the_customers_of_its_cell(self):
        segment = self._segment()
        scores = self.env['crm.customer.score'].search(
            [('company_id', '=', self.company.id), ('cell_id', 'in', segment.cell_ids.ids)]
        )
        members = segment.member_ids.filtered(lambda member: not member.left_at).partner_id
        self.assertEqual(members, scores.partner_id & members)
        self.assertEqual(len(members), len(scores))
        self.assertGreater(len(members), 50)
        for score in scores:
            self.assertLessEqual(score.r, 2)
            self.assertGreaterEqual((score.f + score.m + 1) // 2, 3)

    def test_the_mailing_waits_for_the_members(self):
        segment = self._segment()
        mailing = segment.mailing_ids
        self.assertEqual(mailing.state, 'in_queue')
        recipients = mailing._get_recipients()
        self.assertEqual(set(recipients), set(segment.member_ids.partner_id.ids))

    def _segment(self):
        return self.env['crm.segment'].search([('company_id', '=', self.company.id)])

    # ------------------------------------------------------------
    # SERVICE
    # ------------------------------------------------------------

    def test_a_request_stands_on_a_product_of_the_log(self):
        request = self.env['aftersales.request'].search([('company_id', '=', self.company.id)])
        self.assertEqual(len(request), 1)
        order = request.unit_id.sale_order_id
        self.assertIn(order.partner_id.id, self._customer_numbers())
        self.assertEqual(request.partner_id, order.partner_id)
        self.assertTrue(request.sla_deadline)
        self.assertEqual(request.unit_id.warranty_state, 'in_warranty')

    def test_one_customer_shows_the_whole_loop(self):
        request = self.env['aftersales.request'].search([('company_id', '=', self.company.id)])
        partner = request.partner_id
        timeline = partner.get_customer_timeline(limit=200)
        sources = {entry['source'] for entry in timeline['entries']}
        self.assertTrue({'sale.order', 'aftersales.request'} <= sources, sources)
        self.assertTrue(partner._get_loyalty_tier(self.company))
        self.assertTrue(partner.crm_score_ids)

    def test_what_was_prepared_is_what_was_read(self):
        totals = json.loads((ROOT / '.run/cdnow/cdnow/totals.json').read_text())
        self.assertEqual(totals['orders'], 6919)
        self.assertEqual(Decimal(totals['value']), self.log.value)
        self.assertEqual(date.fromisoformat(totals['last_day']).weekday(), 1)
