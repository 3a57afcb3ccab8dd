import threading
import time
from unittest.mock import patch

import psycopg2
from lxml import etree

from odoo.exceptions import AccessError, UserError
from odoo.fields import Datetime
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import CrmCustomerCommon, JobCase, TwoCursorsCase

LOGGER = 'odoo.addons.crm_customer.models.crm_job'


def make_partners(fail_at=None):
    """Return a job method that makes two partners per chunk and stumbles over one number."""

    def chunk(self, job):
        first = (job.cursor or {}).get('next', 1)
        numbers = range(first, min(first + 2, job.total + 1))
        for number in numbers:
            if number == fail_at:
                message = f"No number {number}, please"
                raise UserError(message)
            self.create({'name': f"job-{job.id}-{number}"})
        job._advance(done=len(numbers), cursor={'next': first + 2})
        return first + 2 <= job.total

    return chunk


@tagged('post_install', '-at_install')
class TestJob(CrmCustomerCommon, JobCase):
    def enqueue(self, method, total=5, **kwargs):
        return self.env['crm.job']._enqueue("Test", 'res.partner', method, total=total, **kwargs)

    def count_partners(self, job):
        return self.env['res.partner'].search_count([('name', '=like', f'job-{job.id}-%')])

    def test_runs_in_chunks(self):
        with self.job_method('res.partner', make_partners()) as method:
            job = self.enqueue(method, params={'x': 1})
            self.assertEqual((job.state, job.params), ('draft', {'x': 1}))
            self.run_job(job, time_limit=0)
            self.assertRecordValues(job, [{'state': 'running', 'done': 2, 'progress': 40}])
            self.run_job(job)
        self.assertRecordValues(job, [{'state': 'done', 'done': 5, 'progress': 100}])
        self.assertEqual(self.count_partners(job), 5)
        self.assertTrue(job.date_start and job.date_end)

    def test_cron_runs_open_jobs(self):
        with self.job_method('res.partner', make_partners()) as method:
            jobs = self.enqueue(method) | self.enqueue(method, total=3)
            self.run_job_cron()
        self.assertEqual(jobs.mapped('state'), ['done', 'done'])
        self.assertEqual([self.count_partners(job) for job in jobs], [5, 3])

    def test_slow_jobs_give_the_worker_back(self):
        """Odoo calls ten times whatever it takes, and ends workers after two minutes."""
        with self.job_method('res.partner', make_partners()) as method:
            job = self.enqueue(method)
            with self.enter_registry_test_mode(), self.registry.cursor() as cr:
                jobs, calls = self.env(cr=cr)['crm.job'], []
                self.patch(
                    self.registry['ir.cron'],
                    '_commit_progress',
                    lambda _cron, processed=0, remaining=None, **_options: (
                        calls.append((processed, remaining)) or 0
                    ),
                )
                end_time = time.monotonic() - 3600
                jobs.with_context(cron_end_time=end_time)._cron_run_jobs()
            self.assertEqual(job.state, 'draft')
            self.assertEqual(len(calls), 1)
            self.assertEqual(calls[0][0], 0)
            self.assertGreater(calls[0][1], 0, "or Odoo would think that nothing is left")

    def test_progress_is_seen_without_reloading(self):
        for model in ('crm.job', 'crm.import'):
            form = etree.fromstring(self.env[model].get_view(view_type='form')['arch'])
            self.assertTrue(form.xpath("//widget[@name='crm_refresh']"), model)
            folded = form.xpath("//header//widget[@name='crm_refresh']")
            self.assertFalse(folded, f"{model}: on phones it is not there until somebody unfolds")

    def test_lines_left_out_are_seen_without_looking_for_them(self):
        """A page would stay behind the one that was open when the check began."""
        form = etree.fromstring(self.env['crm.import'].get_view(view_type='form')['arch'])
        (lines,) = form.xpath("//field[@name='bad_row_ids']")
        self.assertFalse(lines.xpath('ancestor::page'))

    def test_worker_whose_time_is_over_is_called_at_once(self):
        """Odoo by itself looks again a minute later, however long the job is."""
        cron = self.env.ref('crm_customer.ir_cron_crm_job_1')
        # of the demo data, for one: the oldest job is the first
        jobs = self.env['crm.job'].sudo()
        jobs.search(jobs._get_open_domain()).state = 'cancelled'
        with self.job_method('res.partner', make_partners()) as method:
            job = self.enqueue(method)
            self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id)]).unlink()
            with self.enter_registry_test_mode(), self.registry.cursor() as cr:
                context = {'cron_id': cron.id, 'cron_end_time': time.monotonic()}
                worker, _progress = cron.with_env(self.env(cr=cr, context=context))._add_progress()
                worker.env['crm.job']._cron_run_jobs()
        self.assertRecordValues(job, [{'state': 'running', 'done': 2}])
        self.assertTrue(self.env['ir.cron.trigger'].search([('cron_id', '=', cron.id)]))

    def test_resume_after_failure_does_nothing_twice(self):
        with self.job_method('res.partner', make_partners(fail_at=4)) as method:
            job = self.enqueue(method)
            with mute_logger(LOGGER):
                self.run_job(job)
        self.assertRecordValues(job, [{'state': 'failed', 'done': 2}])
        self.assertEqual(job.result, "No number 4, please")
        self.assertEqual(job.line_ids.mapped('level'), ['error'])
        self.assertEqual(self.count_partners(job), 2, "the broken chunk left nothing behind")

        with self.job_method('res.partner', make_partners()):
            job.action_resume()
            self.assertEqual(job.state, 'draft')
            self.run_job(job)
        self.assertRecordValues(job, [{'state': 'done', 'done': 5, 'result': False}])
        self.assertEqual(self.count_partners(job), 5)

    def test_one_failing_job_does_not_stop_the_others(self):
        with (
            self.job_method('res.partner', make_partners(fail_at=1), '_test_bad') as bad,
            self.job_method('res.partner', make_partners()) as good,
            mute_logger(LOGGER),
        ):
            jobs = self.enqueue(bad) | self.enqueue(good)
            self.run_job_cron()
        self.assertEqual(jobs.mapped('state'), ['failed', 'done'])

    def run_failing_beside_others(self, faster):
        """Run a job that fails while others are faster whenever it is about to be marked so.

        :param faster: how often
        """
        claim = self.registry['crm.job']._claim
        tries = []

        def claim_later(job):
            if job.method == '_test_bad':
                tries.append(job)
                if 1 < len(tries) <= 1 + faster:
                    raise psycopg2.errors.SerializationFailure
            return claim(job)

        with (
            self.job_method('res.partner', make_partners(fail_at=1), '_test_bad') as bad,
            self.job_method('res.partner', make_partners()) as good,
            patch.object(self.registry['crm.job'], '_claim', claim_later),
            patch('odoo.addons.crm_customer.models.crm_job.time.sleep'),
            mute_logger(LOGGER),
        ):
            jobs = self.enqueue(bad) | self.enqueue(good)
            self.run_job_cron()
        return jobs.mapped('state')

    def test_failure_is_written_again_when_others_were_faster(self):
        self.assertEqual(self.run_failing_beside_others(faster=2), ['failed', 'done'])

    def test_failure_that_cannot_be_written_does_not_stop_the_others(self):
        self.assertEqual(self.run_failing_beside_others(faster=99)[1], 'done')

    def test_runs_as_the_user_who_asked(self):
        seen = []

        def chunk(self, job):
            seen.append((self.env.user, self.env.su, self.env.companies, self.env.lang))
            job._log("done", level='info')
            return False

        self.user_own.company_ids += self.other_company
        with self.job_method('res.partner', chunk) as method:
            jobs = self.env['crm.job'].with_user(self.user_own)
            jobs.with_company(self.other_company)._enqueue("Test", 'res.partner', method)
            self.run_job_cron()
        self.assertEqual(seen, [(self.user_own, False, self.other_company, self.user_own.lang)])

    def test_same_key_same_job(self):
        with self.job_method('res.partner', make_partners()) as method:
            job = self.enqueue(method, key='test:key')
            self.assertEqual(self.enqueue(method, key='test:key'), job)
            self.run_job(job)
            other = self.enqueue(method, key='test:key')
        self.assertNotEqual(other, job, "a finished job makes room for the next")

    def test_resume_beside_the_same_job(self):
        with self.job_method('res.partner', make_partners()) as method:
            job = self.enqueue(method, key='test:key')
            job.action_cancel()
            self.enqueue(method, key='test:key')
            with self.assertRaisesRegex(UserError, "started again"):
                job.action_resume()

    def test_cancelled_job_does_not_run(self):
        with self.job_method('res.partner', make_partners()) as method:
            job = self.enqueue(method)
            job.action_cancel()
            self.run_job(job)
        self.assertEqual((job.state, self.count_partners(job)), ('cancelled', 0))
        with self.assertRaises(UserError):
            job.action_run()

    def test_method_of_an_addon_that_is_gone(self):
        with self.job_method('res.partner', make_partners()) as method:
            job = self.enqueue(method)
        with mute_logger(LOGGER):
            self.run_job(job)
        self.assertEqual(job.state, 'failed')

    def test_only_private_methods(self):
        for method in ('unlink', '_no_such_method'):
            with self.assertRaises(ValueError):
                self.enqueue(method)

    def test_open_jobs_are_not_deleted(self):
        with self.job_method('res.partner', make_partners()) as method:
            job = self.enqueue(method)
        with self.assertRaises(UserError):
            job.unlink()
        job.action_cancel()
        job.unlink()

    def test_jobs_of_models_that_go_away_are_deleted(self):
        with self.job_method('res.partner', make_partners()) as method:
            ended, waiting = self.enqueue(method), self.enqueue(method)
            other = self.env['crm.job']._enqueue("Test", 'crm.job', '_get_target')
        ended.action_cancel()
        self.env['crm.job']._forget_models(['res.partner'])
        self.assertEqual((ended | waiting | other).exists(), other)

    def test_old_jobs_are_deleted(self):
        jobs = self.env['crm.job'].create(
            [
                {
                    'name': "x",
                    'model': 'res.partner',
                    'method': '_x',
                    'state': 'done',
                    'date_end': Datetime.subtract(Datetime.now(), days=days),
                }
                for days in (89, 91)
            ]
        )
        self.company.crm_job_keep_days = 0
        self.env['crm.job']._gc_ended()
        self.assertEqual(len(jobs.exists()), 2)
        self.company.crm_job_keep_days = 90
        self.env['crm.job']._gc_ended()
        self.assertEqual(jobs.exists(), jobs[0])

    def test_who_may_do_what(self):
        with self.job_method('res.partner', make_partners()) as method:
            job = self.env['crm.job'].with_user(self.user_own)._enqueue("T", 'res.partner', method)
        with self.assertRaises(AccessError):
            job.with_user(self.user_own).write({'method': 'unlink'})
        with self.assertRaises(AccessError):
            job.with_user(self.user_manager).write({'method': 'unlink'})
        with self.assertRaises(AccessError):
            job.with_user(self.user_all).action_cancel()
        job.with_user(self.user_own).action_cancel()
        job.with_user(self.user_manager).action_resume()


@tagged('post_install', '-at_install')
class TestJobClaim(TwoCursorsCase):
    def setUp(self):
        super().setUp()
        self.job = self.env_1['crm.job'].create({'name': "T", 'model': 'x', 'method': '_x'})
        self.env_1.cr.commit()
        self.addCleanup(self.execute_committed, 'DELETE FROM crm_job WHERE id = %s', self.job.id)

    def begin_chunk(self):
        """Do what a worker does in a chunk, on the first connection."""
        self.take_snapshots()
        self.assertTrue(self.job._claim())
        self.job.write({'state': 'running'})
        self.job._advance(done=1)
        self.env_1.flush_all()

    def wait_for_lock(self, thread):
        """Wait until the other thread waits for the lock of the chunk."""
        pid = self.env_1.cr._cnx.get_backend_pid()
        query = 'SELECT 1 FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))'
        while thread.is_alive():
            self.env.cr.execute('SELECT pg_stat_clear_snapshot()')
            self.env.cr.execute(query, [pid])
            if self.env.cr.rowcount:
                return
            time.sleep(0.01)

    def test_one_worker_at_a_time(self):
        self.assertTrue(self.job._claim())
        self.assertFalse(self.job.with_env(self.env_2)._claim(), "skipped, not waited for")
        self.env_1.cr.rollback()
        self.env_2.cr.rollback()
        self.assertTrue(self.job.with_env(self.env_2)._claim())

    def test_cancel_while_a_chunk_is_done(self):
        self.begin_chunk()
        cancel = threading.Thread(target=self.job.with_env(self.env_2).action_cancel)
        cancel.start()
        self.wait_for_lock(cancel)
        self.env_1.cr.commit()
        cancel.join()
        self.env_1.invalidate_all()
        self.assertFalse(self.job._claim(), "the worker does not go on")
        self.assertRecordValues(self.job, [{'state': 'cancelled', 'done': 1}])

    def test_cancel_after_a_chunk_the_request_did_not_see(self):
        self.begin_chunk()
        self.env_1.cr.commit()
        self.job.with_env(self.env_2).action_cancel()
        self.assertFalse(self.job._claim())

    def test_cancel_does_not_change_a_job_that_ended(self):
        self.begin_chunk()
        self.job.write({'state': 'done'})
        self.env_1.cr.commit()
        with self.assertRaisesRegex(UserError, "changed meanwhile"):
            self.job.with_env(self.env_2).action_cancel()
        self.assertEqual(self.job.state, 'done')

    def test_cancel_does_not_wait_for_ever(self):
        self.begin_chunk()
        with (
            patch('odoo.addons.crm_customer.models.crm_job.CANCEL_TIMEOUT', '50ms'),
            self.assertRaisesRegex(UserError, "long step"),
        ):
            self.job.with_env(self.env_2).action_cancel()
