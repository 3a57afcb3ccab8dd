from odoo import models

from ..privacy import Redactor


class AccountMove(models.Model):
    _inherit = 'account.move'

    def _erase_personal_texts(self, redactor: Redactor) -> None:
        """Take names and addresses out of texts, but of none that a hash seals."""
        self.write({'narration': False})
        sealed = self.filtered('inalterable_hash')
        for records in (self - sealed, (self - sealed).line_ids):
            redactor.redact(records)
        for records in (sealed, sealed.line_ids):
            kept = {*records._get_integrity_hash_fields(), 'inalterable_hash'}
            redactor.redact(
                records, [name for name in redactor.get_text_columns(records) if name not in kept]
            )
