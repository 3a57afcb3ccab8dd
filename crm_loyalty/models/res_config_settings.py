from odoo import fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = 'res.config.settings'

    main_loyalty_program_id = fields.Many2one(
        related='company_id.main_loyalty_program_id',
        readonly=False,
        domain="[('program_type', '=', 'loyalty'), "
        "'|', ('company_id', '=', False), ('company_id', 'parent_of', company_id)]",
    )
