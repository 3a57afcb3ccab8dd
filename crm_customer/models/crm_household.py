from odoo import api, fields, models


class CrmHousehold(models.Model):
    """People who live together, each with a file of his own."""

    _name = 'crm.household'
    _description = 'Household'
    _inherit = ['crm.named.mixin']
    _order = 'name, id'

    name = fields.Char(required=True, help="As 'Family Chen'.")
    company_id = fields.Many2one(
        'res.company', help="Only users of this company see it; empty for all."
    )
    member_ids = fields.One2many('res.partner', 'household_id')
    member_count = fields.Integer(compute='_compute_member_count')
    head_id = fields.Many2one(
        'res.partner',
        compute='_compute_head_id',
        help="The member with the role Head: whom to speak to for all.",
    )
    active = fields.Boolean(default=True)

    @api.depends('member_ids')
    def _compute_member_count(self):
        for household in self:
            household.member_count = len(household.member_ids)

    @api.depends('member_ids.household_role')
    def _compute_head_id(self):
        for household in self:
            heads = household.member_ids.filtered(lambda member: member.household_role == 'head')
            household.head_id = heads[:1]
