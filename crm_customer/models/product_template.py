from odoo import api, models


class ProductTemplate(models.Model):
    _name = 'product.template'
    _inherit = ['product.template', 'crm.import.mixin']

    @api.model
    def get_import_templates(self) -> list[dict]:
        return [
            *super().get_import_templates(),
            {
                'label': self.env._("Import Template for Products of Past Orders"),
                'template': '/crm_customer/static/import/products.xlsx',
            },
        ]
