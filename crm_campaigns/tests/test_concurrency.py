import contextlib

import psycopg2

from odoo import SUPERUSER_ID, api
from odoo.sql_db import db_connect
from odoo.tests import BaseCase, get_db_name, tagged
from odoo.tools import mute_logger

from .common import AS_OF


@tagged('post_install', '-at_install')
class TestConcurrency(BaseCase):
    """Two workers with real transactions, both begun before either of them wrote."""

    def setUp(self):
        super().setUp()
        with self._open() as env:
            company = env['res.company'].create(
                {
                    'name': "Concurrent Company",
                    'crm_score_min_buyers': 1,
                    'crm_score_min_days': 0,
                    'crm_score_daily': False,
                }
            )
            env.ref('base.user_admin').company_ids |= company
            partners = env['res.partner'].create(
                [{'name': f"Concurrent {i}", 'ref': 'concurrent'} for i in range(5)]
            )
            orders = env['sale.order'].create(
                [
                    {
                        'partner_id': partner.id,
                        'company_id': company.id,
                        'date_order': '2026-06-01 10:00:00',
                    }
                    for partner in partners
                ]
            )
            env.flush_all()
            env.cr.execute(
                """UPDATE sale_order SET state = 'sale', amount_untaxed = 10, currency_rate = 1
                    WHERE id IN %s""",
                [tuple(orders.ids)],
            )
            segment = env['crm.segment'].create(
                {
                    'name': "Concurrent",
                    'state': 'active',
                    'company_id': company.id,
                    'domain': "[('ref', '=', 'concurrent')]",
                }
            )
            self.company_id, self.segment_id = company.id, segment.id
            self.partner_ids, self.order_ids = partners.ids, orders.ids
        self.addCleanup(self._clean_up)

    @contextlib.contextmanager
    def _open(self):
        """Give an environment on a connection of its own; commit at the end."""
        with db_connect(get_db_name()).cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            yield env
            env.flush_all()

    def _clean_up(self):
        with self._open() as env:
            env['crm.segment'].browse(self.segment_id).unlink()
            env.cr.execute("DELETE FROM sale_order WHERE id IN %s", [tuple(self.order_ids)])
            env['crm.customer.score'].search([('company_id', '=', self.company_id)]).unlink()
            env['crm.score.run'].search([('company_id', '=', self.company_id)]).unlink()
            env['res.partner'].browse(self.partner_ids).unlink()
            env['res.company'].browse(self.company_id).unlink()

    @mute_logger('odoo.sql_db')
    def test_two_refreshes_of_a_segment(self):
        with db_connect(get_db_name()).cursor() as slow:
            slow.execute("SELECT 1")  # takes the snapshot
            with self._open() as env:
                env['crm.segment'].browse(self.segment_id).action_refresh()
            segment = api.Environment(slow, SUPERUSER_ID, {})['crm.segment'].browse(self.segment_id)
            with self.assertRaises(psycopg2.errors.SerializationFailure):
                segment.action_refresh()
            slow.rollback()
        with self._open() as env:
            segment = env['crm.segment'].browse(self.segment_id)
            segment.action_refresh()  # what Odoo's retry does
            self.assertEqual(len(segment.member_ids), 5)

    @mute_logger('odoo.sql_db')
    def test_two_workers_on_one_run(self):
        with self._open() as env:
            run_id = env['crm.score.run'].create({'company_id': self.company_id, 'as_of': AS_OF}).id
        for step in range(3):
            self._race(step, run_id)
        with self._open() as env:
            run = env['crm.score.run'].browse(run_id)
            self.assertEqual((run.state, run.customer_count, run.changed_count), ('done', 5, 5))
            scores = env['crm.customer.score'].search([('company_id', '=', self.company_id)])
            self.assertEqual(scores.partner_id.ids, self.partner_ids)

    def _race(self, step, run_id):
        """Let two workers do the same step: one of them must be told to try again."""
        with self.subTest(step=step), db_connect(get_db_name()).cursor() as slow:
            slow.execute("SELECT 1")
            with self._open() as env:
                env['crm.score.run'].browse(run_id)._step()
            run = api.Environment(slow, SUPERUSER_ID, {})['crm.score.run'].browse(run_id)
            with self.assertRaises(psycopg2.errors.SerializationFailure):
                run._step()
                run.flush_recordset()
            slow.rollback()
