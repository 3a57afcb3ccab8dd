from __future__ import annotations

from odoo import fields, models


class AftersalesUnit(models.Model):
    """Extended warranties go on where the warranty before ends."""

    _inherit = 'aftersales.unit'

    def _prepare_extension_vals(self, line) -> dict:
        """Return an extended warranty that was sold and has not started yet.

        :param line: the ``sale.order.line`` it was sold with
        """
        self.ensure_one()
        product = line.product_id.with_company(self.company_id)
        policy = product.aftersales_warranty_policy_id.filtered('active')
        before = self._get_first_warranties()[:1]
        if before and not policy:
            terms = {**before.terms, 'policy_id': before.policy_id.id, 'statutory_months': 0}
        else:
            policy = policy or self._get_warranty_policy()
            terms = {**policy._prepare_terms(), 'policy_id': policy.id}
        sold = self._get_customer_day(line.order_id.date_order)
        return {
            'unit_id': self.id,
            'company_id': self.company_id.id,
            'layer': 'extended',
            'state': 'draft',
            'policy_id': terms['policy_id'],
            'terms': {
                **terms,
                'extension_start': product.aftersales_extension_start,
                'sold_on': fields.Date.to_string(sold),
            },
            'months': product.aftersales_extension_months,
            'sale_line_id': line.id,
            'reason': self.env._("Begins with the warranty before"),
            # known when it starts
            'date_start': False,
            'meter_end': 0,
        }

    def _settle_extensions(self) -> None:
        """Let extended warranties begin where the ones before end, each after the other.

        One that was sold when the warranty before was over already has a gap, in which the product
        may have broken: it waits until somebody has looked at it.
        """
        for unit in self.sudo():
            first = unit._get_first_warranties()
            end = max(first.mapped('date_end'), default=None)
            limit = max(first.mapped('meter_end'), default=0)
            alive = unit.warranty_ids.filtered(
                lambda warranty: (
                    warranty.layer == 'extended' and warranty.state in ('draft', 'active')
                )
            )
            for warranty in alive.sorted('id'):
                extension = warranty._settle_extension(end, limit)
                if extension.date_end:
                    end = max(end or extension.date_end, extension.date_end)
                    limit = max(limit, extension.meter_end)
