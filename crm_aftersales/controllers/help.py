from odoo import http
from odoo.exceptions import AccessError, MissingError
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal

MAX_WORDS_LENGTH = 200
#: articles on the page before the customer has looked for anything
MAX_SHOWN = 20
#: votes one customer may give in an hour
MAX_VOTES = 60


class HelpPortal(CustomerPortal):
    """Solutions for customers: look for one before raising a request, and say whether it helped."""

    @http.route('/my/help', type='http', auth='user', methods=['GET'], website=True)
    def portal_my_help(self, words='', **kwargs):
        """Show the solutions that fit what the customer looks for."""
        words = words.strip()[:MAX_WORDS_LENGTH]
        values = {
            **self._prepare_portal_layout_values(),
            'page_name': 'aftersales_help',
            'words': words,
            'articles': self._get_help_articles(words),
        }
        return request.render('crm_aftersales.portal_my_help', values)

    def _get_help_articles(self, words: str):
        """Return what is shown: the best for the words, or all there is to begin with."""
        Article = request.env['aftersales.article']
        if not Article.has_access('read'):
            return Article
        if words:
            return Article._search_public(request.env['product.product'], words)
        return Article.search(Article._get_public_domain(), limit=MAX_SHOWN)

    @http.route(
        '/my/help/<int:article_id>/vote', type='http', auth='user', methods=['POST'], website=True
    )
    def portal_help_vote(self, article_id, helpful='', words='', **post):
        """Record whether an article helped; each customer has one vote on each."""
        article = request.env['aftersales.article'].browse(article_id).exists()
        try:
            article.check_access('read')
        except (AccessError, MissingError):
            article = article.browse()
        if not article or article not in self._get_votable(article):
            return request.not_found()
        uid = request.env.uid
        if request.env['crm.rate.limit']._hit('aftersales.help', str(uid), MAX_VOTES, 3600):
            article.sudo()._vote(helpful == '1', f'user:{uid}')
        values = {
            **self._prepare_portal_layout_values(),
            'page_name': 'aftersales_help',
            'words': words[:MAX_WORDS_LENGTH],
            'articles': article,
            'voted': True,
        }
        return request.render('crm_aftersales.portal_my_help', values)

    def _get_votable(self, article):
        """Return the article when it is one for customers; staff on this page votes as they do."""
        return article.filtered_domain(article._get_public_domain())
