from odoo import fields, models


class AftersalesChecklistItem(models.Model):
    """What has to be looked at in every request of a type."""

    _name = 'aftersales.checklist.item'
    _description = "Checklist Item"
    _order = 'type_id, sequence, id'

    name = fields.Char(string="To Check", required=True, translate=True)
    type_id = fields.Many2one(
        comodel_name='aftersales.request.type', required=True, index=True, ondelete='cascade'
    )
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    is_required = fields.Boolean(
        string="Required",
        default=True,
        help="Staff cannot resolve a request before this is ticked.",
    )
    company_id = fields.Many2one(related='type_id.company_id', store=True, index=True)
