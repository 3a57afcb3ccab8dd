from odoo import models

from ..privacy import Redactor


class AccountMove(models.Model):
    _inherit = 'account.move'

    def _erase_personal_texts(self, redactor: Redactor) -> None:
        """Take names and addresses out of texts; entries sealed by a hash stay as they are."""
        self.write({'narration': False})
        free = self.filtered(lambda move: not move.inalterable_hash)
        redactor.redact(free)
        redactor.redact(free.line_ids)
