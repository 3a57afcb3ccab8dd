from odoo import api, fields, models


class ResPartner(models.Model):
    _inherit = 'res.partner'

    greeting_name = fields.Char(
        compute='_compute_greeting_name',
        compute_sudo=True,
        help="How messages greet the contact: an address without a name by its company's.",
    )

    @api.depends('name', 'commercial_partner_id.name')
    def _compute_greeting_name(self):
        for partner in self:
            partner.greeting_name = partner.name or partner.commercial_partner_id.name
