from odoo import api, fields, models


class CrmImportRow(models.Model):
    """A row of a file on its way in; its cells are dropped once it is in."""

    _name = 'crm.import.row'
    _description = 'Row of an Imported File'
    _order = 'import_id, number'
    _rec_name = 'number'
    _log_access = False

    import_id = fields.Many2one(
        'crm.import', required=True, readonly=True, index=True, ondelete='cascade'
    )
    number = fields.Integer(string="Line", readonly=True)
    record_number = fields.Integer(
        readonly=True, help="Line on which the record begins that this row belongs to."
    )
    key = fields.Char(readonly=True, help="External id of the record.")
    match_key = fields.Char(readonly=True, help="Tax number, e-mail or phone of a customer.")
    cells = fields.Json(readonly=True)
    text = fields.Char(string="Content", compute='_compute_text')
    state = fields.Selection(
        selection=[
            ('waiting', "Waiting"),
            ('later', "Waiting for Another Row"),
            ('part', "Part of the Record Above"),
            ('created', "Created"),
            ('updated', "Updated"),
            ('unchanged', "Unchanged"),
            ('bad', "Left Out"),
        ],
        readonly=True,
        default='waiting',
    )
    reason = fields.Text(readonly=True)
    res_id = fields.Integer(readonly=True)

    _waiting_idx = models.Index("(import_id, number) WHERE state IN ('waiting', 'later')")
    _bad_idx = models.Index("(import_id, number) WHERE state = 'bad'")
    _record_idx = models.Index('(import_id, record_number)')
    _cells_idx = models.Index('(import_id) WHERE cells IS NOT NULL')
    _key_idx = models.Index('(import_id, key)')

    @api.depends('cells')
    def _compute_text(self):
        for row in self:
            row.text = " · ".join(filter(None, row.cells or ()))
