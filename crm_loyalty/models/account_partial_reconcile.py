from odoo import models


class AccountPartialReconcile(models.Model):
    """A payment that is taken away from an invoice."""

    _inherit = 'account.partial.reconcile'

    def unlink(self):
        moves = self.debit_move_id.move_id | self.credit_move_id.move_id
        res = super().unlink()
        moves.exists()._loyalty_true_up()
        return res
