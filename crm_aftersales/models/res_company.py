from odoo import fields, models


class ResCompany(models.Model):
    _inherit = 'res.company'

    aftersales_team_id = fields.Many2one(
        comodel_name='aftersales.team',
        string="Default After-Sales Team",
        domain="[('company_id', 'in', [False, id])]",
        default=lambda self: self._default_aftersales_team_id(),
        help="Team of requests whose type names no other.",
    )
    aftersales_reopen_days = fields.Integer(
        string="Reopen on Reply within",
        default=14,
        help="Days after the end in which a customer's answer reopens his request. Later answers"
        " become a new request that follows the old one.",
    )
    aftersales_warranty_policy_id = fields.Many2one(
        comodel_name='aftersales.warranty.policy',
        string="Warranty Policy",
        domain="[('company_id', 'in', [False, id])]",
        help="Of products that have none, nor their categories. Empty: the months on the product"
        " alone say what is promised.",
    )
    aftersales_meter_days = fields.Integer(
        string="Meter Readings Count for",
        default=90,
        help="Days after which a reading says no more whether a limit has been reached.",
    )

    _aftersales_meter_days_range = models.Constraint(
        'CHECK(aftersales_meter_days BETWEEN 0 AND 3650)',
        "Meter readings count for 0 to 3650 days.",
    )
    _aftersales_reopen_days_range = models.Constraint(
        'CHECK(aftersales_reopen_days BETWEEN 0 AND 3650)',
        "Requests can be reopened within 0 to 3650 days.",
    )

    def _default_aftersales_team_id(self):
        """Return the team that all companies share, as long as it is there."""
        return self.env.ref('crm_aftersales.aftersales_team_service', raise_if_not_found=False)
