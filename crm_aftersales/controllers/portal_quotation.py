from odoo import http
from odoo.http import request

from odoo.addons.sale.controllers.portal import CustomerPortal


class QuotationPortal(CustomerPortal):
    """Quotations of services on core's page of an order."""

    @http.route()
    def portal_quote_decline(self, *args, decline_message=None, **kwargs):
        """Let the request know who declined, and why: core goes on as the superuser."""
        request.update_context(aftersales_declined=True, aftersales_decline_reason=decline_message)
        return super().portal_quote_decline(*args, decline_message=decline_message, **kwargs)
