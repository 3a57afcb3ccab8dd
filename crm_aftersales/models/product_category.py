from odoo import fields, models


class ProductCategory(models.Model):
    _inherit = 'product.category'

    aftersales_warranty_policy_id = fields.Many2one(
        comodel_name='aftersales.warranty.policy',
        string="Warranty Policy",
        company_dependent=True,
        check_company=True,
        help="Of products of the category and those below it that have none of their own.",
    )

    def _get_warranty_policy(self):
        """Return the policy of the category, else of the one above it; empty where none has one.

        :return: an ``aftersales.warranty.policy``, as the company in the environment has it
        """
        category, policy = self, self.env['aftersales.warranty.policy']
        while category and not policy:
            policy = category.aftersales_warranty_policy_id.filtered('active')
            category = category.parent_id
        return policy
