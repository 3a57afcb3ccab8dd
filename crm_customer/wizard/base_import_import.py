from odoo import api, models

from odoo.addons.base_import.models.base_import import FIELDS_RECURSION_LIMIT


class BaseImportImport(models.TransientModel):
    _inherit = 'base_import.import'

    @api.model
    def get_fields_tree(self, model, depth=FIELDS_RECURSION_LIMIT):
        """Offer the status of sales orders, which is read-only on screen.

        Past orders come in as confirmed ones and keep their date; confirming them one by one
        would date them today.
        """
        tree = super().get_fields_tree(model, depth)
        if model == 'sale.order' and depth and all(field['name'] != 'state' for field in tree):
            tree.append(self._prepare_order_state_field())
        return tree

    @api.model
    def _prepare_order_state_field(self) -> dict:
        return {
            'id': 'state',
            'name': 'state',
            'string': self.env['sale.order'].fields_get(['state'], ['string'])['state']['string'],
            'required': False,
            'fields': [],
            'type': 'selection',
            'model_name': 'sale.order',
        }
