from odoo import fields, models


class CrmNoteCategory(models.Model):
    """What notes on customers are about: the room, food, health..."""

    _name = 'crm.note.category'
    _description = 'Category of Customer Notes'
    _inherit = ['crm.label.mixin']

    visibility = fields.Selection(
        selection=lambda self: self.env['crm.customer.note']._fields['visibility'].selection,
        string="Proposed Visibility",
        required=True,
        default='all',
        help="Who reads a new note of this category, unless its author says otherwise.",
    )
