from odoo import api, fields, models


class CrmGoal(models.Model):
    """A figure a business wants to reach; presets propose some, the business sets its own."""

    _name = 'crm.goal'
    _description = 'Goal'
    _order = 'sequence, id'

    name = fields.Char(required=True, translate=True)
    code = fields.Char(
        required=True, help="Short name by which reports find the goal, as: repeat_rate."
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    direction = fields.Selection(
        selection=[('min', "At least"), ('max', "At most")], required=True, default='min'
    )
    target = fields.Float(digits=(16, 2))
    unit = fields.Char(translate=True, help="What the figure counts, as %, days, minutes.")
    note = fields.Text(translate=True, help="How the figure is meant to be measured.")

    _code_unique = models.UniqueIndex(
        '(code, company_id)', "There is one goal for each code and company."
    )

    _target_bounds = models.Constraint(
        'CHECK (target >= 0 AND target < 1e12)', "A goal is a number from 0 on."
    )

    @api.depends('name', 'direction', 'target', 'unit')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for goal in self:
            sign = '≥' if goal.direction == 'min' else '≤'
            target = f'{sign} {goal.target:g} {goal.unit or ""}'.strip()
            goal.display_name = f'{goal.name} {target}' if goal.name else False
