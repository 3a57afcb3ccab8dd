from odoo import fields, models
from odoo.tools import SQL

from odoo.addons.crm_customer.secret import hash_text


class AftersalesArticle(models.Model):
    """Whom articles helped, and how often they were used."""

    _inherit = 'aftersales.article'

    # Counted at display: a counter stored here would make readers wait for each other.
    helpful_count = fields.Integer(
        string="Helpful", compute='_compute_votes', groups='base.group_user'
    )
    unhelpful_count = fields.Integer(
        string="Not Helpful", compute='_compute_votes', groups='base.group_user'
    )
    used_count = fields.Integer(
        string="Requests Solved by It", compute='_compute_used_count', groups='base.group_user'
    )

    def _compute_votes(self):
        groups = self.env['aftersales.article.vote']._read_group(
            [('article_id', 'in', self.ids)], ['article_id', 'helpful'], ['__count']
        )
        counts = {(article.id, helpful): count for article, helpful, count in groups}
        for article in self:
            article.helpful_count = counts.get((article.id, True), 0)
            article.unhelpful_count = counts.get((article.id, False), 0)

    def _compute_used_count(self):
        groups = self.env['aftersales.request']._read_group(
            [('article_id', 'in', self.ids)], ['article_id'], ['__count']
        )
        counts = {article.id: count for article, count in groups}
        for article in self:
            article.used_count = counts.get(article.id, 0)

    def _vote(self, helpful: bool, voter: str) -> None:
        """Record whether the article helped; who votes again changes his vote.

        The caller has checked that the voter may read it.

        :param voter: who votes, as ``'user:7'``; kept as a hash
        """
        self.ensure_one()
        self.env.execute_query(
            SQL(
                'INSERT INTO aftersales_article_vote (article_id, voter, helpful, date)'
                ' VALUES (%s, %s, %s, %s)'
                ' ON CONFLICT (article_id, voter) DO UPDATE SET helpful = EXCLUDED.helpful'
                ' RETURNING id',
                self.id,
                hash_text(f'aftersales.article:{voter}'),
                helpful,
                fields.Date.context_today(self),
            )
        )
        self.env['aftersales.article.vote'].invalidate_model(flush=False)
        self.invalidate_recordset(flush=False)

    def _vote_as_user(self, helpful: bool) -> None:
        self.check_access('read')
        for article in self:
            article._vote(helpful, f'user:{self.env.uid}')

    def action_vote_helpful(self) -> None:
        """Say that the article helped."""
        self._vote_as_user(True)

    def action_vote_unhelpful(self) -> None:
        """Say that the article did not help."""
        self._vote_as_user(False)

    def action_use_on_request(self) -> None:
        """Note that the article solves the request in the context."""
        self.ensure_one()
        request = self.env['aftersales.request'].browse(
            self.env.context.get('aftersales_request_id', [])
        )
        request._use_article(self)
