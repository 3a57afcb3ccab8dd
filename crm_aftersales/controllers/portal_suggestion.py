from odoo import http
from odoo.http import request

from .portal import AftersalesPortal


class AftersalesSuggestionPortal(AftersalesPortal):
    """Known solutions are offered while a request is written; the form keeps what was entered."""

    @http.route()
    def portal_create_request(self, **post):
        """Look for solutions where the visitor asked for that, else raise the request."""
        if post.pop('suggest', None):
            return self._render_request_form({**post, 'suggested': True})
        return super().portal_create_request(**post)

    def _prepare_request_form_values(self, form: dict) -> dict:
        values = super()._prepare_request_form_values(form)
        unit = values['units'].filtered(lambda unit: unit.id == values['form']['unit_id'])
        return {
            **values,
            'articles': self._get_suggested_articles(unit, self._clean(form.get('name'))),
        }

    def _get_suggested_articles(self, unit_sudo, words: str):
        """Return the solutions for customers that fit a product of the visitor and his words."""
        Article = request.env['aftersales.article']
        if not (unit_sudo or words) or not Article.has_access('read'):
            return Article
        # the product is one of those he can choose; its catalogue entry is not his to read
        return Article._search_public(unit_sudo.product_id, words)
