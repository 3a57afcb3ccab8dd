from odoo import fields, models
from odoo.exceptions import AccessError


class PosOrder(models.Model):
    """Exceptions as a list of work: what was wrong, and whether somebody saw to it."""

    _inherit = 'pos.order'

    loyalty_exception_text = fields.Text(string="What Was Wrong", readonly=True, copy=False)
    loyalty_exception_open = fields.Boolean(
        string="To Look At",
        readonly=True,
        copy=False,
        help="Nobody has seen to the exception yet.",
    )

    def _note_exception(self, reason: str, text: str) -> None:
        res = super()._note_exception(reason, text)
        texts = [*(self.sudo().loyalty_exception_text or '').splitlines(), text]
        self._settling().write(
            {
                'loyalty_exception_text': '\n'.join(dict.fromkeys(texts)),
                'loyalty_exception_open': True,
            }
        )
        return res

    def action_close_exception(self) -> None:
        """Note that somebody saw to these exceptions.

        :raise AccessError: the user does not administer the point of sale
        """
        if not self.env.su and not self.env.user.has_group('point_of_sale.group_pos_manager'):
            raise AccessError(self.env._("Exceptions of tills are closed by administrators only."))
        for order in self.filtered('loyalty_exception_open'):
            order._settling().loyalty_exception_open = False
            order.message_post(body=self.env._("Somebody saw to the points exception."))
