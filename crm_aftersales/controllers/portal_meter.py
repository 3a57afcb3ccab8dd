from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from .portal import DONE, AftersalesPortal

#: readings one customer may send in an hour
MAX_READINGS = 60


class AftersalesMeterPortal(AftersalesPortal):
    @http.route(
        '/my/equipment/<int:unit_id>/meter',
        type='http',
        auth='user',
        methods=['POST'],
        website=True,
    )
    def portal_read_meter(self, unit_id, value='', **post):
        """Enter what the owner has read."""
        unit_sudo = self._get_document('aftersales.unit', unit_id, None)
        if not unit_sudo or not self._is_own(unit_sudo):
            return request.redirect('/my')
        request.session[DONE] = self._read_meter(unit_sudo, value)
        return request.redirect(unit_sudo.access_url)

    def _read_meter(self, unit_sudo, value: str) -> tuple[str, str]:
        """Enter a reading; return the level and text of what the page says then."""
        env = request.env
        key = str(unit_sudo.commercial_partner_id.id)
        if not env['crm.rate.limit']._hit('aftersales.meter', key, MAX_READINGS, 3600):
            return 'danger', env._("You have sent many readings lately. Please try again later.")
        try:
            number = float(self._clean(value).replace(',', '.') or 'nan')
            reading = unit_sudo.with_env(env(su=True))._read_meter_from_portal(number)
        except ValueError:
            return 'danger', env._("Please enter what the meter shows, as a number.")
        except UserError as error:
            return 'danger', str(error)
        if reading.state == 'suspect':
            return 'warning', env._("Thank you. The reading is unusual: we will look at it.")
        return 'success', env._("Thank you for the reading.")
