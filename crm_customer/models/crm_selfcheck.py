from __future__ import annotations

import itertools
import logging
from collections.abc import Collection

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import SQL

from ..rights import ensure_manager
from ..selfcheck import SelfCheck
from .crm_job import OPEN_STATES

_logger = logging.getLogger(__name__)

MAX_FINDINGS_SHOWN = 20


class CrmSelfcheck(models.Model):
    """Latest result of each self-check; addons register theirs by extending ``_get_checks``."""

    _name = 'crm.selfcheck'
    _description = 'Self-check'
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'count desc, state desc, code'  # what was found first
    _rec_name = 'code'

    code = fields.Char(required=True, readonly=True)
    name = fields.Char(compute='_compute_name')
    state = fields.Selection(
        selection=[('ok', "Passed"), ('fail', "Failed"), ('unknown', "Could not run")],
        required=True,
        readonly=True,
        default='unknown',
    )
    message = fields.Text(readonly=True)
    count = fields.Integer(
        string="Findings", readonly=True, help="Number of records that are not as they should be."
    )
    date = fields.Datetime(string="Last run", readonly=True)

    _code_unique = models.UniqueIndex('(code)')

    @api.depends('code')
    @api.depends_context('lang')
    def _compute_name(self):
        names = {check.code: check.name for check in self._get_checks()}
        for selfcheck in self:
            selfcheck.name = names.get(selfcheck.code, selfcheck.code)

    # ------------------------------------------------------------
    # REGISTRY
    # ------------------------------------------------------------

    @api.model
    def _get_checks(self) -> list[SelfCheck]:
        """Return all checks; extend as ``super()._get_checks() + [SelfCheck(...)]``.

        The method of a check changes nothing and returns ``(ok, message, count)``.
        """
        return [
            SelfCheck(
                'customer.database_objects',
                self.env._("The database has every index and constraint of the suite"),
                '_check_database_objects',
            ),
            SelfCheck(
                'customer.partner_indexes',
                self.env._("Links of the suite to contacts are indexed"),
                '_check_partner_indexes',
            ),
            SelfCheck(
                'customer.jobs',
                self.env._("No job has failed or stands still"),
                '_check_jobs',
            ),
        ]

    # ------------------------------------------------------------
    # RUN
    # ------------------------------------------------------------

    @api.model
    def _cron_run_checks(self) -> None:
        """Run every check, keep its result, and warn administrators of the failed ones."""
        checks = self._get_checks()
        records = self._sync_checks(checks)
        for position, check in enumerate(checks, start=1):
            records[check.code]._run_check(check)
            self.env['ir.cron']._commit_progress(1, remaining=len(checks) - position)

    def action_run(self) -> bool:
        """Run these checks now."""
        ensure_manager(self.env)
        checks = {check.code: check for check in self._get_checks()}
        for selfcheck in self.sudo():
            if selfcheck.code in checks:
                selfcheck._run_check(checks[selfcheck.code])
        return True

    def action_run_all(self) -> bool:
        """Run all checks now."""
        ensure_manager(self.env)
        checks = self._get_checks()
        records = self.sudo()._sync_checks(checks)
        for check in checks:
            records[check.code]._run_check(check)
        return True

    @api.model
    def _sync_checks(self, checks: list[SelfCheck]) -> dict[str, CrmSelfcheck]:
        """Make a record for each registered check, and drop those of addons that are gone."""
        records = {record.code: record for record in self.search([])}
        codes = {check.code for check in checks}
        self.browse(record.id for code, record in records.items() if code not in codes).unlink()
        missing = [check.code for check in checks if check.code not in records]
        created = self.create([{'code': code} for code in missing])
        return {
            **{code: record for code, record in records.items() if code in codes},
            **{record.code: record for record in created},
        }

    def _run_check(self, check: SelfCheck) -> None:
        """Run one check and keep its result; an error in it is a result too."""
        try:
            with self.env.cr.savepoint():
                ok, message, count = getattr(self, check.method)()
            state = 'ok' if ok else 'fail'
        except Exception as error:
            _logger.warning("Self-check %s could not run", check.code, exc_info=True)
            state, message, count = 'unknown', repr(error), 0
        self.write(
            {'state': state, 'message': message, 'count': count, 'date': fields.Datetime.now()}
        )
        self._update_activities(check)

    # ------------------------------------------------------------
    # WARN
    # ------------------------------------------------------------

    def _update_activities(self, check: SelfCheck) -> None:
        """Give administrators one activity while the check fails, and close it when it passes."""
        activity_type = 'crm_customer.mail_activity_selfcheck'
        if self.state == 'ok':
            self.activity_unlink([activity_type])
            return
        warned = self.activity_ids.user_id
        for user in self._get_users_to_warn() - warned:
            self.activity_schedule(
                activity_type,
                summary=check.name,
                note=self.message,
                user_id=user.id,
            )

    @api.model
    def _get_users_to_warn(self) -> models.BaseModel:
        """Return the administrators who hear of failed checks."""
        users = self.env.ref('crm_customer.group_manager').all_user_ids
        return users.filtered('active') - self.env.ref('base.user_root')

    # ------------------------------------------------------------
    # CHECKS
    # ------------------------------------------------------------

    def _check_database_objects(self) -> tuple[bool, str, int]:
        """Odoo only logs an index or constraint that could not be made."""
        modules = set(self.env['ir.module.module']._get_crm_suite_names())
        expected = {
            name
            for model in self.env.registry.values()
            if model._auto and not model._abstract
            for name, table_object in model._table_objects.items()
            if table_object._module in modules and table_object.get_definition(self.env.registry)
        }
        rows = self.env.execute_query(
            SQL(
                'SELECT relname FROM pg_class WHERE relname IN %(names)s'
                ' UNION SELECT conname FROM pg_constraint WHERE conname IN %(names)s',
                names=tuple(expected),
            )
        )
        missing = sorted(expected - {name for (name,) in rows})
        return self._to_result(missing)

    def _check_partner_indexes(self) -> tuple[bool, str, int]:
        """Merging or deleting a contact looks through every table that points to it."""
        expected = self._get_partner_columns()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT tab.relname, att.attname
                  FROM pg_index idx
                  JOIN pg_class tab ON tab.oid = idx.indrelid
                  JOIN pg_attribute att
                    ON att.attrelid = idx.indrelid AND att.attnum = idx.indkey[0]
                 WHERE tab.relname IN %s
                   AND tab.relnamespace = current_schema::regnamespace
                """,
                tuple(table for table, _column in expected) or ('',),
            )
        )
        return self._to_result(sorted('.'.join(column) for column in expected - set(rows)))

    def _check_jobs(self) -> tuple[bool, str, int]:
        """A job that no worker has touched for a day stands still."""
        yesterday = fields.Datetime.subtract(fields.Datetime.now(), days=1)
        standing = Domain('state', 'in', OPEN_STATES) & Domain('write_date', '<', yesterday)
        jobs = self.env['crm.job'].search(Domain('state', '=', 'failed') | standing)
        return self._to_result(jobs.mapped('name'))

    @api.model
    def _to_result(self, findings: Collection[str]) -> tuple[bool, str, int]:
        """Return the result of a check that found these things wrong.

        :param findings: names of what is wrong
        """
        shown = ', '.join(itertools.islice(findings, MAX_FINDINGS_SHOWN))
        return not findings, shown, len(findings)

    @api.model
    def _get_partner_columns(self) -> set[tuple[str, str]]:
        """Return the tables and columns by which the suite points to contacts.

        Wizards are left out: their tables are emptied all the time.
        """
        modules = set(self.env['ir.module.module']._get_crm_suite_names())
        columns = set()
        for model in self.env.registry.values():
            if model._abstract or model._transient or not model._auto:
                continue
            for field in model._fields.values():
                if field.comodel_name != 'res.partner' or not field.store:
                    continue
                if model._original_module not in modules and field._module not in modules:
                    continue
                if field.type == 'many2one':
                    columns.add((model._table, field.name))
                elif field.type == 'many2many':
                    columns.add((field.relation, field.column2))
        return columns
