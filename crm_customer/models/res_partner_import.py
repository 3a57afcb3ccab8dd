from odoo import models
from odoo.tools import SQL

from ..privacy import Redactor


class ResPartner(models.Model):
    _inherit = 'res.partner'

    def _erase_loose_texts(self, redactor: Redactor) -> None:
        self._forget_imported_files(redactor)
        return super()._erase_loose_texts(redactor)

    def _forget_imported_files(self, redactor: Redactor) -> None:
        """Drop the files that were only checked and name the customer; their rows show it."""
        if not redactor.pattern:
            return
        self.env['crm.import.row'].sudo().flush_model()
        rows = self.env.execute_query(
            SQL(
                'SELECT DISTINCT import_id FROM crm_import_row'
                " WHERE concat_ws(' ', cells::text, key, match_key, reason) ~* %s",
                redactor.pattern,
            )
        )
        self.env['crm.import'].sudo().browse(id_ for (id_,) in rows)._forget_file()
