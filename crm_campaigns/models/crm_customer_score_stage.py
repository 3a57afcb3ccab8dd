from odoo import fields, models


class CrmCustomerScoreStage(models.Model):
    """What a scoring run collected and has not applied yet; empty between runs.

    Collecting must see all orders at once, applying is done in committed chunks: this table
    carries the figures from the one to the other and across a restart.
    """

    _name = 'crm.customer.score.stage'
    _description = 'Collected Customer Figures'
    _log_access = False

    run_id = fields.Many2one(comodel_name='crm.score.run', required=True, ondelete='cascade')
    # No foreign key: the run joins the partners that still exist when it applies the figures.
    partner_id = fields.Integer(required=True)
    first_order = fields.Date()
    last_order = fields.Date()
    frequency = fields.Integer()
    monetary = fields.Float(digits=0)
    refunds = fields.Float(digits=0)
