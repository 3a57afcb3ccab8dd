from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    aftersales_team_id = fields.Many2one(
        comodel_name='aftersales.team',
        string="Default After-Sales Team",
        domain="[('company_id', 'in', [False, id])]",
        help="Team of requests whose type names no other.",
    )
    aftersales_reopen_days = fields.Integer(
        string="Reopen on Reply within",
        default=14,
        help="Days after the end in which a customer's answer reopens his request. Later answers"
        " become a new request that follows the old one.",
    )
