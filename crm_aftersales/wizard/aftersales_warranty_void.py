from odoo import fields, models


class AftersalesWarrantyVoid(models.TransientModel):
    """Why warranties are declared void."""

    _name = 'aftersales.warranty.void'
    _description = "Declare Warranties Void"

    warranty_ids = fields.Many2many(
        comodel_name='aftersales.warranty', string="Warranties", required=True
    )
    reason = fields.Char(required=True)

    def action_void(self) -> dict:
        """Declare the warranties void.

        :return: window action
        """
        self.ensure_one()
        self.env['aftersales.warranty']._ensure_can_grant()
        warranties = self.warranty_ids.sudo()
        warranties._end(self.reason)
        warranties.unit_id._settle_extensions()
        return {'type': 'ir.actions.act_window_close'}
