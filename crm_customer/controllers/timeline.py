import logging
import tempfile

from werkzeug.wsgi import wrap_file

from odoo import http
from odoo.exceptions import AccessError
from odoo.http import content_disposition, request

from ..timeline_export import WRITERS

_logger = logging.getLogger(__name__)


class TimelineController(http.Controller):
    @http.route(
        '/crm_customer/timeline/<int:partner_id>/<any(csv, xlsx):extension>',
        type='http',
        auth='user',
        methods=['GET', 'POST'],
        readonly=True,
    )
    def export_timeline(
        self, partner_id, extension, sources=None, search=None, date_from=None, date_to=None, **_kw
    ):
        """Send what the user sees of a customer's time line as a file.

        :param sources: keys of the sources, with commas between them; all when not given
        """
        if not request.env.user.has_group('base.group_allow_export'):
            raise AccessError(request.env._("You may not export. Ask your administrator."))
        partner = request.env['res.partner'].browse(partner_id)
        lines = partner._iter_timeline_export(
            sources=sources.split(',') if sources else None,
            search=search,
            date_from=date_from,
            date_to=date_to,
        )
        content_type, write = WRITERS[extension]
        # On disk, because the connection to the database ends before the answer is read.
        file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the answer
        try:
            write(file, lines)
        except Exception:
            file.close()
            raise
        file.seek(0)
        _logger.info("User %s exported the time line of partner %s", request.env.uid, partner_id)
        name = f"{request.env._('Time Line')} {partner.name or ''}".strip()
        return request.make_response(
            wrap_file(request.httprequest.environ, file),
            headers=[
                ('Content-Type', content_type),
                ('Content-Disposition', content_disposition(f'{name}.{extension}')),
            ],
        )
