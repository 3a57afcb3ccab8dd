from odoo import api, fields, models

from ..days import check_days


class AftersalesUnit(models.Model):
    """When a product was installed and invoiced."""

    _inherit = 'aftersales.unit'

    date_installed = fields.Date(string="Installed on", copy=False, tracking=True)
    date_invoiced = fields.Date(
        string="Invoiced on",
        copy=False,
        tracking=True,
        help="Filled by the first posted invoice of the piece.",
    )

    @api.constrains(lambda self: self._get_entered_days())
    def _check_days(self):
        check_days(self, *self._get_entered_days())

    @api.model
    def _get_entered_days(self) -> tuple[str, ...]:
        """Return the fields of days that are entered, or follow from what is."""
        return ('date_delivered', 'date_installed', 'date_invoiced', 'warranty_start')
