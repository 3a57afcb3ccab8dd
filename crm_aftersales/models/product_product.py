from odoo import models


class ProductProduct(models.Model):
    _inherit = 'product.product'

    def _get_warranty_policy(self, company):
        """Return the policy of the product, else of its category or one above, else the company's.

        :param company: a ``res.company``
        :return: an ``aftersales.warranty.policy``, empty where there is none
        """
        self.ensure_one()
        product = self.sudo().with_company(company)
        policy = product.aftersales_warranty_policy_id.filtered('active')
        policy = policy or product.categ_id._get_warranty_policy()
        return policy or company.sudo().aftersales_warranty_policy_id.filtered('active')

    def _get_warranty_months(self, company) -> int:
        """Return the months promised with the product: its own, else those of its policy."""
        if not self:
            return 0
        return self.sudo().aftersales_warranty_months or self._get_warranty_policy(company).months
