from odoo import http
from odoo.http import request

from odoo.addons.sale.controllers.portal import CustomerPortal


class QuotationPortal(CustomerPortal):
    """Quotations of services on core's page of an order."""

    @http.route()
    def portal_quote_decline(self, *args, **kwargs):
        """Let the request know who declined: core goes on as the superuser."""
        request.update_context(aftersales_declined=True)
        return super().portal_quote_decline(*args, **kwargs)
