from odoo import models
from odoo.exceptions import ValidationError
from odoo.fields import Command

from ..ledger import to_points


class LoyaltyCardUpdateBalance(models.TransientModel):
    """Core's way to change a balance has the same limit as ours."""

    _inherit = 'loyalty.card.update.balance'

    def action_update_card_point(self):
        self.ensure_one()
        card = self.card_id
        change = to_points(self.new_balance) - to_points(self.old_balance)
        over = card.is_member and card.sudo()._get_over_limit({card.id: abs(change)})
        if not over or self.env.su or self.new_balance < 0:
            return super().action_update_card_point()
        if not change:
            raise ValidationError(self.env._("The balance is this already."))
        card.check_access('write')
        request = self.env['loyalty.request']._submit(
            [
                {
                    'program_id': card.program_id.id,
                    'operation': 'grant' if change > 0 else 'take',
                    'note': self.description,
                    'line_ids': [
                        Command.create({'card_id': card.id, 'points': float(abs(change))})
                    ],
                }
            ]
        )
        return request.with_env(self.env)._get_result_action()
