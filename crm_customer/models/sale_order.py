from odoo import api, models
from odoo.tools import format_amount

from ..timeline import TimelineText


class SaleOrder(models.Model):
    _name = 'sale.order'
    _inherit = ['sale.order', 'crm.import.mixin']

    def _get_timeline_texts(self) -> dict[int, TimelineText]:
        """Return what a customer's time line says about these orders."""
        states = dict(self._fields['state']._description_selection(self.env))
        return {
            order.id: TimelineText(
                title=f'{order.type_name} {order.name}',
                body=format_amount(self.env, order.amount_total, order.currency_id),
                state=states.get(order.state, ''),
            )
            for order in self
        }

    @api.model
    def get_import_templates(self) -> list[dict]:
        return [
            *super().get_import_templates(),
            {
                'label': self.env._("Import Template for Past Orders"),
                'template': '/crm_customer/static/import/past_orders.xlsx',
            },
        ]
