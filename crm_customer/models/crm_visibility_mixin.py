from odoo import api, fields, models
from odoo.fields import Domain
from odoo.http import request

#: where the web client reads and writes; programs have other addresses, files for download too
WEB_CLIENT_PATH = '/web/dataset/'


class CrmVisibilityMixin(models.AbstractModel):
    """Records that all staff may read, or service only, or a confidential group only.

    Record rules say who; the model brings its own (see those of ``crm.customer.note``).  What is
    confidential is moreover for eyes only: members of the group read it in the web client, while
    the external API, exports, reports and every other address of the server do not know it, with
    whatever user.
    """

    _name = 'crm.visibility.mixin'
    _description = 'Records With a Visibility'

    visibility = fields.Selection(
        selection=[
            ('all', "All Staff"),
            ('service', "Service"),
            ('confidential', "Confidential"),
        ],
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

    @api.model
    def _is_confidential_channel(self) -> bool:
        """Return whether the web client asks, or the server itself."""
        return not request or request.httprequest.path.startswith(WEB_CLIENT_PATH)

    def _export_rows(self, fields, *, _is_toplevel_call=True):
        """Leave confidential records out of exports, also of those of records that link to them."""
        open_records = self.filtered(lambda record: record.visibility != 'confidential')
        return super(CrmVisibilityMixin, open_records)._export_rows(
            fields, _is_toplevel_call=_is_toplevel_call
        )
