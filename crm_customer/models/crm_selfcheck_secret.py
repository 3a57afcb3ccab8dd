from odoo import models

from ..secret import hash_text
from ..selfcheck import SelfCheck
from .crm_person_address import SECRET_PARAMETER


class CrmSelfcheck(models.Model):
    _inherit = 'crm.selfcheck'

    def _get_checks(self):
        return [
            *super()._get_checks(),
            SelfCheck(
                'customer.secret',
                self.env._(
                    "The secret behind the hashes of addresses is the one they were made with"
                ),
                '_check_secret',
            ),
        ]

    def _check_secret(self) -> tuple[bool, str, int]:
        """With another secret nobody who was erased would be recognised: it fails in silence."""
        known = self.env['ir.config_parameter'].sudo().get_param(SECRET_PARAMETER)
        if not known or known == hash_text(SECRET_PARAMETER):
            return True, '', 0
        return False, self.env._("Put the old secret back: see the manual."), 1
