from odoo import models

#: states in which a message can still be stopped
STOPPABLE = ('planned', 'queued', 'failed')


class CrmMessage(models.Model):
    _inherit = 'crm.message'

    def _erase_personal_texts(self) -> None:
        """Take the texts out; what has not left never will."""
        self.write(
            {'subject': False, 'content_values': False, 'address_hash': False, 'failure': False}
        )
        waiting = self.filtered(lambda message: message.state in STOPPABLE)
        waiting.write({'state': 'refused', 'reason': 'erased'})
