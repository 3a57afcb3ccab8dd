import functools
from collections.abc import Callable
from typing import Self

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools.query import Query

from ..client_call import WEB_CLIENT, get_client_call

#: methods by which the web client fills its screens
SCREEN_METHODS = (
    'web_read', 'web_search_read', 'web_read_group', 'web_save', 'web_save_multi', 'onchange'
)  # fmt: skip

VISIBILITIES = [
    ('all', "All Staff"),
    ('service', "Service"),
    ('confidential', "Confidential"),
]


class CrmVisibilityMixin(models.AbstractModel):
    """Records that all staff may read, or service only, or a confidential group only.

    Record rules say who; the model brings its own (see those of ``crm.customer.note``).  What is
    confidential is moreover for eyes only: members of the group read it in the web client, on the
    screens made for it, while the external API, exports, reports, jobs and every other way into the
    server do not know it, with whatever user.  Nor do domains of other models: a segment of
    customers cannot ask for what is confidential.
    """

    _name = 'crm.visibility.mixin'
    _description = 'Records With a Visibility'

    #: whether confidential records may be read while the web client calls this model: True where
    #: the records themselves keep out of exports, as these do; on other models whose screens show
    #: them, the names of the methods that do
    _shows_confidential = True

    visibility = fields.Selection(
        selection=VISIBILITIES,
        required=True,
        default='all',
        index=True,
    )

    @api.model
    def _get_channel_domain(self) -> Domain:
        """Return the records that may be used where this code runs; record rules come on top."""
        if self._is_confidential_channel():
            return Domain.TRUE
        return Domain('visibility', '!=', 'confidential')

    # Not record rules: those are cached per user, and the same user comes by the web client and by
    # the API.  Every search and every check of access passes one of the two methods below.
    @api.model
    def _search(
        self,
        domain,
        offset: int = 0,
        limit: int | None = None,
        order: str | None = None,
        *,
        active_test: bool = True,
        bypass_access: bool = False,
    ) -> Query:
        if not (self.env.su or bypass_access):
            domain = Domain(domain) & self._get_channel_domain()
        return super()._search(
            domain,
            offset,
            limit,
            order,
            active_test=active_test,
            bypass_access=bypass_access,
        )

    def _check_access(self, operation: str) -> tuple[Self, Callable] | None:
        """Hide what the channel may not see; what the API may do is add."""
        result = super()._check_access(operation)
        if operation == 'create' or not any(self._ids):
            return result
        forbidden, make_error = result or (self.browse(), None)
        hidden = self - forbidden
        hidden -= hidden.sudo().filtered_domain(self._get_channel_domain())
        if not hidden:
            return result
        make_error = make_error or functools.partial(
            self.env['ir.rule']._make_access_error, operation, hidden
        )
        return forbidden | hidden, make_error

    @api.model
    def _is_confidential_channel(self) -> bool:
        """Return whether the web client asks, for a screen that shows such records.

        Without a request the answer is no: the XML-RPC and JSON-RPC interfaces hide theirs.
        """
        call = get_client_call()
        if not call or call.interface != WEB_CLIENT:
            return False
        shows = getattr(self.env.registry.get(call.model), '_shows_confidential', ())
        return shows is True or call.method in shows

    def _export_rows(self, fields, *, _is_toplevel_call=True):
        """Leave confidential records out of exports, also of those of records that link to them."""
        open_records = self.filtered(lambda record: record.visibility != 'confidential')
        return super(CrmVisibilityMixin, open_records)._export_rows(
            fields, _is_toplevel_call=_is_toplevel_call
        )
