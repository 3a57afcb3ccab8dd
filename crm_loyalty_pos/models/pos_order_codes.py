from odoo import fields, models


class PosOrder(models.Model):
    """Rules of managed programs that give points only when their code is entered."""

    _inherit = 'pos.order'

    loyalty_rule_ids = fields.Many2many(
        'loyalty.rule',
        string="Codes Entered",
        copy=False,
        help="Rules with a code that was entered at the till.",
    )

    def _get_opened_rules(self):
        # pages for self-ordering ask for no codes
        if self._is_self_ordered():
            return super()._get_opened_rules()
        return self.sudo().loyalty_rule_ids
