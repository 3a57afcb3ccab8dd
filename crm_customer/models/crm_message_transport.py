from odoo import models


class CrmMessage(models.Model):
    _inherit = 'crm.message'

    def _enqueue(self) -> None:
        """Write the messages and hand them over, in the transaction that decided to send them."""
        self._release()
