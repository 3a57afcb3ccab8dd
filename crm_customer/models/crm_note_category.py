from odoo import fields, models

from .crm_visibility_mixin import VISIBILITIES


class CrmNoteCategory(models.Model):
    """What notes on customers are about: the room, food, health..."""

    _name = 'crm.note.category'
    _description = 'Category of Customer Notes'
    _inherit = ['crm.label.mixin']

    visibility = fields.Selection(
        selection=VISIBILITIES,
        string="Proposed Visibility",
        required=True,
        default='all',
        help="Who reads a new note of this category, unless its author says otherwise.",
    )
