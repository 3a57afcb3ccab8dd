from odoo import fields, models


class AftersalesArticleVote(models.Model):
    """Whether an article helped somebody; one row each, and nothing that says who it was."""

    _name = 'aftersales.article.vote'
    _description = "Vote on a Solution"
    _log_access = False
    _order = 'id desc'

    article_id = fields.Many2one(
        comodel_name='aftersales.article', required=True, readonly=True, ondelete='cascade'
    )
    voter = fields.Char(required=True, readonly=True, help="A hash: the same voter votes once.")
    helpful = fields.Boolean(readonly=True)
    date = fields.Date(required=True, readonly=True)

    _voter_unique = models.UniqueIndex('(article_id, voter)')
