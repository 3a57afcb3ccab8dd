from odoo import fields, models


class CrmJobLine(models.Model):
    _name = 'crm.job.line'
    _description = 'Job Log Line'
    _order = 'id'
    _rec_name = 'message'

    job_id = fields.Many2one(
        comodel_name='crm.job', required=True, readonly=True, index=True, ondelete='cascade'
    )
    level = fields.Selection(
        selection=[('info', "Information"), ('warning', "Warning"), ('error', "Error")],
        required=True,
        readonly=True,
        default='warning',
    )
    reference = fields.Char(readonly=True, help="Where it happened, as a line number or a name.")
    message = fields.Text(required=True, readonly=True)
