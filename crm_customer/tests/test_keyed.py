from functools import partial
from unittest.mock import patch

import psycopg2

from odoo.service.model import retrying
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from .common import TwoCursorsCase


def job_vals(key, **values):
    return {'name': key, 'model': 'res.partner', 'method': '_x', 'key': key, **values}


@tagged('post_install', '-at_install')
class TestKeyed(TransactionCase):
    def test_inserts_each_key_once(self):
        jobs = self.env['crm.job']
        first = jobs._insert_keyed([job_vals('t:1'), job_vals('t:2')])
        again = jobs._insert_keyed([job_vals('t:2'), job_vals('t:3'), job_vals('t:3')])
        self.assertEqual(first.mapped('key'), ['t:1', 't:2'])
        self.assertEqual(again.mapped('key'), ['t:3'])
        self.assertFalse(jobs._insert_keyed([]))

    def test_fills_what_create_fills(self):
        job = self.env['crm.job']._insert_keyed([job_vals('t:1', params={'a': [1]}, total=4)])
        self.assertRecordValues(
            job,
            [
                {
                    'state': 'draft',
                    'user_id': self.env.user.id,
                    'company_id': self.env.company.id,
                    'create_uid': self.env.user.id,
                    'params': {'a': [1]},
                    'total': 4,
                    'progress': 0,
                }
            ],
        )
        self.assertTrue(job.create_date)

    def test_rows_with_different_columns(self):
        jobs = self.env['crm.job']._insert_keyed(
            [job_vals('t:1', total=5), job_vals('t:2', result="so")]
        )
        self.assertEqual(jobs.mapped('total'), [5, 0])
        self.assertEqual(jobs.mapped('result'), [False, "so"])

    def test_needs_a_key_and_columns(self):
        with self.assertRaises(ValueError):
            self.env['crm.job']._insert_keyed([{'name': "x"}])
        with self.assertRaises(ValueError):
            self.env['crm.job']._insert_keyed([job_vals('t:1', line_ids=[])])


@tagged('post_install', '-at_install')
class TestKeyedRace(TwoCursorsCase):
    key = 'test:keyed-race'

    def setUp(self):
        super().setUp()
        self.addCleanup(self.execute_committed, 'DELETE FROM crm_job WHERE key = %s', self.key)

    def insert(self, env):
        return env['crm.job']._insert_keyed([job_vals(self.key)])

    def test_older_snapshot_fails_and_is_retried(self):
        self.take_snapshots()
        self.assertEqual(len(self.insert(self.env_1)), 1)
        self.env_1.cr.commit()
        with (
            mute_logger('odoo.sql_db'),
            self.assertRaises(psycopg2.errors.SerializationFailure),
        ):
            self.insert(self.env_2)

        self.take_snapshots()
        self.assertFalse(self.insert(self.env_2), "a younger snapshot sees the row")

    def test_request_is_repeated(self):
        self.take_snapshots()
        self.insert(self.env_1)
        self.env_1.cr.commit()
        with mute_logger('odoo.sql_db', 'odoo.service.model'), patch('time.sleep'):
            inserted = retrying(partial(self.insert, self.env_2), self.env_2)
        self.assertFalse(inserted)
        self.env_1.cr.rollback()
        self.assertEqual(self.env_1['crm.job'].search_count([('key', '=', self.key)]), 1)
