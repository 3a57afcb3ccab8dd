from __future__ import annotations

from odoo import api, fields, models
from odoo.fields import Domain

from .aftersales_request_stage import OPEN_STATES


class AftersalesRequest(models.Model):
    """Who does what by when: the first of the activities planned on a request.

    Activities already carry text, date and person, are mailed, and stand in everybody's list of
    things to do; columns beside them would say the same twice and disagree some day.
    """

    _inherit = 'aftersales.request'

    next_action = fields.Char(
        compute='_compute_next_action',
        search='_search_next_action',
        groups='base.group_user',
        help="What is done next: the first activity that is planned.",
    )
    next_action_date = fields.Date(
        compute='_compute_next_action',
        search='_search_next_action_date',
        groups='base.group_user',
        help="By when it is done.",
    )
    next_action_user_id = fields.Many2one(
        comodel_name='res.users',
        string="Next Action by",
        compute='_compute_next_action',
        search='_search_next_action_user_id',
        groups='base.group_user',
    )
    lacks_next_action = fields.Boolean(
        string="No Next Action",
        compute='_compute_next_action',
        search='_search_lacks_next_action',
        groups='base.group_user',
        help="Work is due, and nobody has planned what is done next.",
    )

    @api.depends(
        'activity_ids.active',
        'activity_ids.activity_type_id',
        'activity_ids.date_deadline',
        'activity_ids.summary',
        'activity_ids.user_id',
        'state',
    )
    def _compute_next_action(self):
        for request in self:
            planned = request.activity_ids.filtered('active')
            activity = planned.sorted(lambda a: (a.date_deadline, a.ids))[:1]
            request.next_action = activity.summary or activity.activity_type_id.name
            request.next_action_date = activity.date_deadline
            request.next_action_user_id = activity.user_id
            request.lacks_next_action = not activity and request.state in OPEN_STATES

    def _search_next_action(self, operator, value):
        if operator in Domain.NEGATIVE_OPERATORS:
            return NotImplemented
        return Domain('activity_ids.summary', operator, value) | Domain(
            'activity_ids.activity_type_id.name', operator, value
        )

    def _search_next_action_date(self, operator, value):
        return Domain('activity_date_deadline', operator, value)

    def _search_next_action_user_id(self, operator, value):
        return Domain('activity_user_id', operator, value)

    def _search_lacks_next_action(self, operator, value):
        if operator != 'in' or set(value) != {True}:
            return NotImplemented
        return Domain('state', 'in', OPEN_STATES) & Domain('activity_ids', '=', False)

    def action_plan_next(self) -> dict:
        """Plan what is done next.

        :return: window action
        """
        return {
            'type': 'ir.actions.act_window',
            'name': self.env._("Next Action"),
            'res_model': 'mail.activity.schedule',
            'view_mode': 'form',
            'target': 'new',
            'context': {'active_model': self._name, 'active_ids': self.ids},
        }
