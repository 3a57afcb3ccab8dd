from odoo import fields, models


class AftersalesTag(models.Model):
    """A word of the team's own to find requests by."""

    _name = 'aftersales.tag'
    _description = "Service Request Tag"
    _order = 'name, id'
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    color = fields.Integer()
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(comodel_name='res.company', index=True)
