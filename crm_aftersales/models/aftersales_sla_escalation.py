from __future__ import annotations

from odoo import api, fields, models

from .aftersales_sla_clock import CLOCK_LABELS


class AftersalesSlaEscalation(models.Model):
    """A step of a policy's ladder: who is told, or what is done, when so much time is used."""

    _name = 'aftersales.sla.escalation'
    _description = "Service Level Escalation"
    _order = 'policy_id, percent, id'
    _check_company_auto = True

    policy_id = fields.Many2one(
        comodel_name='aftersales.sla.policy', required=True, index=True, ondelete='cascade'
    )
    company_id = fields.Many2one(related='policy_id.company_id')
    percent = fields.Integer(
        string="At (%)",
        required=True,
        default=75,
        help="Share of the time promised that is used; over 100 what is too late already.",
    )
    kind = fields.Selection(
        selection=CLOCK_LABELS, string="Clock", help="Empty: every clock of the policy."
    )
    action = fields.Selection(
        selection=[
            ('notify', "Notify"),
            ('activity', "Give a to-do to"),
            ('priority', "Raise the priority"),
            ('reassign', "Hand over to"),
        ],
        required=True,
        default='notify',
    )
    recipient = fields.Selection(
        selection=[
            ('responsible', "Responsible, else team leader"),
            ('leader', "Team leader"),
            ('user', "A certain user"),
        ],
        default='responsible',
        required=True,
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        domain=[('share', '=', False)],
        check_company=True,
    )

    _percent_range = models.Constraint(
        'CHECK(percent BETWEEN 1 AND 1000)', "An escalation stands between 1 and 1,000 percent."
    )
    _user_given = models.Constraint(
        "CHECK(recipient <> 'user' OR user_id IS NOT NULL)", "Choose the user of the escalation."
    )

    @api.depends('percent', 'action')
    def _compute_display_name(self):
        actions = dict(self._fields['action']._description_selection(self.env))
        for step in self:
            step.display_name = f"{step.percent} % · {actions.get(step.action, '')}"

    def _get_recipient(self, request):
        """Return the user a step is about; empty when nobody is known."""
        self.ensure_one()
        leader = request.team_id.user_id
        users = {
            'responsible': request.user_id or leader,
            'leader': leader,
            'user': self.user_id,
        }
        return users[self.recipient].filtered('active')

    def _get_taken(self, request, kind: str, before: int, after: int):
        """Return the steps a clock takes now, of the ladder of its policy.

        After a night several can be due at once: who is to be told of more than one is told of
        the highest alone.

        :param request: the clock is about
        :param kind: of the clock
        :param before: percent up to which steps were taken
        :param after: percent up to which they are taken now
        """
        steps = self.filtered(
            lambda step: before < step.percent <= after and step.kind in (False, kind)
        ).sorted('percent')
        told = {step: step._get_recipient(request) for step in steps if step.action == 'notify'}
        last = {user: step for step, user in told.items()}
        return steps.filtered(lambda step: step not in told or last[told[step]] == step)
