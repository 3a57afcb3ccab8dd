from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools import SQL

_logger = logging.getLogger(__name__)

MAX_TRIES = 5
#: seconds after the time Odoo gives a scheduled action; it ends workers that stay two minutes
MAX_OVERTIME = 40
CANCEL_TIMEOUT = '10s'  # a request must not wait for a chunk for ever
OPEN_STATES = ('draft', 'running')


class CrmJob(models.Model):
    """Long work in chunks that are committed one by one, with progress and a log.

    Whoever stops it, a deploy, a crash or an error, it goes on where the last chunk ended::

        def action_start(self):
            return self.env['crm.job']._enqueue(
                name=self.env._("Import"), model=self._name, method='_import_chunk',
                params={'wizard_id': self.id}, total=self.line_count)

        @api.model
        def _import_chunk(self, job):
            last_id = (job.cursor or {}).get('last_id', 0)
            lines = self.env['x.line'].search([('id', '>', last_id)], limit=500, order='id')
            ...
            job._advance(done=len(lines), cursor={'last_id': lines[-1:].id or last_id})
            return len(lines) == 500
    """

    _name = 'crm.job'
    _description = 'Job'
    _inherit = ['crm.keyed.mixin']
    _order = 'id desc'

    name = fields.Char(required=True, readonly=True)
    state = fields.Selection(
        selection=[
            ('draft', "Waiting"),
            ('running', "Running"),
            ('done', "Done"),
            ('failed', "Failed"),
            ('cancelled', "Cancelled"),
        ],
        required=True,
        readonly=True,
        default='draft',
    )
    # === What to do ===
    model = fields.Char(required=True, readonly=True)
    method = fields.Char(required=True, readonly=True)
    params = fields.Json(readonly=True, help="What the work was asked for; never changes.")
    cursor = fields.Json(readonly=True, help="Where the next chunk begins.")
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Requested by",
        required=True,
        readonly=True,
        index=True,
        default=lambda self: self.env.user,
        help="The job runs with the access rights of this user.",
    )
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        index=True,
        default=lambda self: self.env.company,
    )
    # === How far it is ===
    total = fields.Integer(readonly=True, help="Number of items to do; 0 when not known.")
    done = fields.Integer(readonly=True, help="Items done without a problem.")
    failed = fields.Integer(readonly=True, help="Items left out because of a problem.")
    progress = fields.Float(compute='_compute_progress', string="Progress (%)")
    date_start = fields.Datetime(string="Started on", readonly=True)
    date_end = fields.Datetime(string="Ended on", readonly=True)
    result = fields.Text(readonly=True)
    line_ids = fields.One2many(
        comodel_name='crm.job.line', inverse_name='job_id', string="Log", readonly=True
    )

    _key_unique = models.UniqueIndex(
        "(key) WHERE key IS NOT NULL AND state IN ('draft', 'running')",
        "This job is already waiting or running.",
    )
    _open_idx = models.Index("(id) WHERE state IN ('draft', 'running')")

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends('done', 'failed', 'total', 'state')
    def _compute_progress(self):
        for job in self:
            if job.state == 'done':
                job.progress = 100
            elif job.total:
                job.progress = min(100 * (job.done + job.failed) / job.total, 100)
            else:
                job.progress = 0

    def _get_key_conflict_target(self):
        return SQL("(key) WHERE key IS NOT NULL AND state IN ('draft', 'running')")

    # ------------------------------------------------------------
    # FOR THE ADDON THAT HAS WORK TO DO
    # ------------------------------------------------------------

    @api.model
    def _enqueue(
        self,
        name: str,
        model: str,
        method: str,
        params: dict | None = None,
        total: int = 0,
        key: str | None = None,
    ) -> CrmJob:
        """Put work in the queue and wake the workers up.

        :param name: what the user reads in the job log, translated
        :param model: model of ``method``
        :param method: private method called as ``env[model].<method>(job)``, again and again: it
            does one chunk, notes it by :meth:`_advance` and returns True while work remains
        :param params: JSON values the method needs
        :param total: number of items, if known, for the progress bar
        :param key: while a job with this key is not finished, that one is returned
        """
        if not method.startswith('_') or not callable(getattr(self.env[model], method, None)):
            raise ValueError(f"{model}.{method} is not a private method and cannot be a job.")
        vals = {
            'name': name,
            'model': model,
            'method': method,
            'params': params or {},
            'total': total,
        }
        jobs_sudo = self.sudo()
        if key:
            job = jobs_sudo._insert_keyed([{**vals, 'key': key}])
            job = job or jobs_sudo.search(jobs_sudo._get_open_domain() & Domain('key', '=', key))
        else:
            job = jobs_sudo.create(vals)
        self._trigger_workers()
        return job.sudo(self.env.su)

    def _advance(
        self,
        done: int = 0,
        failed: int = 0,
        cursor: dict | None = None,
        total: int | None = None,
        result: str | None = None,
    ) -> None:
        """Note what the present chunk did.

        :param done: items this chunk did (added to the job's)
        :param failed: items this chunk left out because of a problem (added to the job's)
        :param cursor: where the next chunk begins; kept when not given
        :param total: number of items, when it was not known before
        :param result: what to tell the user
        """
        self.ensure_one()
        vals = {'done': self.done + done, 'failed': self.failed + failed}
        if cursor is not None:
            vals['cursor'] = cursor
        if total is not None:
            vals['total'] = total
        if result is not None:
            vals['result'] = result
        self.sudo().write(vals)

    def _log(self, message: str, level: str = 'warning', reference: str = '') -> None:
        """Write a line of the job's log; it stays only if the chunk is committed.

        :param message: what happened, translated
        :param level: ``info``, ``warning`` or ``error``
        :param reference: where it happened, as a line number
        """
        self.ensure_one()
        self.env['crm.job.line'].sudo().create(
            {'job_id': self.id, 'level': level, 'message': message, 'reference': reference}
        )

    def _run(self, time_limit: float | None = None) -> None:
        """Do chunks until the job has ended, committing each, the caller's work first.

        :param time_limit: stop after the chunk that reaches so many seconds
        """
        self.ensure_one()
        job_sudo = self.sudo()
        deadline = time.monotonic() + (float('inf') if time_limit is None else time_limit)
        # the claim must read what others committed: begin with a new snapshot
        job_sudo._commit()
        while job_sudo._try_chunk() and time.monotonic() < deadline:
            pass

    @api.model
    def _forget_models(self, names: Collection[str]) -> None:
        """Delete the jobs of models that go away, for the uninstall hook of their addon.

        :param names: names of the models
        """
        jobs = self.sudo().search([('model', 'in', list(names))])
        jobs.filtered_domain(self._get_open_domain()).write({'state': 'cancelled'})
        jobs.unlink()

    # ------------------------------------------------------------
    # RUNNER
    # ------------------------------------------------------------

    @api.model
    def _cron_run_jobs(self) -> None:
        """Run open jobs, the oldest first; several crons may do so at the same time."""
        seen = self.browse()
        end_time = self.env.context.get('cron_end_time', float('inf'))
        if time.monotonic() > end_time + MAX_OVERTIME:
            # Odoo calls at least ten times, however slow; nothing done makes it call again later
            remaining = self.search_count(self._get_open_domain())
            self.env['ir.cron']._commit_progress(remaining=remaining)
            return
        while job := self.search(
            self._get_open_domain() & Domain('id', 'not in', seen.ids), order='id', limit=1
        ):
            job._run()
            if time.monotonic() >= end_time:
                self.env['ir.cron']._call_again()
                return
            seen |= job
        # what is still open is in the hands of another worker: no reason to be called at once
        self.env['ir.cron']._commit_progress(remaining=0)

    def _try_chunk(self) -> bool:
        """Do one chunk and commit it; an error ends the job, never the runner.

        :return: whether to go on with this job
        """
        try:
            return self._repeat(self._commit_chunk)
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            _logger.info("Job %s: others were faster each time, it goes on later", self.id)
        except Exception as error:
            _logger.warning("Job %s failed", self.id, exc_info=True)
            self.env.cr.rollback()
            self._fail(error)
        return False

    def _repeat(self, function: Callable) -> Any:
        """Call a function, again if another transaction was faster.

        :param function: does its work in one transaction and commits it
        :raise psycopg2.OperationalError: another transaction was faster each time
        """
        for attempt in range(1, MAX_TRIES + 1):
            try:
                return function()
            except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
                self.env.cr.rollback()
                if attempt == MAX_TRIES:
                    raise
                time.sleep(random.uniform(0, 0.1 * attempt))

    def _commit_chunk(self) -> bool:
        more = self._run_chunk()
        time_left = self._commit(processed=more is not None)
        return bool(more and time_left > 0)

    def _run_chunk(self) -> bool | None:
        """Do one chunk in the present transaction.

        :return: whether work remains; None when the job is not ours to do
        """
        if not self._claim():
            return None
        if self.state == 'draft':
            self.write({'state': 'running', 'date_start': fields.Datetime.now()})
        target = self._get_target()
        more = getattr(target, self.method)(self.with_env(target.env).sudo())
        if not more:
            self._end('done')
        self.env.flush_all()
        return bool(more)

    def _claim(self) -> bool:
        """Lock the job for one chunk, unless it has ended or another worker is at it."""
        return bool(
            self.env.execute_query(
                SQL(
                    'SELECT id FROM crm_job WHERE id = %s AND state IN %s'
                    ' FOR NO KEY UPDATE SKIP LOCKED',
                    self.id,
                    OPEN_STATES,
                )
            )
        )

    def _get_target(self) -> models.BaseModel:
        """Return the model to work on, as the user who asked, in his company and language."""
        user = self.user_id
        return (
            self.env[self.model]
            .with_user(user)
            .with_context(
                allowed_company_ids=self.company_id.ids,
                lang=user.lang,
                tz=user.tz,
            )
        )

    def _commit(self, processed: bool = False) -> float:
        """Commit, and tell the cron how much is left.

        :return: seconds the runner may go on
        """
        remaining = self.search_count(self._get_open_domain()) if processed else None
        return self.env['ir.cron']._commit_progress(int(processed), remaining=remaining)

    def _fail(self, error: Exception) -> None:
        """Keep the reason; the job can be resumed from the last chunk that was committed."""
        try:
            self._repeat(partial(self._commit_failure, error))
        except PG_CONCURRENCY_EXCEPTIONS_TO_RETRY:
            _logger.warning("Job %s: could not be marked failed and stays open", self.id)

    def _commit_failure(self, error: Exception) -> None:
        if self._claim():
            message = str(error) if isinstance(error, UserError) else repr(error)
            self._log(message, level='error')
            self._end('failed', message)
        self._commit(processed=True)

    def _end(self, state: str, result: str | None = None) -> None:
        """Close the job and tell the user who asked for it."""
        vals = {'state': state, 'date_end': fields.Datetime.now()}
        if result is not None:
            vals['result'] = result
        self.write(vals)
        self._notify_user()

    def _notify_user(self) -> None:
        if self.user_id == self.env.ref('base.user_root'):
            return
        state = dict(self._fields['state']._description_selection(self.env))[self.state]
        self.user_id._bus_send(
            'simple_notification',
            {
                'type': 'danger' if self.state == 'failed' else 'success',
                'title': self.name,
                'message': self.result or state,
                'sticky': self.state == 'failed',
            },
        )

    @api.model
    def _trigger_workers(self) -> None:
        for name in ('ir_cron_crm_job_1', 'ir_cron_crm_job_2'):
            cron = self.env.ref(f'crm_customer.{name}', raise_if_not_found=False)
            if cron:
                cron.sudo()._trigger()

    @api.model
    def _get_open_domain(self) -> Domain:
        return Domain('state', 'in', OPEN_STATES)

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def _get_form_action(self) -> dict:
        """Return the action that shows how far this job is, for whoever put it in the queue."""
        self.ensure_one()
        return {
            'type': 'ir.actions.act_window',
            'name': self.name,
            'res_model': self._name,
            'res_id': self.id,
            'view_mode': 'form',
        }

    def action_run(self) -> dict:
        """Wake the workers up now instead of at their next turn."""
        self._ensure_can_manage()
        self._ensure_state(OPEN_STATES)
        self._trigger_workers()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'info',
                'message': self.env._("The job will go on within a minute."),
            },
        }

    def action_resume(self) -> bool:
        """Go on where a failed or cancelled job ended; nothing is done twice."""
        self._ensure_can_manage()
        self._ensure_state(('failed', 'cancelled'))
        self._ensure_no_other_open()
        self.sudo().write({'state': 'draft', 'date_end': False, 'result': False})
        self._trigger_workers()
        return True

    def action_cancel(self) -> bool:
        """Stop after the present chunk; what is committed stays done."""
        self._ensure_can_manage()
        self._ensure_state((*OPEN_STATES, 'failed'))
        jobs_sudo = self.sudo()
        free = jobs_sudo._lock_free()
        free._write_cancelled()
        (jobs_sudo - free)._cancel_beside_worker()
        return True

    def _lock_free(self) -> CrmJob:
        """Lock and return the jobs no worker has in hand or has changed since we began."""
        self.flush_recordset()
        query = SQL(
            'SELECT id FROM crm_job WHERE id IN %s ORDER BY id FOR NO KEY UPDATE SKIP LOCKED',
            tuple(self.ids) or (0,),
        )
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(query, log_exceptions=False)
                return self.browse(id_ for (id_,) in self.env.cr.fetchall())
        except psycopg2.errors.SerializationFailure:
            return self.browse()

    def _cancel_beside_worker(self) -> None:
        """Wait for the present chunk and cancel and commit before the next one.

        A worker changes its job with each chunk: the transaction of a request, whose snapshot is
        older than the end of the chunk it waits for, could never write the row.
        """
        if not self:
            return
        with self.env.registry.cursor() as cr:
            cr.execute('SET TRANSACTION ISOLATION LEVEL READ COMMITTED')
            cr.execute(SQL("SELECT set_config('lock_timeout', %s, true)", CANCEL_TIMEOUT))
            jobs = self.with_env(self.env(cr=cr))
            query = SQL(
                'SELECT id FROM crm_job WHERE id IN %s AND state IN %s'
                ' ORDER BY id FOR NO KEY UPDATE',
                tuple(self.ids),
                (*OPEN_STATES, 'failed'),
            )
            try:
                cr.execute(query, log_exceptions=False)
            except psycopg2.errors.LockNotAvailable as error:
                raise UserError(
                    self.env._("The job is in the middle of a long step. Please try again.")
                ) from error
            jobs.browse(id_ for (id_,) in cr.fetchall())._write_cancelled()
            jobs._ensure_state(('cancelled',))
        self.invalidate_recordset()

    def _write_cancelled(self) -> None:
        self.write({'state': 'cancelled', 'date_end': fields.Datetime.now()})

    def _ensure_can_manage(self) -> None:
        """Jobs have no write access: what they run must not be changed by anyone."""
        self.check_access('read')
        is_manager = self.env.user.has_group('crm_customer.group_manager')
        if not (self.env.su or is_manager or self.user_id == self.env.user):
            raise AccessError(
                self.env._("Only who requested a job and administrators may do this.")
            )

    def _ensure_state(self, states: tuple[str, ...]) -> None:
        if self.filtered(lambda job: job.state not in states):
            raise UserError(self.env._("The job has changed meanwhile. Please reload the page."))

    def _ensure_no_other_open(self) -> None:
        keys = [key for key in self.mapped('key') if key]
        domain = self._get_open_domain() & Domain('key', 'in', keys)
        if keys and self.sudo().search_count(domain, limit=1):
            raise UserError(self.env._("The same job was started again and is not finished yet."))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_open(self) -> None:
        if self.filtered(lambda job: job.state in OPEN_STATES):
            raise UserError(self.env._("Cancel a job before you delete it."))

    @api.autovacuum
    def _gc_ended(self, limit: int = 1000) -> tuple[int, int]:
        """Delete the jobs that ended longer ago than their company keeps them."""
        jobs = self.browse()
        for company in self.env['res.company'].search([('crm_job_keep_days', '>', 0)]):
            ended_before = fields.Datetime.subtract(
                fields.Datetime.now(), days=company.crm_job_keep_days
            )
            jobs |= self.search(
                [
                    ('company_id', '=', company.id),
                    ('state', 'not in', OPEN_STATES),
                    ('date_end', '<', ended_before),
                ],
                limit=limit,
            )
        jobs[:limit].unlink()
        return min(len(jobs), limit), max(len(jobs) - limit, 0)
