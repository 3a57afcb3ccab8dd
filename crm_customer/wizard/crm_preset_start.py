from __future__ import annotations

from odoo import Command, api, fields, models

from ..rights import ensure_manager


class CrmPresetStart(models.TransientModel):
    """The first-start page of one kind of business."""

    _name = 'crm.preset.start'
    _description = 'First Start'
    _rec_name = 'preset_id'

    preset_id = fields.Many2one(
        comodel_name='crm.preset', required=True, readonly=True, ondelete='cascade'
    )
    description = fields.Text(related='preset_id.description')
    contents = fields.Html(related='preset_id.contents', sanitize=False)
    state = fields.Selection(related='preset_id.state')
    company_id = fields.Many2one(
        comodel_name='res.company', readonly=True, default=lambda self: self.env.company
    )
    goal_ids = fields.One2many(
        comodel_name='crm.preset.start.goal',
        inverse_name='start_id',
        string="Goals",
        compute='_compute_goal_ids',
        store=True,
        readonly=False,
    )

    @api.depends('preset_id')
    def _compute_goal_ids(self):
        for start in self:
            start.goal_ids = [Command.clear()] + [
                Command.create(vals) for vals in start._prepare_goals()
            ]

    def _prepare_goals(self) -> list[dict]:
        """Return the goals the preset proposes, with the targets the company set before."""
        own = {
            goal.code: goal.target
            for goal in self.env['crm.goal'].search([('company_id', '=', self.company_id.id)])
        }
        lang = self.env.lang or 'en_US'
        proposals = {
            proposal.texts['code']: proposal for proposal in self.preset_id._get_goal_proposals()
        }
        return [
            {
                'code': code,
                'name': proposal.get_name(lang),
                'direction': proposal.texts.get('direction', 'min'),
                'target': own.get(code, float(proposal.texts.get('target', 0))),
                'unit': proposal.texts.get(f'unit@{lang}') or proposal.texts.get('unit'),
            }
            for code, proposal in proposals.items()
        ]

    def action_load(self) -> dict:
        """Load the preset and set the goals as they were entered.

        :return: action that opens the preset
        """
        self.ensure_one()
        ensure_manager(self.env)
        preset = self.preset_id
        preset.action_load()
        preset.sudo()._set_goals({goal.code: goal.target for goal in self.goal_ids})
        return {
            'type': 'ir.actions.act_window',
            'name': preset.name,
            'res_model': 'crm.preset',
            'res_id': preset.id,
            'views': [(False, 'form')],
            'target': 'main',
        }


class CrmPresetStartGoal(models.TransientModel):
    """A goal on the first-start page."""

    _name = 'crm.preset.start.goal'
    _description = 'Goal at First Start'

    start_id = fields.Many2one(
        comodel_name='crm.preset.start', required=True, ondelete='cascade', index=True
    )
    code = fields.Char(required=True, readonly=True)
    name = fields.Char(readonly=True)
    direction = fields.Selection(selection=[('min', "At least"), ('max', "At most")], readonly=True)
    target = fields.Float(digits=(16, 2))
    unit = fields.Char(readonly=True)
