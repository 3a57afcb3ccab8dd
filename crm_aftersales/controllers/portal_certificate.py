from odoo import http
from odoo.http import request

from .portal import AftersalesPortal


class AftersalesCertificatePortal(AftersalesPortal):
    @http.route(
        '/my/equipment/<int:unit_id>/warranty',
        type='http',
        auth='user',
        methods=['GET'],
        website=True,
    )
    def portal_warranty_certificate(self, unit_id, **kwargs):
        """Send the warranty certificates of a product to its owner, as one file."""
        unit_sudo = self._get_document('aftersales.unit', unit_id, None)
        if not unit_sudo or not self._is_own(unit_sudo):
            return request.redirect('/my')
        warranties = unit_sudo.sudo()._get_portal_warranties()
        if not warranties:
            return request.redirect(unit_sudo.access_url)
        return self._show_report(
            model=warranties,
            report_type='pdf',
            report_ref='crm_aftersales.action_report_warranty',
            download=True,
        )
