from odoo import api, fields, models


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

    @api.model
    def _get_score_links(self):
        return [*super()._get_score_links(), 'feedback_id']
