from odoo import http
from odoo.http import request
from odoo.tools.pdf import merge_pdf

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
        return self._send_certificates(warranties)

    def _send_certificates(self, warranties):
        """Answer with certificates as one file.

        They are rendered one by one: the wkhtmltopdf of most distributions refuses several
        documents at once.
        """
        files = [
            self._show_report(
                model=warranty,
                report_type='pdf',
                report_ref='crm_aftersales.action_report_warranty',
                download=True,
            )
            for warranty in warranties
        ]
        response = files[0]
        if len(files) > 1:
            response.set_data(merge_pdf([file.get_data() for file in files]))
        return response
