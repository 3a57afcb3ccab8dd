from __future__ import annotations

from datetime import timedelta

from odoo import api, fields, models
from odoo.fields import Domain

from .crm_occasion import OPEN_STATES


class CrmOccasion(models.Model):
    """Keeping the tasks of occasions as the rules want them."""

    _inherit = 'crm.occasion'

    task_ids = fields.One2many(comodel_name='crm.occasion.task', inverse_name='occasion_id')
    task_count = fields.Integer(string="Tasks", compute='_compute_tasks')
    open_task_count = fields.Integer(string="Open Tasks", compute='_compute_tasks')
    task_progress = fields.Char(
        string="Tasks Done", compute='_compute_tasks', help="Tasks done, of all."
    )

    @api.depends('task_ids.state')
    def _compute_tasks(self):
        groups = self.env['crm.occasion.task']._read_group(
            [('occasion_id', 'in', self.ids), ('state', 'in', ('open', 'done'))],
            ['occasion_id', 'state'],
            ['__count'],
        )
        counts = {(occasion.id, state): count for occasion, state, count in groups}
        for occasion in self:
            still_open = counts.get((occasion.id, 'open'), 0)
            done = counts.get((occasion.id, 'done'), 0)
            occasion.task_count = still_open + done
            occasion.open_task_count = still_open
            occasion.task_progress = f'{done}/{still_open + done}' if still_open + done else ''

    # ------------------------------------------------------------
    # KEEPING TASKS
    # ------------------------------------------------------------

    def _occasion_after_change(self, names: set[str]) -> None:
        if 'state' in names:
            gone = self.filtered(lambda occasion: occasion.state == 'left')
            if gone:
                self.env['crm.message']._look_again('in_house', gone.partner_id)
        if names & self._get_task_fields():
            self._sync_tasks(moved=bool(names & {'date_from', 'arrived_at'}))
        return super()._occasion_after_change(names)

    @api.model
    def _get_task_fields(self) -> set[str]:
        """Return the fields whose change may ask for other tasks."""
        return {
            'type_id', 'partner_id', 'company_id', 'state', 'date_from', 'date_to', 'arrived_at',
            'left_at', 'place', 'companions',
        }  # fmt: skip

    def _sync_tasks(self, *, moved: bool = False) -> None:
        """Make the tasks of these occasions those that the rules want now.

        Each is made once, whatever runs twice; one that is no longer wanted is dropped, and comes
        back when it is wanted again.  What was done, or found not needed, stays.

        :param moved: the occasions have other times: set when open tasks are due anew
        """
        occasions_sudo = self.sudo()
        wanted = self.env['crm.occasion.rule']._get_wanted_tasks(
            occasions_sudo.filtered(lambda occasion: occasion.state in OPEN_STATES)
        )
        tasks_sudo = self.env['crm.occasion.task'].sudo()
        existing = tasks_sudo.search(
            Domain('key', '!=', False)
            & (Domain('occasion_id', 'in', self.ids) | Domain('key', 'in', list(wanted)))
        )
        existing._adjust_to(wanted, moved=moved)
        known = set(existing.mapped('key'))
        created = tasks_sudo._insert_keyed(vals for key, vals in wanted.items() if key not in known)
        created.occasion_id.invalidate_recordset(['task_ids'])

    # ------------------------------------------------------------
    # JOB
    # ------------------------------------------------------------

    @api.model
    def _cron_plan_tasks(self) -> None:
        """Make the tasks of customers who come soon; run every hour."""
        found = self.search(self._get_planning_domain())
        found._work_off(lambda occasions: occasions._sync_tasks())

    @api.model
    def _get_planning_domain(self) -> Domain:
        """Return the occasions whose tasks may have to be made: as far ahead as a rule looks."""
        rules = self.env['crm.occasion.rule'].search([('trigger', '=', 'planned')])
        days = max(rules.mapped('days_before'), default=0) + 2
        until = fields.Datetime.now() + timedelta(days=days)
        return Domain('state', 'in', OPEN_STATES) & Domain('date_from', '<', until)

    def _get_today(self):
        """Return the day it is at the occasion's company."""
        zone = self.company_id._get_customer_timezone()
        return fields.Date.context_today(self.with_context(tz=zone))
