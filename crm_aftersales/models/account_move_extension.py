from odoo import models


class AccountMove(models.Model):
    """Who is refunded an extended warranty has none any more."""

    _inherit = 'account.move'

    def _post(self, soft=True):
        posted = super()._post(soft)
        posted._get_aftersales_order_lines()._settle_extended_warranties()
        return posted

    def button_draft(self):
        result = super().button_draft()
        self._get_aftersales_order_lines()._settle_extended_warranties()
        return result
