import functools

from odoo import api, models
from odoo.fields import Domain
from odoo.tools import SQL

RATED = 'aftersales.request'


class RatingRating(models.Model):
    """A rating of a request is for who may see the request.

    Core shows ratings to every employee, of whatever company: who rated what, and his words.
    """

    _inherit = 'rating.rating'

    # the list of ratings in its order: the first page asks for the requests of that page alone
    _of_requests_idx = models.Index(
        "(write_date DESC, id DESC) WHERE res_model = 'aftersales.request'"
    )

    @api.model
    def _search(self, domain, *args, bypass_access=False, **kwargs):
        if not (self.env.su or bypass_access):
            domain = Domain(domain) & self._get_readable_request_domain()
        return super()._search(domain, *args, bypass_access=bypass_access, **kwargs)

    @api.model
    def _get_readable_request_domain(self) -> Domain:
        """Return the domain of the ratings that are of no request, or of one the user reads.

        The request of a rating is looked up by its id.  EXISTS would be answered from a list of all
        requests the user reads, which is made first, however few ratings are asked for.
        """

        def to_sql(model, alias, query):
            return SQL(
                '(%s IS DISTINCT FROM %s OR (%s) IS NOT NULL)',
                model._field_to_sql(alias, 'res_model', query),
                RATED,
                self._select_readable_request(model._field_to_sql(alias, 'res_id', query)),
            )

        return Domain.custom(to_sql=to_sql)

    @api.model
    def _select_readable_request(self, res_id: SQL) -> SQL:
        """Return the query of the request of a rating, if the user may read it.

        :param res_id: column of the rating
        """
        requests = self.env[RATED].with_context(active_test=False)
        if not requests.has_access('read'):
            return SQL('SELECT NULL WHERE FALSE')
        query = requests._search([])
        query.add_where(SQL('%s = %s', SQL.identifier(query.table, 'id'), res_id))
        return query.select()

    def _check_access(self, operation):
        result = super()._check_access(operation)
        if self.env.su or not self or (result and result[0] == self):
            return result
        hidden = self._filter_of_hidden_requests('read' if operation == 'read' else 'write')
        if not hidden:
            return result
        forbidden = hidden | result[0] if result else hidden
        make_error = functools.partial(self.env['ir.rule']._make_access_error, operation, forbidden)
        return forbidden, make_error

    def _filter_of_hidden_requests(self, operation: str):
        """Return the ratings of requests on which the user may not do something.

        :param operation: ``read`` or ``write``
        """
        rated = {rating.id: rating.res_id for rating in self.sudo() if rating.res_model == RATED}
        requests = self.env[RATED].browse(set(rated.values())).exists()
        allowed = set(requests._filtered_access(operation).ids)
        return self.browse(
            rating_id for rating_id, request_id in rated.items() if request_id not in allowed
        )
