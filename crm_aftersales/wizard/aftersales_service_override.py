from odoo import fields, models

from ..coverage import PAYERS


class AftersalesServiceOverride(models.TransientModel):
    """A manager decides who pays, and says why."""

    _name = 'aftersales.service.override'
    _description = "Decision Who Pays for a Service"

    line_ids = fields.Many2many(
        comodel_name='aftersales.service.line',
        string="Lines",
        domain=[('display_type', '=', False)],
        required=True,
    )
    payer = fields.Selection(selection=PAYERS, required=True, default='goodwill')
    customer_percent = fields.Float(
        string="Customer's Share (%)", digits=(5, 2), help="The other payer bears the rest."
    )
    reason = fields.Char(required=True, help="For colleagues; the customer does not read it.")

    def action_override(self):
        """Enter the decision."""
        self.ensure_one()
        self.line_ids._override(self.payer, self.customer_percent, self.reason)
