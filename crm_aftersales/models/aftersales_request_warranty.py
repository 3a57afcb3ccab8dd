from odoo import models


class AftersalesRequest(models.Model):
    """A request is judged by the warranty on the day of the fault."""

    _inherit = 'aftersales.request'

    def action_check_warranty(self) -> dict:
        """Show whether what is asked for is covered, why, and until when.

        :return: window action
        """
        self.ensure_one()
        action = self.unit_id.action_check_warranty()
        day = self.unit_id._get_customer_day(self._get_fault_moment())
        context = {'default_request_id': self.id, 'default_date': day}
        return {**action, 'context': {**action['context'], **context}}
