from __future__ import annotations

from typing import TYPE_CHECKING

from odoo import models
from odoo.tools import SQL

from ..erasure import redact_keyed

if TYPE_CHECKING:
    from odoo.addons.crm_customer.privacy import Redactor


class LoyaltyHistory(models.Model):
    """The texts of the ledger lose the name of who was erased, and nothing else changes."""

    _inherit = 'loyalty.history'

    def _erase_names(self, redactor: Redactor) -> None:
        """Take a customer out of the texts of these rows, also of those under seal.

        A seal that was whole before is whole afterwards and says why its rows are others; one that
        was broken stays so.

        :param redactor: takes names out of texts
        """
        if not self:
            return
        seals = self.env['loyalty.seal'].sudo()
        seals._claim_chain(self.sudo().card_id.program_id)
        sealed = SQL(
            'row.id IN %s AND (%s OR %s)',
            tuple(self.ids),
            redactor.get_match_sql(SQL('row.origin')),
            redactor.get_match_sql(SQL('row.key')),
        )
        intact = seals._get_intact(sealed)
        redact_keyed(redactor, self, ('description', 'origin'))
        seals.browse(intact)._accept_rows(self.env._("Personal data were erased."))
