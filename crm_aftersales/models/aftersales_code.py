from odoo import api, fields, models


class AftersalesCode(models.Model):
    """A word of the catalogue that faults, causes and solutions are counted by."""

    _name = 'aftersales.code'
    _description = "Service Code"
    _order = 'kind, sequence, code, id'
    _rec_names_search = ['code', 'name']
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    code = fields.Char(required=True, help="Short name on lists and in interfaces, such as F-12.")
    kind = fields.Selection(
        selection=[('fault', "Fault"), ('cause', "Cause"), ('solution', "Solution")],
        required=True,
        default='fault',
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(comodel_name='res.company', index=True)

    _code_unique = models.UniqueIndex(
        '(kind, code, COALESCE(company_id, 0))', "Another fault, cause or solution has this code."
    )

    @api.depends('code', 'name')
    def _compute_display_name(self):
        for code in self:
            code.display_name = f"{code.code} {code.name}" if code.name else ''
