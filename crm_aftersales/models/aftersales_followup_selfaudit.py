from odoo import fields, models


class AftersalesFollowup(models.Model):
    """A bad score of a customer starts a review among ourselves."""

    _inherit = 'aftersales.followup'

    selfaudit_ids = fields.One2many(
        comodel_name='aftersales.selfaudit', inverse_name='followup_id', string="Internal Reviews"
    )

    def _opened_after_hook(self):
        result = super()._opened_after_hook()
        self.env['aftersales.selfaudit']._start(self)
        return result

    def action_view_selfaudit(self) -> dict:
        """Open the internal review of the score.

        :return: window action
        """
        self.ensure_one()
        return self.selfaudit_ids[:1].get_formview_action()
