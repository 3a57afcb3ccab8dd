from odoo import fields, models


class AftersalesSelfauditItem(models.Model):
    """A question that staff answers for itself after a bad score: was the customer called back?"""

    _name = 'aftersales.selfaudit.item'
    _description = "Question of Internal Reviews"
    _order = 'sequence, id'
    _check_company_auto = True

    name = fields.Char(string="Question", required=True, translate=True)
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        comodel_name='res.company',
        index=True,
        default=lambda self: self.env['res.company']._get_settings_company(),
    )
    team_ids = fields.Many2many(
        comodel_name='aftersales.team',
        string="Teams",
        help="Asked of these teams only. Empty: of all.",
    )
