from __future__ import annotations

from odoo import api, fields, models
from odoo.fields import Command

from .crm_visibility_mixin import SCREEN_METHODS

#: group whose members read what has a visibility
GROUP_OF_VISIBILITY = {
    'service': 'crm_customer.group_note_service',
    'confidential': 'crm_customer.group_note_confidential',
}


class CrmOccasionDepartment(models.Model):
    """Who prepares what a customer likes: reception, housekeeping, kitchen, duty manager."""

    _name = 'crm.occasion.department'
    _description = 'Department for Occasions'
    _order = 'sequence, id'
    _shows_confidential = SCREEN_METHODS  # in the number of open tasks

    name = fields.Char(required=True, translate=True)
    code = fields.Char(copy=False, help="Short name by which presets and files name it.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    color = fields.Integer()
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        help="Leave empty to share the department between companies.",
    )
    user_ids = fields.Many2many(
        comodel_name='res.users',
        relation='crm_occasion_department_user_rel',
        string="Members",
        domain=[('share', '=', False)],
        help="They see the department's tasks under “My Tasks”.",
    )
    open_task_count = fields.Integer(string="Open Tasks", compute='_compute_open_task_count')
    confidential_warning = fields.Char(
        compute='_compute_confidential_warning',
        help="Why notes that not everybody may read make no tasks for this department.",
    )

    _code_unique = models.UniqueIndex(
        '(code) WHERE code IS NOT NULL', "There is one department for each code."
    )

    # ------------------------------------------------------------
    # CRUD
    # ------------------------------------------------------------

    @api.model_create_multi
    def create(self, vals_list):
        departments = super().create(vals_list)
        departments._update_members()
        return departments

    def write(self, vals):
        before_sudo = self.sudo().user_ids
        result = super().write(vals)
        if 'user_ids' in vals:
            self._update_members(before_sudo)
        return result

    def unlink(self):
        before_sudo = self.sudo().user_ids
        result = super().unlink()
        self.browse()._update_members(before_sudo)
        return result

    def _update_members(self, before: models.BaseModel | None = None) -> None:
        """Let members see their tasks, whatever other roles they have, and nobody else.

        :param before: ``res.users`` who were members until now
        """
        group_sudo = self.env.ref('crm_customer.group_department').sudo()
        all_sudo = self.sudo().with_context(active_test=False)
        members_sudo = all_sudo.user_ids - group_sudo.user_ids
        before_sudo = before or members_sudo.browse()
        still_sudo = all_sudo.search([('user_ids', 'in', before_sudo.ids)]).user_ids
        former_sudo = before_sudo - still_sudo
        if members_sudo or former_sudo:
            group_sudo.user_ids = [
                *(Command.link(user.id) for user in members_sudo),
                *(Command.unlink(user.id) for user in former_sudo),
            ]

    # ------------------------------------------------------------
    # FIELDS
    # ------------------------------------------------------------

    def _compute_open_task_count(self):
        counts = dict(
            self.env['crm.occasion.task']._read_group(
                [('department_id', 'in', self.ids), ('state', '=', 'open')],
                ['department_id'],
                ['__count'],
            )
        )
        for department in self:
            department.open_task_count = counts.get(department, 0)

    @api.depends('user_ids')
    @api.depends_context('lang')
    def _compute_confidential_warning(self):
        group = self.env.ref(GROUP_OF_VISIBILITY['confidential'])
        for department in self:
            others = department.sudo().user_ids.filtered(
                lambda user: group not in user.all_group_ids
            )
            department.confidential_warning = (
                self.env._(
                    "Confidential notes make no tasks here: %(users)s may not read them.",
                    users=others[:5].mapped('name'),
                )
                if others
                else False
            )

    def _may_read(self, visibility: str) -> bool:
        """Return whether every member may read what has this visibility; nobody may, if none is.

        :param visibility: as of ``crm.visibility.mixin``
        """
        self.ensure_one()
        if visibility not in GROUP_OF_VISIBILITY:
            return True
        group = self.env.ref(GROUP_OF_VISIBILITY[visibility])
        members = self.sudo().user_ids
        return bool(members) and all(group in user.all_group_ids for user in members)

    def _get_task_lang(self) -> str:
        """Return the language in which tasks are written: the members', else the company's."""
        self.ensure_one()
        company = self.company_id or self.env.company
        return self.sudo().user_ids[:1].lang or company.partner_id.lang or 'en_US'

    def action_view_tasks(self) -> dict:
        """Open the department's tasks."""
        self.ensure_one()
        action = self.env['ir.actions.act_window']._for_xml_id(
            'crm_customer.crm_occasion_task_action'
        )
        action['context'] = {'search_default_department_id': self.id, 'search_default_open': 1}
        return action
