from odoo import models


class AccountMove(models.Model):
    _inherit = 'account.move'

    def _loyalty_true_up(self) -> None:
        res = super()._loyalty_true_up()
        credits = self.filtered(lambda move: move.move_type == 'out_refund').sudo()
        credits.reversed_entry_id.pos_order_ids._loyalty_true_up()
        return res
