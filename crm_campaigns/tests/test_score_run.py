from datetime import timedelta
from pathlib import Path
from unittest import skipUnless

from psycopg2.errors import CheckViolation

from odoo.exceptions import UserError, ValidationError
from odoo.tests import Form, tagged
from odoo.tools import mute_logger

from .common import AS_OF, CampaignsCommon

REFERENCE = Path(__file__).parents[2] / 'setup' / 'bench' / 'ref' / 'rfm.sql'
COLUMNS = """
    score.partner_id, first_order, last_order, frequency, monetary, refunds, r, f, m, rfm, cell.code
"""


@tagged('post_install', '-at_install')
class TestScoreRun(CampaignsCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partners = cls._make_partners(200)
        firm = cls.partners[0]
        cls.partners[1:20].parent_id = firm
        cls._generate_orders(cls.partners)

    def _fetch_scores(self, columns=COLUMNS):
        self.env.cr.execute(
            f"""SELECT {columns} FROM crm_customer_score score
                  LEFT JOIN crm_rfm_cell cell ON cell.id = score.cell_id
                 WHERE score.company_id = %s ORDER BY score.partner_id""",
            [self.company.id],
        )
        return self.env.cr.fetchall()

    @skipUnless(REFERENCE.exists(), "the reference SQL is not packaged")
    def test_equal_to_the_reference_row_by_row(self):
        run = self._score()
        self.env.cr.execute(
            f"SELECT * FROM ({REFERENCE.read_text()}) reference ORDER BY partner_id",
            {
                'company_id': self.company.id,
                'as_of': AS_OF,
                'timezone': run.timezone,
                'window_months': run.window_months,
                'min_buyers': 1,
                'min_days': 0,
            },
        )
        reference = self.env.cr.fetchall()
        self.assertEqual(len(reference), run.customer_count)
        self.assertEqual(self._fetch_scores(), reference)

    def test_twice_writes_nothing(self):
        first = self._score()
        physical = self._fetch_scores(
            'score.id, score.xmin::text, score.ctid::text, score.xmax::text'
        )
        second = self._score()
        self.assertEqual(first.changed_count, first.customer_count)
        self.assertEqual(second.changed_count, 0)
        self.assertEqual(
            physical,
            self._fetch_scores('score.id, score.xmin::text, score.ctid::text, score.xmax::text'),
        )

    def test_frozen_cut_points_are_kept(self):
        """Orders of others move nobody until new cut points are made."""
        first = self._score()
        whale = self._make_partners(1)
        self._make_order(whale, '2026-06-30 10:00:00', 99999)
        self._make_order(self.partners[50], '2026-06-30 10:00:00', 1)
        frozen = self._score(cut_points=first.cut_points, cut_date=first.cut_date)
        self.assertEqual(frozen.cut_points, first.cut_points)
        self.assertLessEqual(frozen.changed_count, 2)
        nightly = self.env['crm.score.run']._prepare_nightly_vals
        self.assertEqual(
            nightly(self.company, AS_OF + timedelta(days=6))['cut_points'], first.cut_points
        )
        self.assertNotIn('cut_points', nightly(self.company, AS_OF + timedelta(days=7)))

    def test_gate_few_buyers(self):
        self.company.crm_score_min_buyers = 1000
        run = self._score()
        self.assertEqual(run.gate, 'few_buyers')
        self.assertIn(str(run.buyer_count), run.gate_text)
        scores = self.env['crm.customer.score'].search([('company_id', '=', self.company.id)])
        self.assertEqual(len(scores), run.customer_count, "counted all the same")
        self.assertFalse(any(scores.mapped('rfm')) or scores.cell_id)

    def test_gate_short_history(self):
        self.company.crm_score_min_days = 10000
        run = self._score()
        self.assertEqual(run.gate, 'short_history')
        self.assertFalse(run.cut_points)

    def test_no_customer_at_all(self):
        company = self._make_company("Empty Company")
        run = self._score(company)
        self.assertEqual((run.state, run.gate, run.customer_count), ('done', 'few_buyers', 0))

    def test_gate_is_frozen(self):
        """What an old run says does not change with the company's settings."""
        self.company.crm_score_min_buyers = 1000
        few = self._score()
        self.company.write({'crm_score_min_buyers': 1, 'crm_score_min_days': 10000})
        short = self._score()
        texts = (few.gate_text, short.gate_text)
        self.assertIn('1000', texts[0])
        self.company.write({'crm_score_min_buyers': 7, 'crm_score_min_days': 8})
        self.env.invalidate_all()
        self.assertEqual((few.gate_text, short.gate_text), texts)

    def test_gate_needs_a_buyer(self):
        with self.assertRaises(CheckViolation), mute_logger('odoo.sql_db'), self.env.cr.savepoint():
            self.company.crm_score_min_buyers = 0
            self.env.flush_all()
        run = self._score(self._make_company("Empty Company"), min_buyers=0)
        self.assertEqual((run.state, run.gate), ('done', 'few_buyers'))

    def test_cut_points_are_renewed_in_time(self):
        for days in (-1, 2_000_000_000):
            with (
                self.assertRaises(CheckViolation),
                mute_logger('odoo.sql_db'),
                self.env.cr.savepoint(),
            ):
                self.company.crm_score_cut_days = days
                self.env.flush_all()

    def test_counts_and_cache_after_sql(self):
        """Rows are counted before anything else is sent; what was read before is read anew."""
        run = self._score()
        scores = self.env['crm.customer.score'].search([('company_id', '=', self.company.id)])
        first = scores[0].partner_id
        champions = scores.cell_id[0]
        self.assertEqual(first.crm_score_id, scores[0])
        self.assertTrue(champions.customer_count)
        self.env.cr.execute(
            """INSERT INTO crm_customer_score_stage (run_id, partner_id)
               SELECT %s, partner_id FROM crm_customer_score
                WHERE company_id = %s AND partner_id != %s""",
            [run.id, self.company.id, first.id],
        )
        # not sent yet: invalidating sends it
        scores[1:4].computed_at = '2026-01-01 00:00:00'
        run._prune()
        self.assertEqual(run.changed_count, 1)
        self.assertFalse(first.crm_score_id or first.crm_frequency)
        scored = scores[1].partner_id
        self.assertTrue(scored.crm_rfm)
        run._apply_chunk()
        self.assertFalse(scored.crm_rfm, "the staged figures were empty")
        self.assertFalse(champions.customer_count)

    def test_customer_without_orders_loses_his_score(self):
        self._score()
        partner = self.partners[100]
        self.env['sale.order'].search([('partner_id', '=', partner.id)]).state = 'cancel'
        self._score()
        self.assertFalse(self._get_score(partner))

    def test_job_in_chunks_goes_on_where_it_stopped(self):
        self.patch(self.registry['crm.score.run'], '_get_chunk_size', lambda _self: 50)
        run = self.env['crm.score.run'].create({'company_id': self.company.id, 'as_of': AS_OF})
        run.action_score()
        job = run.job_id
        for _chunk in range(3):
            self.assertTrue(run._job_score(job))
        self.assertEqual((job.done, run.state), (100, 'running'))
        while run._job_score(job):
            pass
        count = run.customer_count
        self.assertGreater(count, 150)
        self.assertEqual((job.done, run.state, run.changed_count), (count, 'done', count))
        self.assertFalse(run._job_score(job), "a finished run is left alone")
        self.assertFalse(self.env['crm.customer.score.stage'].search([('run_id', '=', run.id)]))
        with self.assertRaises(UserError):
            run._enqueue()

    def test_newest_run_wins(self):
        older = self.env['crm.score.run'].create({'company_id': self.company.id, 'as_of': AS_OF})
        older._step()
        newer = self._score()
        self.assertEqual((older.state, newer.state), ('cancelled', 'done'))
        self.assertEqual(older._step(), (0, False))

    def test_wizard(self):
        wizard = Form(self.env['crm.score.wizard'].with_user(self.user_manager))
        wizard.as_of = AS_OF
        record = wizard.save()
        action = record.action_score()
        run = self.env['crm.score.run'].browse(action['res_id'])
        self.assertEqual((run.as_of, run.company_id), (AS_OF, self.company))
        self.assertTrue(run.job_id)
        record.as_of = AS_OF.replace(year=2099)
        with self.assertRaises(ValidationError):
            record.action_score()

    def test_cron_queues_a_run_for_each_company_that_wants_one(self):
        self.env['res.company'].search([('id', '!=', self.company.id)]).crm_score_daily = False
        before = self.env['crm.score.run'].search([])
        self.env['crm.score.run']._cron_score()
        runs = self.env['crm.score.run'].search([]) - before
        self.assertEqual(runs.company_id, self.company)
        self.assertEqual(runs.job_id.state, 'draft')

    def test_recency_is_searchable(self):
        self._score()
        scores = self.env['crm.customer.score'].search([('company_id', '=', self.company.id)])
        found = scores.search([('recency', '<', 60), ('company_id', '=', self.company.id)])
        self.assertEqual(
            found, scores.filtered(lambda score: score.last_order and score.recency < 60)
        )

    def test_cells_count_their_customers(self):
        self._score()
        cells = self.env['crm.rfm.cell'].search([])
        scores = self.env['crm.customer.score'].search([('company_id', '=', self.company.id)])
        for cell in cells:
            self.assertEqual(
                cell.customer_count,
                len(scores.filtered(lambda score, cell=cell: score.cell_id == cell)),
            )

    def test_selfcheck(self):
        self.env['crm.score.run'].search([('company_id', '!=', self.company.id)]).unlink()
        run = self._score()
        # documents written at the same moment as the run are left to the next night
        run.started_at += timedelta(minutes=1)
        self.patch(
            self.registry['crm.selfcheck'],
            '_get_score_sample',
            lambda _self, run: self.env['crm.customer.score'].search(
                [('company_id', '=', run.company_id.id)]
            ),
        )
        check = self.env['crm.selfcheck']
        self.assertEqual(check._check_campaign_scores(), (True, '', 0))
        self.env.cr.execute(
            "UPDATE crm_customer_score SET frequency = frequency + 1 WHERE partner_id = %s",
            [self.partners[30].id],
        )
        self.env.invalidate_all()
        ok, message, count = check._check_campaign_scores()
        self.assertEqual((ok, count), (False, 1))
        self.assertIn(self.partners[30].name, message)
