from __future__ import annotations

import base64
from collections.abc import Iterator

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import SQL

from ..importing import ImportTemplate
from .crm_job import OPEN_STATES

#: states in which a job is at it
OPEN_IMPORT_STATES = ('checking', 'importing')
#: what follows from the work done; nobody writes it by hand, whatever program he uses
SYSTEM_FIELDS = {'user_id', 'job_id', 'dry_run', 'state', 'visibility', 'columns'}


class CrmImport(models.Model):
    """A file brought in by a job, as long as it may be.

    Bad rows are left out with their line number and reason and can be downloaded, corrected and
    brought in again; the same file again changes nothing.
    """

    _name = 'crm.import'
    _description = 'Import of a File'
    _inherit = ['crm.system.mixin']
    _order = 'id desc'

    name = fields.Char(compute='_compute_name')
    template = fields.Selection(
        selection='_get_template_selection', string="What", required=True, default='customers'
    )
    file = fields.Binary(
        help="An Excel file (.xlsx) or a text file (.csv); not kept once it is brought in.",
        copy=False,
    )
    file_name = fields.Char(copy=False)
    user_id = fields.Many2one(
        'res.users',
        string="Requested by",
        required=True,
        readonly=True,
        index=True,
        default=lambda self: self.env.user,
    )
    company_id = fields.Many2one(
        'res.company', required=True, index=True, default=lambda self: self.env.company
    )
    # === How to read it ===
    encoding = fields.Selection(
        selection=[
            ('utf-8-sig', "Unicode (UTF-8)"),
            ('gb18030', "Simplified Chinese (GB18030)"),
            ('big5hkscs', "Traditional Chinese (Big5)"),
            ('cp1252', "Western European (Windows-1252)"),
        ],
        help="Of a text file; found out when empty.",
    )
    date_order = fields.Selection(
        selection=[('dmy', "Day, Month, Year"), ('mdy', "Month, Day, Year")],
        required=True,
        default=lambda self: self._default_date_order(),
        help="Of a date whose year does not stand first.",
    )
    decimal_sign = fields.Selection(
        selection=[('.', "Point"), (',', "Comma")],
        required=True,
        default=lambda self: self._default_decimal_sign(),
        help="Of numbers in a text file; 1,234.50 and 1.234,50 are understood with either.",
    )
    ignore_unknown = fields.Boolean(
        string="Leave Out Unknown Columns", help="Else a file with such columns is refused."
    )
    # === Whom to bring together ===
    has_customer = fields.Boolean(compute='_compute_has_customer')
    match_vat = fields.Boolean(string="Same Tax Number", default=True)
    match_email = fields.Boolean(string="Same E-Mail", default=True)
    match_phone = fields.Boolean(string="Same Phone Number", default=True)
    existing = fields.Selection(
        selection=[
            ('update', "Overwrite with what the file says"),
            ('fill', "Fill what is empty"),
            ('skip', "Leave as they are"),
        ],
        string="Records Already There",
        required=True,
        default='update',
        help="An empty cell never empties a field.",
    )
    # === What came of it ===
    job_id = fields.Many2one('crm.job', readonly=True, index='btree_not_null', copy=False)
    dry_run = fields.Boolean(readonly=True, copy=False)
    state = fields.Selection(
        selection=[
            ('draft', "New"),
            ('checking', "Being Checked"),
            ('checked', "Checked"),
            ('importing', "Being Imported"),
            ('done', "Imported"),
            ('failed', "Stopped by an Error"),
            ('cancelled', "Cancelled"),
        ],
        compute='_compute_state',
        store=True,
        compute_sudo=True,
    )
    progress = fields.Float(related='job_id.progress')
    result = fields.Text(related='job_id.result')
    stop_text = fields.Text(string="Stopped", compute='_compute_stop_text', compute_sudo=True)
    created_count = fields.Integer(string="Created", readonly=True, copy=False)
    updated_count = fields.Integer(string="Updated", readonly=True, copy=False)
    unchanged_count = fields.Integer(string="Unchanged", readonly=True, copy=False)
    bad_count = fields.Integer(string="Left Out", readonly=True, copy=False)
    columns = fields.Json(
        readonly=True, copy=False, help="Headers of the file with the field each one stands for."
    )
    bad_row_ids = fields.One2many(
        'crm.import.row',
        'import_id',
        string="Lines Left Out",
        domain=[('state', '=', 'bad')],
        readonly=True,
    )
    error_file = fields.Binary(compute='_compute_error_file')
    template_file = fields.Binary(compute='_compute_template_file')

    # ------------------------------------------------------------
    # DEFAULTS, COMPUTES
    # ------------------------------------------------------------

    @api.model
    def _default_date_order(self) -> str:
        date_format = self.env['res.lang']._get_data(code=self.env.lang or 'en_US').date_format
        return 'dmy' if '%d' in (date_format or '').split('%m')[0] else 'mdy'

    @api.model
    def _default_decimal_sign(self) -> str:
        sign = self.env['res.lang']._get_data(code=self.env.lang or 'en_US').decimal_point
        return sign if sign == ',' else '.'

    @api.depends('template', 'file_name')
    @api.depends_context('lang')
    def _compute_name(self):
        names = dict(self._get_template_selection())
        for record in self:
            parts = (names.get(record.template, record.template), record.file_name)
            record.name = ": ".join(filter(None, parts))

    @api.depends('template')
    def _compute_has_customer(self):
        for record in self:
            template = record._get_template()
            record.has_customer = bool(template) and template.customer is not None

    @api.depends('template')
    @api.depends_context('lang')
    def _compute_template_file(self):
        for record in self:
            template = record._get_template()
            content = template and record._build_template_file(template)
            record.template_file = content and base64.b64encode(content)

    @api.depends('bad_count')
    @api.depends_context('lang')
    def _compute_error_file(self):
        for record in self:
            content = record.bad_count and record._build_error_file()
            record.error_file = content and base64.b64encode(content)

    @api.depends('job_id.state', 'dry_run')
    def _compute_state(self):
        for record in self:
            state = record.job_id.state
            if state in OPEN_STATES:
                record.state = 'checking' if record.dry_run else 'importing'
            elif state == 'done':
                record.state = 'checked' if record.dry_run else 'done'
            else:
                record.state = state or 'draft'

    @api.depends('state', 'dry_run', 'job_id.done', 'job_id.failed', 'job_id.total', 'result')
    @api.depends_context('lang')
    def _compute_stop_text(self):
        for record in self:
            stopped = record.state in ('failed', 'cancelled')
            record.stop_text = stopped and "\n".join(record._get_stop_lines())

    def _get_stop_lines(self) -> list[str]:
        """Return why and where the work stopped, and how it goes on."""
        job = self.job_id
        done = job.done + job.failed
        lines = [job.result] if job.result else []
        if not done:
            lines.append(self.env._("Stopped before the first record. “Resume” begins with it."))
            return lines
        where = self.env._(
            "Stopped after %(done)s of %(total)s records; %(left)s are left. “Resume” goes on"
            " with them.",
            done=done,
            total=job.total,
            left=max(job.total - done, 0),
        )
        stays = [] if self.dry_run else [self.env._("What came in stays.")]
        return [*lines, " ".join([where, *stays])]

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    def write(self, vals):
        if not self.env.su:
            self._ensure_not_open()
        return super().write(vals)

    # ------------------------------------------------------------
    # TEMPLATES
    # ------------------------------------------------------------

    @api.model
    def _get_import_templates(self) -> list[ImportTemplate]:
        """Return what can be brought in; extend as ``[*super()..., ImportTemplate(...)]``."""
        return []

    @api.model
    def _get_template_selection(self) -> list[tuple[str, str]]:
        return [(template.code, template.name) for template in self._get_import_templates()]

    def _get_template(self) -> ImportTemplate | None:
        """Return the template; None when its addon is gone."""
        return next((t for t in self._get_import_templates() if t.code == self.template), None)

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_check(self) -> bool:
        """Go through the file without writing anything, and list what is wrong with it."""
        return self._start(dry_run=True)

    def action_import(self) -> bool:
        """Bring the file in, without the rows that are wrong."""
        return self._start(dry_run=False)

    def action_cancel(self) -> bool:
        """Stop after the present chunk; what came in stays."""
        self._ensure_own()
        self.job_id.action_cancel()
        return True

    def action_resume(self) -> bool:
        """Go on where the import stopped."""
        self._ensure_own()
        self.job_id.action_resume()
        return True

    def action_open_job(self) -> dict:
        """Open the job with its log."""
        return self.job_id._get_records_action()

    def action_download_template(self) -> dict:
        """Download an empty file of this kind, in the user's language."""
        self._ensure_template()
        return self._get_download_action('template_file', f'{self.template}.xlsx')

    def action_download_errors(self) -> dict:
        """Download the rows left out, in their own columns with line and reason."""
        self.ensure_one()
        return self._get_download_action('error_file', f'errors_{self.id}.xlsx')

    def _get_download_action(self, field: str, name: str) -> dict:
        url = f'/web/content/{self._name}/{self.id}/{field}/{name}?download=true'
        return {'type': 'ir.actions.act_url', 'url': url, 'target': 'self'}

    def _start(self, *, dry_run: bool) -> bool:
        """Put the work in the queue.

        :raise UserError: the file cannot be read or its columns are not known
        """
        self._ensure_can_start()
        columns = self._read_columns()
        self._clear_rows()
        template = self._get_template()
        check, bring = self.env._("Check of a file: %s"), self.env._("Import of a file: %s")
        job = (
            self.env['crm.job']
            .with_company(self.company_id)
            ._enqueue(
                name=(check if dry_run else bring) % template.name,
                model=self._name,
                method='_run_chunk',
                params={'import_id': self.id, 'dry_run': dry_run},
                key=f'crm.import:{self.id}',
            )
        )
        self.sudo().write(
            {
                'columns': columns,
                'job_id': job.id,
                'dry_run': dry_run,
                **dict.fromkeys(self._get_counters(), 0),
            }
        )
        return True

    @api.model
    def _get_counters(self) -> tuple[str, ...]:
        return ('created_count', 'updated_count', 'unchanged_count', 'bad_count')

    def _clear_rows(self) -> None:
        if not self.ids:
            return
        self.env.execute_query(
            SQL('DELETE FROM crm_import_row WHERE import_id IN %s RETURNING 1', tuple(self.ids))
        )
        self.env['crm.import.row'].invalidate_model()

    # ------------------------------------------------------------
    # GUARDS
    # ------------------------------------------------------------

    def _ensure_own(self) -> None:
        self.ensure_one()
        self.check_access('write')

    def _ensure_template(self) -> None:
        if not self._get_template():
            raise UserError(self.env._("The addon of this kind of file is not installed."))

    def _ensure_can_start(self) -> None:
        self._ensure_own()
        self._ensure_template()
        if not self.file:
            raise UserError(self.env._("Choose a file first."))
        self._ensure_not_open()
        self._ensure_rights(self._get_template())

    def _ensure_not_open(self) -> None:
        if any(job.state in OPEN_STATES for job in self.sudo().job_id):
            raise UserError(self.env._("This file is being worked on already."))

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields().union(SYSTEM_FIELDS, self._get_counters())

    @api.model
    def _get_system_fields_text(self, labels):
        return self.env._(
            "%(fields)s: this follows from the import and cannot be written.", fields=labels
        )

    def _ensure_rights(self, template: ImportTemplate) -> None:
        if not template.group:
            self.env[template.model].check_access('create')
            self.env[template.model].check_access('write')
        elif not (self.env.su or self.env.user.has_group(template.group)):
            raise AccessError(self.env._("You may not import files of this kind."))

    @api.ondelete(at_uninstall=False)
    def _unlink_except_open(self):
        if self.filtered(lambda record: record.job_id.state in OPEN_STATES):
            raise UserError(self.env._("Cancel an import before you delete it."))

    @api.autovacuum
    def _gc_ended(self, limit: int = 100) -> tuple[int, int]:
        """Delete the imports, with their files, that are older than their company keeps jobs."""
        imports = self.browse().union(*self._get_expired(limit))
        imports[:limit].unlink()
        return min(len(imports), limit), max(len(imports) - limit, 0)

    @api.autovacuum
    def _gc_unused(self, limit: int = 1000) -> tuple[int, int]:
        """Delete what is left of looks at the form: the web client saves it, and no file came."""
        before = fields.Datetime.subtract(fields.Datetime.now(), days=1)
        domain = [('job_id', '=', False), ('file', '=', False), ('write_date', '<', before)]
        unused = self.search(domain, limit=limit)
        unused.unlink()
        return len(unused), len(unused) // limit

    def _get_expired(self, limit: int) -> Iterator[models.BaseModel]:
        for company in self.env['res.company'].search([('crm_job_keep_days', '>', 0)]):
            before = fields.Datetime.subtract(fields.Datetime.now(), days=company.crm_job_keep_days)
            yield self.search(
                [
                    ('company_id', '=', company.id),
                    ('state', 'not in', OPEN_IMPORT_STATES),
                    ('write_date', '<', before),
                ],
                limit=limit,
            )
