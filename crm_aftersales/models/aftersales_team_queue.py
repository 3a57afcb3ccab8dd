from __future__ import annotations

from odoo import fields, models

from .aftersales_request_queue import QUEUES


class AftersalesTeam(models.Model):
    """What stands in the queue of a team.

    Counted at display: a counter stored here would make every request lock its team.
    """

    _inherit = 'aftersales.team'

    open_request_count = fields.Integer(compute='_compute_request_counts')
    unassigned_request_count = fields.Integer(
        string="Unassigned Requests", compute='_compute_request_counts'
    )
    due_today_request_count = fields.Integer(
        string="Requests Due Today", compute='_compute_request_counts'
    )
    overdue_request_count = fields.Integer(
        string="Overdue Requests", compute='_compute_request_counts'
    )
    waiting_request_count = fields.Integer(
        string="Waiting Requests", compute='_compute_request_counts'
    )

    def _compute_request_counts(self):
        Request = self.env['aftersales.request']
        of_teams = fields.Domain('team_id', 'in', self.ids)
        for queue in QUEUES:
            domain = of_teams & Request._get_queue_domain(queue)
            counts = dict(Request._read_group(domain, ['team_id'], ['__count']))
            for team in self:
                team[f'{queue}_request_count'] = counts.get(team, 0)

    def action_view_queue(self) -> dict:
        """Open the requests that a counter of the team counts, by ``queue`` of the context.

        :return: window action
        """
        action = self.action_view_requests()
        queue = self.env.context.get('queue')
        filters = {f'search_default_{name}': 1 for name in QUEUES.get(queue, ())}
        if filters:
            action['context'] = {'default_team_id': self.id, **filters}
        return action
