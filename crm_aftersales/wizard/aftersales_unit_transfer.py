from odoo import api, fields, models


class AftersalesUnitTransfer(models.TransientModel):
    """To whom products were handed over, when and why."""

    _name = 'aftersales.unit.transfer'
    _description = "Transfer of Ownership"

    unit_ids = fields.Many2many(
        comodel_name='aftersales.unit', string="Customer Products", required=True
    )
    partner_id = fields.Many2one(
        comodel_name='res.partner', string="New Owner", required=True, index=True
    )
    date = fields.Date(
        string="Handed Over on",
        compute='_compute_date',
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    reason = fields.Char()

    @api.depends('unit_ids')
    def _compute_date(self):
        for wizard in self:
            wizard.date = wizard.date or wizard.unit_ids._get_transfer_day()

    def action_transfer(self) -> dict:
        """Hand the products over.

        :return: window action
        """
        self.ensure_one()
        self.unit_ids._transfer(self.partner_id, self.date, self.reason or '')
        return {'type': 'ir.actions.act_window_close'}
