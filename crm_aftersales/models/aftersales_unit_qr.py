from __future__ import annotations

import base64
import secrets

from reportlab.graphics.barcode import createBarcodeDrawing

from odoo import api, fields, models
from odoo.fields import Domain

#: random bytes of a code: 192 bits, nobody finds one by trying
TOKEN_BYTES = 24


class AftersalesUnit(models.Model):
    """A code on the product itself: whoever scans it reports a fault and finds the manuals.

    It is not the key of the portal, and its page shows nothing of the owner. Made when it is needed
    first, so that an installed base without labels costs nothing.
    """

    _name = 'aftersales.unit'
    _inherit = ['aftersales.unit', 'crm.system.mixin']

    qr_token = fields.Char(
        string="QR Code", readonly=True, copy=False, groups='crm_aftersales.group_own'
    )

    _qr_token_unique = models.UniqueIndex('(qr_token) WHERE qr_token IS NOT NULL')

    @api.model
    def _get_system_fields(self):
        return super()._get_system_fields() | {'qr_token'}

    @api.model
    def _find_by_qr_token(self, token: str):
        """Return the product in use whose label was scanned, in elevated rights, or none."""
        domain = Domain('qr_token', '=', token) & Domain('state', 'not in', ('draft', 'retired'))
        return self.sudo().search(domain, limit=1) if token else self.sudo()

    def _get_qr_url(self) -> str:
        """Return what the label of the product says to who scans it."""
        self.ensure_one()
        unit = self.sudo()
        if not unit.qr_token:
            unit._renew_qr_token()
        return f'{unit.company_id.get_base_url()}/s/{unit.qr_token}'

    def _get_qr_image(self) -> str:
        """Return the code of the label as a drawing, sharp in every size, in a data URI."""
        drawing = createBarcodeDrawing('QR', value=self._get_qr_url(), barLevel='M', barBorder=2)
        image = base64.b64encode(drawing.asString('svg').encode()).decode()
        return f'data:image/svg+xml;base64,{image}'

    def _renew_qr_token(self) -> None:
        for unit in self.sudo():
            unit.qr_token = secrets.token_urlsafe(TOKEN_BYTES)

    def action_renew_qr(self) -> None:
        """Give the products new codes; labels printed before lead nowhere."""
        self.check_access('write')
        self._renew_qr_token()
        for unit in self:
            unit._message_log(body=self.env._("The QR code is a new one; old labels are void."))
