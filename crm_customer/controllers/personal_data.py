import io
import json
import zipfile

from odoo import http
from odoo.http import content_disposition, request

from ..rights import ensure_manager


class PersonalDataController(http.Controller):
    @http.route('/crm_customer/personal_data/<int:partner_id>', type='http', auth='user')
    def personal_data(self, partner_id):
        """Send all that is held of a customer: as a page to read and as data to process."""
        ensure_manager(request.env)
        partner = request.env['res.partner'].browse(partner_id).exists()
        if not partner:
            return request.not_found()
        partner.check_access('read')
        content = self._pack(partner, partner._get_personal_data())
        headers = [
            ('Content-Type', 'application/zip'),
            ('Content-Length', len(content)),
            ('Content-Disposition', content_disposition(f'personal_data_{partner.id}.zip')),
            ('Cache-Control', 'no-store'),
        ]
        return request.make_response(content, headers)

    def _pack(self, partner, data: dict) -> bytes:
        """Return the zip file of a customer's data with the files kept on his contact."""
        buffer = io.BytesIO()
        page = request.env['ir.qweb']._render('crm_customer.personal_data_page', {'export': data})
        with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
            archive.writestr('personal_data.html', '<!DOCTYPE html>' + str(page))
            archive.writestr('personal_data.json', json.dumps(data, ensure_ascii=False, indent=2))
            for name, content in partner._get_personal_files():
                archive.writestr(f'files/{name}', content)
        return buffer.getvalue()
