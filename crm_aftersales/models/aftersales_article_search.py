from __future__ import annotations

import re

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL
from odoo.tools.sql import escape_psql

MAX_WORDS = 12
MAX_FOUND = 5
LATIN = re.compile(r'[^\W\d_a-z]?[a-z0-9à-öø-ÿ][a-z0-9à-öø-ÿ-]{2,}')
#: runs of Chinese characters; they are looked for by pairs, as no space parts the words
HAN = re.compile(r'[\u4e00-\u9fff]{2,}')
#: say nothing of what is wrong
COMMON_WORDS = """
    and are but can does for from had has have her his how its not our out she that the their then
    there they this was were what when who why will with you your
"""


class AftersalesArticle(models.Model):
    """Finding the articles that may help: by product, codes and words, the best first.

    Candidates come from indexes only; they are rated afterwards.
    """

    _inherit = 'aftersales.article'

    @api.model
    def _search_public(self, product, words: str, limit: int = MAX_FOUND) -> AftersalesArticle:
        """Return the articles for customers that fit best, readable for any visitor.

        :param product: ``product.product``, empty when it is not known
        :param words: what the customer writes
        :param limit: at most so many, and never more than 5
        """
        found = self.sudo()._search_ranked(
            self._get_public_domain(), product=product.sudo(), words=words, limit=limit
        )
        return found.with_env(self.env)

    @api.model
    def _search_solutions(self, request, limit: int = MAX_FOUND) -> AftersalesArticle:
        """Return the published articles that fit a request best.

        :param request: ``aftersales.request``, also one that is just being written
        """
        return self._search_ranked(
            self._get_published_domain(),
            product=request.product_id,
            words=request.name or '',
            codes=request.fault_code_id | request.cause_code_id,
            limit=limit,
        )

    @api.model
    def _search_ranked(self, domain, *, product, words: str, codes=(), limit: int = MAX_FOUND):
        """Return the articles of a domain that fit, the best first."""
        template = product.product_tmpl_id._origin
        categories = self._get_categories(template)
        words = self._get_words(words)
        code_ids = tuple(code.id for code in codes if isinstance(code.id, int))
        candidates = self._get_candidates_sql(template, categories, code_ids, words)
        if not candidates:
            return self.browse()
        self.flush_model()
        query = self._search(Domain(domain))
        rows = self.env.execute_query(
            SQL(
                'SELECT article.id FROM aftersales_article article'
                ' WHERE article.id IN (%s) AND article.id IN %s AND %s'
                ' ORDER BY %s DESC, article.id DESC LIMIT %s',
                SQL(' UNION ').join(candidates),
                query.subselect(),
                self._get_fits_product_sql(template, categories),
                self._get_score_sql(template, categories, code_ids, words),
                min(limit, MAX_FOUND),
            )
        )
        return self.browse(id_ for (id_,) in rows)

    # ------------------------------------------------------------
    # WHAT IS LOOKED FOR
    # ------------------------------------------------------------

    @api.model
    def _get_words(self, text: str) -> list[str]:
        """Return the words of a text that may tell what is wrong."""
        text = (text or '').lower()
        common = COMMON_WORDS.split()
        words = [word for word in LATIN.findall(text) if word not in common]
        pairs = [run[i : i + 2] for run in HAN.findall(text) for i in range(len(run) - 1)]
        return list(dict.fromkeys(words + pairs))[:MAX_WORDS]

    @api.model
    def _get_categories(self, template) -> tuple[int, ...]:
        """Return the category of a product and those above it."""
        path = template.categ_id.sudo().parent_path or ''
        return tuple(int(part) for part in path.split('/') if part)

    def _get_candidates_sql(self, template, categories, code_ids, words) -> list[SQL]:
        """Return the selects of ids that indexes answer; none when nothing is known."""
        selects = []
        if template:
            selects.append(self._get_relation_sql('product_tmpl_ids', template.ids))
        if categories:
            selects.append(self._get_relation_sql('categ_ids', categories))
        if code_ids:
            selects.append(
                SQL(
                    'SELECT id FROM aftersales_article WHERE fault_code_id IN %s'
                    ' UNION SELECT id FROM aftersales_article WHERE cause_code_id IN %s',
                    code_ids,
                    code_ids,
                )
            )
        if words:
            selects += [
                SQL('SELECT id FROM aftersales_article WHERE %s', self._get_match_sql(name, word))
                for name in ('name', 'symptom')
                for word in words
            ]
        return selects

    def _get_relation_sql(self, name: str, ids) -> SQL:
        """Return the select of the articles that name one of these products or categories."""
        field = self._fields[name]
        return SQL(
            'SELECT %s FROM %s WHERE %s IN %s',
            SQL.identifier(field.column1),
            SQL.identifier(field.relation),
            SQL.identifier(field.column2),
            tuple(ids),
        )

    def _get_match_sql(self, name: str, word: str) -> SQL:
        """Return whether a word stands in a translated field, in whatever language.

        The expression is that of the index Odoo makes for it.
        """
        unaccent = self.env.registry.unaccent
        text = SQL("jsonb_path_query_array(%s, '$.*')::text", SQL.identifier(name))
        return SQL('%s ILIKE %s', unaccent(text), unaccent(SQL('%s', f'%{escape_psql(word)}%')))

    # ------------------------------------------------------------
    # HOW WELL IT FITS
    # ------------------------------------------------------------

    def _get_fits_product_sql(self, template, categories) -> SQL:
        """Return whether an article is for a product: named, of its category, or for all."""
        if not template:
            return SQL('TRUE')
        products, classes = self._fields['product_tmpl_ids'], self._fields['categ_ids']
        bound = SQL(' UNION ALL ').join(
            SQL('SELECT %s FROM %s', SQL.identifier(field.column1), SQL.identifier(field.relation))
            for field in (products, classes)
        )
        named = self._get_relation_sql('product_tmpl_ids', template.ids)
        of_class = self._get_relation_sql('categ_ids', categories or (0,))
        return SQL(
            '(article.id NOT IN (%s) OR article.id IN (%s UNION %s))', bound, named, of_class
        )

    def _get_score_sql(self, template, categories, code_ids, words) -> SQL:
        """Return how well an article fits: product and fault weigh more than a word."""
        terms = [SQL('0')]
        if template:
            named = self._get_relation_sql('product_tmpl_ids', template.ids)
            terms.append(SQL('4 * (article.id IN (%s))::int', named))
        if categories:
            of_class = self._get_relation_sql('categ_ids', categories)
            terms.append(SQL('2 * (article.id IN (%s))::int', of_class))
        if code_ids:
            for name, weight in (('fault_code_id', 4), ('cause_code_id', 2)):
                column = SQL.identifier(name)
                terms.append(SQL('%s * COALESCE(%s IN %s, FALSE)::int', weight, column, code_ids))
        for word in words:
            for name, weight in (('name', 2), ('symptom', 1)):
                match = self._get_match_sql(name, word)
                terms.append(SQL('%s * COALESCE(%s, FALSE)::int', weight, match))
        return SQL('(%s)', SQL(' + ').join(terms))
