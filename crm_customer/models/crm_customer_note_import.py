from odoo import models
from odoo.exceptions import UserError

from .crm_import_mixin import EXISTING, get_changes


class CrmCustomerNote(models.Model):
    _inherit = 'crm.customer.note'

    def _load_records_write(self, values):
        """Know a confidential note of an earlier file again, where the job may not read it."""
        existing = self.env.context.get(EXISTING)
        if not existing or not self._is_closed_to_channel():
            return super()._load_records_write(values)
        if get_changes(self.sudo(), values, existing):
            raise UserError(
                self.env._("This note is confidential and there already: change it on screen.")
            )
        self.env.context['crm_import_tally'].found.add(self.id)
        return None

    def _is_closed_to_channel(self) -> bool:
        """Return whether a member of the confidential group is kept out by the way he comes."""
        if self._is_confidential_channel():
            return False
        is_member = self.env.user.has_group('crm_customer.group_note_confidential')
        return is_member and self.sudo().visibility == 'confidential'
