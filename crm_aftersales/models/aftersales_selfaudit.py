from __future__ import annotations

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command


class AftersalesSelfaudit(models.Model):
    """What staff asks itself when a customer was not satisfied, while the memory is fresh.

    Not the nightly self-checks, where the program looks after itself.
    """

    _name = 'aftersales.selfaudit'
    _description = "Internal Review"
    _inherit = ['mail.thread', 'mail.activity.mixin']
    _order = 'id desc'
    _check_company_auto = True

    followup_id = fields.Many2one(
        comodel_name='aftersales.followup',
        string="Bad Score",
        index='btree_not_null',
        ondelete='cascade',
        check_company=True,
    )
    request_id = fields.Many2one(
        comodel_name='aftersales.request',
        string="Service Request",
        index='btree_not_null',
        ondelete='set null',
        check_company=True,
    )
    company_id = fields.Many2one(
        comodel_name='res.company', required=True, index=True, default=lambda self: self.env.company
    )
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Reviewed by",
        domain=[('share', '=', False)],
        index='btree_not_null',
        check_company=True,
        tracking=True,
        default=lambda self: self.env.user,
    )
    line_ids = fields.One2many(
        comodel_name='aftersales.selfaudit.line', inverse_name='audit_id', string="Questions"
    )
    finding = fields.Text(help="What we do differently from now on.")
    state = fields.Selection(
        selection=[('open', "To Do"), ('done', "Done")],
        string="Status",
        required=True,
        default='open',
        copy=False,
        tracking=True,
    )
    date_done = fields.Datetime(string="Done on", readonly=True, copy=False)
    done_user_id = fields.Many2one(
        comodel_name='res.users',
        string="Done by",
        readonly=True,
        copy=False,
        index='btree_not_null',
    )
    no_count = fields.Integer(string="Answered No", compute='_compute_no_count')

    _followup_unique = models.UniqueIndex(
        '(followup_id) WHERE followup_id IS NOT NULL', "This score is reviewed already."
    )

    @api.depends('request_id', 'followup_id')
    @api.depends_context('lang')
    def _compute_display_name(self):
        for audit in self:
            number = audit.request_id.sudo().number
            audit.display_name = " ".join(filter(None, [self.env._("Internal Review"), number]))

    @api.depends('line_ids.answer')
    def _compute_no_count(self):
        for audit in self:
            audit.no_count = len(audit.line_ids.filtered(lambda line: line.answer == 'no'))

    @api.model
    def _start(self, followups) -> AftersalesSelfaudit:
        """Start the reviews of bad scores, where there are questions to ask.

        :param followups: ``aftersales.followup`` that were just opened
        """
        vals_list = []
        for followup in followups.sudo():
            items = self._get_items(followup)
            # of an answer without name nobody may be known who could review his work
            if items and (followup.request_id or self._get_reviewer(followup)):
                vals_list.append(self._prepare_vals(followup, items))
        audits = self.sudo().create(vals_list)
        for audit in audits.filtered('user_id'):
            audit.with_context(lang=audit.user_id.lang).activity_schedule(
                'crm_aftersales.mail_activity_selfaudit', user_id=audit.user_id.id
            )
        return audits

    @api.model
    def _get_items(self, followup):
        """Return the questions that are asked after a bad score."""
        items = self.env['aftersales.selfaudit.item'].sudo()
        items = items.search([('company_id', 'in', [followup.company_id.id, False])])
        return items.filtered(lambda item: not item.team_ids or followup.team_id in item.team_ids)

    @api.model
    def _get_reviewer(self, followup):
        """Return who answers the questions: who did the work, else who sees to the bad score."""
        return followup.request_id.user_id or followup.user_id

    @api.model
    def _prepare_vals(self, followup, items) -> dict:
        """Return the values of the review of a bad score."""
        reviewer = self._get_reviewer(followup)
        items = items.with_context(lang=reviewer.lang or self.env.lang)
        return {
            'followup_id': followup.id,
            'request_id': followup.request_id.id,
            'company_id': followup.company_id.id,
            'user_id': reviewer.id,
            'line_ids': [
                Command.create({'name': item.name, 'sequence': item.sequence}) for item in items
            ],
        }

    def action_done(self) -> None:
        """Close the review once every question has its answer.

        :raise UserError: a question is open
        """
        for audit in self:
            still_open = audit.line_ids.filtered(lambda line: not line.answer)
            if still_open:
                raise UserError(
                    self.env._("Please answer first: %(question)s", question=still_open[0].name)
                )
        self.write(
            {
                'state': 'done',
                'date_done': fields.Datetime.now(),
                'done_user_id': self.env.uid,
            }
        )
        self.activity_feedback(['crm_aftersales.mail_activity_selfaudit'])

    def action_reopen(self) -> None:
        """Review once more."""
        self.write({'state': 'open', 'date_done': False, 'done_user_id': False})
