from odoo import fields, models


class AftersalesFollowup(models.Model):
    """Bad scores of surveys are followed up like bad ratings."""

    _inherit = 'aftersales.followup'

    feedback_id = fields.Many2one(
        comodel_name='aftersales.feedback',
        string="Answer",
        readonly=True,
        copy=False,
        index='btree_not_null',
        ondelete='set null',
    )
