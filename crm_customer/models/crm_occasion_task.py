from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain

#: what rules and steps keep: writing it by hand would make tasks, greetings and facts up
SYSTEM_FIELDS = {
    'key', 'company_id', 'rule_id', 'note_id', 'birthday_key', 'state', 'done_at', 'done_by'
}  # fmt: skip


class CrmOccasionTask(models.Model):
    """One thing a department prepares for a customer, ticked off on a phone."""

    _name = 'crm.occasion.task'
    _description = 'Task for an Occasion'
    _inherit = ['crm.keyed.mixin', 'crm.version.mixin', 'crm.system.mixin', 'crm.visibility.mixin']
    _order = 'due_at, id'
    _rec_name = 'text'

    occasion_id = fields.Many2one(
        comodel_name='crm.occasion', required=True, ondelete='cascade', index=True
    )
    company_id = fields.Many2one(
        related='occasion_id.company_id', store=True, precompute=True, required=True
    )
    partner_id = fields.Many2one(related='occasion_id.partner_id', string="Customer")
    place = fields.Char(related='occasion_id.place')
    place_label = fields.Char(related='occasion_id.place_label')
    department_id = fields.Many2one(
        comodel_name='crm.occasion.department', required=True, ondelete='restrict', index=True
    )
    department_color = fields.Integer(related='department_id.color')
    text = fields.Text(string="Task", required=True)
    due_at = fields.Datetime(string="Due", required=True, default=fields.Datetime.now)
    is_late = fields.Boolean(compute='_compute_is_late', search='_search_is_late')
    rule_id = fields.Many2one(
        comodel_name='crm.occasion.rule',
        readonly=True,
        copy=False,
        ondelete='set null',
        index='btree_not_null',
    )
    note_id = fields.Many2one(
        comodel_name='crm.customer.note',
        readonly=True,
        copy=False,
        ondelete='set null',
        index='btree_not_null',
        groups='crm_customer.group_manager',
    )
    birthday_key = fields.Char(readonly=True, copy=False)
    state = fields.Selection(
        selection=[
            ('open', "To Do"),
            ('done', "Done"),
            ('skipped', "Not Needed"),
            ('void', "Dropped"),
        ],
        string="Status",
        required=True,
        readonly=True,
        default='open',
        copy=False,
        help="Dropped: the occasion was cancelled, or what asked for the task is gone.",
    )
    done_at = fields.Datetime(readonly=True, copy=False)
    done_by = fields.Many2one(
        comodel_name='res.users', string="Done by", readonly=True, copy=False, ondelete='restrict'
    )

    _open_idx = models.Index("(department_id, due_at) WHERE state = 'open'")

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    @api.depends('due_at', 'state')
    def _compute_is_late(self):
        now = fields.Datetime.now()
        for task in self:
            task.is_late = task.state == 'open' and bool(task.due_at) and task.due_at < now

    @api.model
    def _search_is_late(self, operator, value):
        if operator != 'in':
            return NotImplemented
        late = Domain('state', '=', 'open') & Domain('due_at', '<', fields.Datetime.now())
        return late if True in value else ~late

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | SYSTEM_FIELDS

    def _get_given_on_write(self, vals):
        given = super()._get_given_on_write(vals)
        if not self.env.su and 'visibility' in vals:
            # who reads what a note says, the note says
            notes_sudo = self.sudo().note_id
            if any(note.visibility != vals['visibility'] for note in notes_sudo):
                given.add('visibility')
        return given

    @api.model
    def _get_system_fields_text(self, labels):
        return self.env._(
            "%(fields)s: this follows from the rules, the notes and the buttons of a task"
            " and cannot be written.",
            fields=labels,
        )

    # ------------------------------------------------------------
    # STEPS
    # ------------------------------------------------------------

    def action_done(self) -> bool:
        """Tick the tasks off.  Doing it again, or after a colleague, changes nothing."""
        for task in self._claim('open'):
            task.sudo().write(
                {'state': 'done', 'done_at': fields.Datetime.now(), 'done_by': self.env.uid}
            )
            task.sudo()._done_after_hook()
        return True

    def action_skip(self) -> bool:
        """Say that the tasks need not be done."""
        self._claim('open').sudo().write(
            {'state': 'skipped', 'done_at': fields.Datetime.now(), 'done_by': self.env.uid}
        )
        return True

    def action_undo(self) -> bool:
        """Open tasks again that were ticked off."""
        tasks = self._claim('done', 'skipped').sudo()
        for task in tasks.filtered('birthday_key'):
            self.env['crm.message']._forget_greeting_in_person(
                task.company_id, task.partner_id, task.birthday_key
            )
        tasks.write({'state': 'open', 'done_at': False, 'done_by': False})
        tasks.occasion_id._sync_tasks()
        return True

    def _claim(self, *states: str) -> CrmOccasionTask:
        """Return those of the tasks in one of the states, for this transaction alone.

        :raise AccessError: a task may not be read, or is of a department one is not a member of
        """
        self._ensure_can_tick()
        self._bump_version()
        return self.filtered(lambda task: task.state in states)

    def _ensure_can_tick(self) -> None:
        """Let members of the department tick, and who runs all occasions."""
        self.check_access('read')
        if self.env.su or self.env.user.has_group('crm_customer.group_all'):
            return
        if any(self.env.user not in task.sudo().department_id.user_ids for task in self):
            raise AccessError(self.env._("Only members of the department tick its tasks."))

    def _done_after_hook(self) -> None:
        """Note a birthday greeted face to face: it is the year's greeting."""
        if self.birthday_key and self.rule_id.is_greeting:
            self.env['crm.message']._note_greeting_in_person(
                self.company_id, self.partner_id, self.birthday_key, self.text
            )

    # ------------------------------------------------------------
    # RULES
    # ------------------------------------------------------------

    def _adjust_to(self, wanted: dict[str, dict], *, moved: bool) -> None:
        """Drop what is no longer wanted, bring back what is again, and correct open ones.

        :param wanted: values by key
        :param moved: set anew when open tasks are due
        """
        for task in self:
            vals = wanted.get(task.key)
            if vals is None:
                if task.state == 'open':
                    task.write({'state': 'void'})
                    task._forget_text()
                continue
            changes = task._get_changes(vals, moved=moved or task.state == 'void')
            if task.state in ('open', 'void') and changes:
                task.write(changes)

    def _get_changes(self, vals: dict, *, moved: bool) -> dict:
        """Return what differs from the values a rule wants."""
        changes = {} if self.state == 'open' else {'state': 'open'}
        if moved and self.due_at != vals['due_at']:
            changes['due_at'] = vals['due_at']
        for name in ('text', 'visibility'):
            if self[name] != vals[name]:
                changes[name] = vals[name]
        if self.department_id.id != vals['department_id']:
            changes['department_id'] = vals['department_id']
        if self.state == 'void' and self.occasion_id.id != vals['occasion_id']:
            changes['occasion_id'] = vals['occasion_id']
        return changes

    def _forget_text(self) -> None:
        """Name the rule instead of what it filled in: whoever wrote that may take it back."""
        for task in self:
            lang = task.department_id._get_task_lang()
            task.text = (task.rule_id or task.department_id).with_context(lang=lang).name
