from odoo import models


class PrivacyLookupWizardLine(models.TransientModel):
    _inherit = 'privacy.lookup.wizard.line'

    def action_erase_personal_data(self) -> dict:
        """Erase the contact of this line with all that belongs to it, instead of deleting it."""
        self.ensure_one()
        partner = self.env['res.partner'].browse(self.res_id)
        action = partner.action_erase_personal_data()
        self.execution_details = self.env._("Erasing of contact #%s opened", partner.id)
        return action
