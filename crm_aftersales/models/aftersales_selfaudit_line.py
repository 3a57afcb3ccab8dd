from odoo import api, fields, models


class AftersalesSelfauditLine(models.Model):
    """One question of an internal review with its answer; the question is frozen as it was."""

    _name = 'aftersales.selfaudit.line'
    _description = "Answer of an Internal Review"
    _order = 'audit_id, sequence, id'

    audit_id = fields.Many2one(
        comodel_name='aftersales.selfaudit', required=True, index=True, ondelete='cascade'
    )
    sequence = fields.Integer(default=10)
    name = fields.Char(string="Question", required=True)
    answer = fields.Selection(selection=[('yes', "Yes"), ('no', "No"), ('na', "Does Not Apply")])
    note = fields.Char()
    user_id = fields.Many2one(
        comodel_name='res.users',
        string="Answered by",
        readonly=True,
        index='btree_not_null',
        copy=False,
    )

    def write(self, vals):
        """Note who gave an answer."""
        if 'answer' in vals:
            vals = {**vals, 'user_id': vals['answer'] and self.env.uid}
        return super().write(vals)

    @api.model_create_multi
    def create(self, vals_list):
        return super().create(
            [
                {**vals, 'user_id': self.env.uid} if vals.get('answer') else vals
                for vals in vals_list
            ]
        )
