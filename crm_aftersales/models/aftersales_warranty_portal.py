from odoo import models


class AftersalesWarranty(models.Model):
    """The certificate as a file for the owner."""

    _inherit = 'aftersales.warranty'

    def _get_report_base_filename(self) -> str:
        """Return the name of the file, without ending."""
        return self.env._("Warranty %s", self.unit_id[:1].ref)
