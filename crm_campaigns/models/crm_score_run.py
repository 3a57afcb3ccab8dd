from __future__ import annotations

import time
from datetime import date, datetime, timedelta, timezone

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .crm_customer_score import SCORES
from .res_partner import PARTNER_SCORE_FIELDS

QUINTILES = [0.2, 0.4, 0.6, 0.8]


class CrmScoreRun(models.Model):
    """One scoring of all customers of a company as of a day.

    The run freezes what the scores depend on (window, zone, gate, cut points), so that the same
    orders, day and frozen values always give the same rows.  It works in steps, each of them a
    committed chunk of a job that may be interrupted anywhere:

    1. collect: one statement over orders and credit notes fills the stage table;
    2. cut: cut points from the collected figures, unless the run got them from an earlier one;
    3. prune: scores of customers without orders are deleted;
    4. apply: chunks of the stage are scored; rows that differ are written.
    """

    _name = 'crm.score.run'
    _description = 'Scoring Run'
    _order = 'as_of DESC, id DESC'

    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        readonly=True,
        index=True,
        ondelete='cascade',
        default=lambda self: self.env.company,
    )
    as_of = fields.Date(
        required=True,
        readonly=True,
        default=lambda self: fields.Date.context_today(self),
        help="Documents up to this day count.",
    )
    state = fields.Selection(
        selection=[
            ('draft', "Draft"),
            ('running', "Running"),
            ('done', "Done"),
            ('cancelled', "Superseded"),
        ],
        required=True,
        readonly=True,
        default='draft',
    )
    job_id = fields.Many2one(
        comodel_name='crm.job', readonly=True, ondelete='set null', index='btree_not_null'
    )

    # === Frozen ===
    window_months = fields.Integer(string="Window (months)", readonly=True)
    min_buyers = fields.Integer(string="Least number of buyers", readonly=True)
    min_days = fields.Integer(string="Least history (days)", readonly=True)
    timezone = fields.Char(string="Time Zone", readonly=True)
    cut_points = fields.Json(
        readonly=True,
        help="For each score the four values that part the buyers in fifths. A value equal to a "
        "cut point belongs below it, so that equal values get equal scores.",
    )
    cut_date = fields.Date(
        string="Cut Points Of", readonly=True, help="Day the cut points were made."
    )
    cut_text = fields.Text(string="Cut Point Values", compute='_compute_cut_text')

    # === Result ===
    gate = fields.Selection(
        selection=[
            ('open', "Scored"),
            ('few_buyers', "Too few buyers"),
            ('short_history', "History too short"),
        ],
        string="Result",
        readonly=True,
    )
    gate_text = fields.Char(string="Explanation", compute='_compute_gate_text')
    customer_count = fields.Integer(string="Customers", readonly=True)
    buyer_count = fields.Integer(string="Buyers", readonly=True, help="Bought in the window.")
    changed_count = fields.Integer(string="Changed", readonly=True, help="Score rows written.")
    started_at = fields.Datetime(string="Started On", readonly=True)
    finished_at = fields.Datetime(string="Finished On", readonly=True)
    duration = fields.Float(
        string="Duration (s)", readonly=True, digits=(12, 2), help="Time spent in the steps."
    )

    _latest_idx = models.Index("(company_id, id DESC) WHERE state = 'done'")

    # ------------------------------------------------------------
    # COMPUTE
    # ------------------------------------------------------------

    @api.depends('company_id', 'as_of')
    def _compute_display_name(self):
        for run in self:
            run.display_name = self.env._(
                "%(company)s as of %(date)s",
                company=run.company_id.name,
                date=fields.Date.to_string(run.as_of),
            )

    @api.depends('cut_points')
    def _compute_cut_text(self):
        labels = {
            'r': self.env._("Days since last order"),
            'f': self.env._("Orders"),
            'm': self.env._("Value"),
        }
        for run in self:
            run.cut_text = '\n'.join(
                f"{labels[score]}: {' · '.join(str(cut) for cut in run.cut_points[score])}"
                for score in SCORES
                if run.cut_points
            )

    @api.depends('gate')
    def _compute_gate_text(self):
        for run in self:
            run.gate_text = run._get_gate_text()

    def _get_gate_text(self) -> str:
        """Tell the user in one sentence what came of the run."""
        self.ensure_one()
        if self.gate == 'few_buyers':
            return self.env._(
                "Customers were counted but not scored: %(count)s bought in the last %(months)s "
                "months, scores need at least %(needed)s buyers.",
                count=self.buyer_count,
                months=self.window_months,
                needed=self.min_buyers,
            )
        if self.gate == 'short_history':
            return self.env._(
                "Customers were counted but not scored: scores need an order history of at least "
                "%(days)s days.",
                days=self.min_days,
            )
        if self.gate == 'open':
            return self.env._("%(count)s buyers were scored.", count=self.buyer_count)
        return ''

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        Company = self.env['res.company']
        prepared = []
        for vals in vals_list:
            company = Company.browse(vals.get('company_id')) or self.env.company
            prepared.append({**self._prepare_frozen_vals(company), **vals})
        return super().create(prepared)

    def _prepare_frozen_vals(self, company) -> dict:
        """Return the company's settings that a new run keeps for ever."""
        return {
            'window_months': company.crm_score_window_months,
            'min_buyers': company.crm_score_min_buyers,
            'min_days': company.crm_score_min_days,
            'timezone': company._get_crm_score_timezone(),
        }

    @api.ondelete(at_uninstall=False)
    def _unlink_except_running(self):
        if any(run.state == 'running' for run in self):
            raise UserError(self.env._("Wait for the scoring run to end before you delete it."))

    # ------------------------------------------------------------
    # ACTIONS
    # ------------------------------------------------------------

    def action_score(self) -> dict:
        """Queue the runs and tell the user.

        :return: a notification action that also refreshes the view
        """
        self.check_access('write')
        for run in self:
            run._enqueue()
        return {
            'type': 'ir.actions.client',
            'tag': 'display_notification',
            'params': {
                'type': 'success',
                'message': self.env._("Scoring was queued. The run shows how far it is."),
                'next': {'type': 'ir.actions.client', 'tag': 'soft_reload'},
            },
        }

    def action_view_job(self) -> dict:
        """Open the job that does this run.

        :return: a window action
        """
        self.ensure_one()
        return self.job_id.get_formview_action()

    def action_view_scores(self) -> dict:
        """Open the scores of the run's company.

        :return: a window action
        """
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_campaigns.crm_customer_score_action'
        )
        action['domain'] = [('company_id', '=', self.company_id.id)]
        return action

    # ------------------------------------------------------------
    # JOB
    # ------------------------------------------------------------

    @api.model
    def _cron_score(self) -> None:
        """Queue a run for each company that wants one."""
        for company in self.env['res.company'].search([('crm_score_daily', '=', True)]):
            today = fields.Date.context_today(
                self.with_context(tz=company._get_crm_score_timezone())
            )
            self.create(self._prepare_nightly_vals(company, today))._enqueue()

    @api.model
    def _prepare_nightly_vals(self, company, as_of: date) -> dict:
        """Return a nightly run's values, with the last cut points while they are fresh."""
        vals = {'company_id': company.id, 'as_of': as_of}
        since = as_of - timedelta(days=company.crm_score_cut_days)
        last = self.search(
            [
                ('company_id', '=', company.id),
                ('state', '=', 'done'),
                ('gate', '=', 'open'),
                ('window_months', '=', company.crm_score_window_months),
                ('cut_date', '>', since),
                ('cut_date', '<=', as_of),
            ],
            limit=1,
        )
        if last:
            vals.update(cut_points=last.cut_points, cut_date=last.cut_date)
        return vals

    def _enqueue(self) -> None:
        """Hand the run to the job log; a company is scored by one job at a time."""
        self.ensure_one()
        if self.state == 'done':
            raise UserError(self.env._("This run is done. Start a new one."))
        job = (
            self.env['crm.job']
            .with_company(self.company_id)
            ._enqueue(
                name=self.env._("Score customers: %(run)s", run=self.display_name),
                model=self._name,
                method='_job_score',
                params={'run_id': self.id},
                key=f'score:{self.id}',
            )
        )
        self.sudo().job_id = job

    @api.model
    def _job_score(self, job) -> bool:
        """Do one step or chunk of the run the job stands for.

        Scores are derived from all documents of the company whoever asked, hence sudo.
        """
        run = self.sudo().browse(job.params['run_id']).exists()
        if not run:
            return False
        applied, more = run._step()
        job._advance(
            done=applied,
            total=run.customer_count,
            result=None if more else run._get_gate_text(),
        )
        return more

    def _execute(self) -> None:
        """Do all steps in the present transaction (small companies, demo, tests)."""
        for run in self.sudo():
            more = True
            while more:
                _applied, more = run._step()

    def _step(self) -> tuple[int, bool]:
        """Do the next step; what the stage table holds says which one that is.

        :return: customers applied, whether work remains
        """
        self.ensure_one()
        started = time.monotonic()
        self._set_local_parameters()
        applied = 0
        if self.state == 'draft':
            self._start()
        elif self.state == 'running':
            applied = self._apply_chunk()
            if not applied:
                self.write({'state': 'done', 'finished_at': fields.Datetime.now()})
        self.duration += time.monotonic() - started
        return applied, self.state == 'running'

    def _start(self) -> None:
        """Collect, freeze and prune: what must see all orders in one snapshot."""
        self._supersede_others()
        self._collect()
        self._freeze_cut_points()
        self._prune()
        self.write({'state': 'running', 'started_at': fields.Datetime.now()})

    def _supersede_others(self) -> None:
        """Let the newest run win: the chunks of two must not mix.

        Another run that is at work meanwhile changes its own row too, so one of the two
        transactions is retried and finds what the other decided.
        """
        others = self.search(
            [
                ('company_id', '=', self.company_id.id),
                ('state', 'in', ('draft', 'running')),
                ('id', '<', self.id),
            ]
        )
        others.write({'state': 'cancelled'})
        self._delete_stage(others)

    @api.model
    def _delete_stage(self, runs) -> None:
        if runs:
            self.env.cr.execute(
                SQL("DELETE FROM crm_customer_score_stage WHERE run_id IN %s", tuple(runs.ids))
            )

    def _set_local_parameters(self) -> None:
        """Give this transaction the memory that aggregating many orders needs."""
        self.env.cr.execute(SQL("SET LOCAL work_mem = %s", self._get_work_mem()))
        self.env.cr.execute(SQL("SET LOCAL jit = off"))

    @api.model
    def _get_work_mem(self) -> str:
        return '256MB'

    @api.model
    def _get_chunk_size(self) -> int:
        return 50_000

    # ------------------------------------------------------------
    # STEP 1: COLLECT
    # ------------------------------------------------------------

    def _collect(self) -> None:
        """Fill the stage with the figures of every customer, in one statement."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                """INSERT INTO crm_customer_score_stage
                       (run_id, partner_id, first_order, last_order, frequency, monetary, refunds)
                   SELECT %s, customer.* FROM (%s) customer""",
                self.id,
                self._get_customer_sql(),
            )
        )
        customer_count = self.env.cr.rowcount
        # Without statistics the planner takes the filled table for an empty one and compares
        # every customer with every score.
        self.env.cr.execute(SQL("ANALYZE crm_customer_score_stage"))
        self.customer_count = customer_count

    def _get_window_start(self) -> date:
        return self.as_of - relativedelta(months=self.window_months) + timedelta(days=1)

    def _get_window_bounds(self) -> tuple[datetime, datetime]:
        """Return the window's begin and end (exclusive) in UTC; days are the company's."""
        zone = pytz.timezone(self.timezone)

        def to_utc(day: date) -> datetime:
            midnight = zone.localize(datetime.combine(day, datetime.min.time()))
            return midnight.astimezone(timezone.utc).replace(tzinfo=None)

        return to_utc(self._get_window_start()), to_utc(self.as_of + timedelta(days=1))

    # ------------------------------------------------------------
    # STEP 2: CUT POINTS AND GATE
    # ------------------------------------------------------------

    def _freeze_cut_points(self) -> None:
        """Decide whether there is enough to score by, and by which cut points."""
        buyers, first_order = self.env.execute_query(
            SQL(
                """SELECT count(*) FILTER (WHERE frequency > 0), min(first_order)
                     FROM crm_customer_score_stage WHERE run_id = %s""",
                self.id,
            )
        )[0]
        vals = {'buyer_count': buyers, 'gate': self._get_gate(buyers, first_order)}
        if vals['gate'] == 'open' and not self.cut_points:
            vals.update(cut_points=self._compute_cut_points(), cut_date=self.as_of)
        self.write(vals)

    def _get_gate(self, buyers: int, first_order: date | None) -> str:
        """Fifths of a handful of customers or of a few weeks mean nothing: say so instead."""
        if not buyers or buyers < self.min_buyers:
            return 'few_buyers'
        if (self.as_of - first_order).days < self.min_days:
            return 'short_history'
        return 'open'

    def _compute_cut_points(self) -> dict[str, list]:
        """Return the values that part the buyers in fifths.

        ``ntile`` would do it by row order and give equal customers different scores.
        """
        r_cuts, f_cuts, m_cuts = self.env.execute_query(
            SQL(
                """SELECT
                    percentile_disc(%(q)s) WITHIN GROUP (ORDER BY %(as_of)s::date - last_order),
                    percentile_disc(%(q)s) WITHIN GROUP (ORDER BY frequency),
                    percentile_disc(%(q)s) WITHIN GROUP (ORDER BY monetary)
                  FROM crm_customer_score_stage
                 WHERE run_id = %(run)s AND frequency > 0""",
                q=QUINTILES,
                as_of=self.as_of,
                run=self.id,
            )
        )[0]
        # Amounts as text: JSON numbers would lose what numeric keeps.
        return {'r': r_cuts, 'f': f_cuts, 'm': [str(cut) for cut in m_cuts]}

    # ------------------------------------------------------------
    # STEP 3: PRUNE
    # ------------------------------------------------------------

    def _prune(self) -> None:
        """Delete scores of customers who have no orders any more."""
        self.env.cr.execute(
            SQL(
                """DELETE FROM crm_customer_score score
                    WHERE score.company_id = %s
                      AND score.partner_id NOT IN (SELECT partner_id
                                                     FROM crm_customer_score_stage
                                                    WHERE run_id = %s)""",
                self.company_id.id,
                self.id,
            )
        )
        deleted = self.env.cr.rowcount
        self._invalidate_scores()
        self.changed_count = deleted

    # ------------------------------------------------------------
    # STEP 4: APPLY
    # ------------------------------------------------------------

    def _apply_chunk(self) -> int:
        """Write the scores of the next customers of the stage where they differ.

        :return: number of customers looked at
        """
        last_id = self._get_chunk_end()
        if not last_id:
            return 0
        self.env.cr.execute(self._get_apply_sql(last_id))
        changed = self.env.cr.rowcount
        self.env.cr.execute(
            SQL(
                "DELETE FROM crm_customer_score_stage WHERE run_id = %s AND id <= %s",
                self.id,
                last_id,
            )
        )
        applied = self.env.cr.rowcount
        self._invalidate_scores()
        self.changed_count += changed
        return applied

    @api.model
    def _invalidate_scores(self) -> None:
        """Let what is read next come from the rows just written."""
        self.env['crm.customer.score'].invalidate_model()
        self.env['res.partner'].invalidate_model(PARTNER_SCORE_FIELDS)
        self.env['crm.rfm.cell'].invalidate_model(['customer_count', 'monetary'])

    def _get_chunk_end(self) -> int | None:
        return self.env.execute_query(
            SQL(
                """SELECT max(id) FROM (SELECT id FROM crm_customer_score_stage
                                         WHERE run_id = %s ORDER BY id LIMIT %s) chunk""",
                self.id,
                self._get_chunk_size(),
            )
        )[0][0]

    # ------------------------------------------------------------
    # HELPERS
    # ------------------------------------------------------------

    @api.model
    def _get_latest_as_of(self, companies) -> dict:
        """Return the day of the latest finished run by company."""
        groups = self.sudo()._read_group(
            [('company_id', 'in', companies.ids), ('state', '=', 'done')],
            ['company_id'],
            ['id:max'],
        )
        return {company: self.sudo().browse(run_id).as_of for company, run_id in groups}
