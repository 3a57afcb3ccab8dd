from __future__ import annotations

from odoo import fields, models

#: type of the to-do about a product that is to be looked at
INSPECTION = 'crm_aftersales.mail_activity_inspection'


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
        self._settle_inspections()

    def _get_extensions_to_inspect(self):
        """Return extended warranties that were sold after the warranty before was over.

        What is not started though there is something it could follow, waits for an inspection.
        """
        self.ensure_one()
        if not self._get_first_warranties():
            return self.env['aftersales.warranty']
        return self.warranty_ids.filtered(
            lambda warranty: warranty.layer == 'extended' and warranty.state == 'draft'
        )

    def _ask_for_inspection(self, user) -> None:
        """Give a user a to-do to look at the product, once; nobody when he cannot open it.

        :param user: who sold the extended warranty; who acts when nobody did
        """
        self.ensure_one()
        user = user.filtered('active') or self.env.user
        activity_type = self.env.ref(INSPECTION, raise_if_not_found=False)
        if not activity_type or not user._is_internal() or user._is_superuser():
            return
        if self.activity_search([INSPECTION]):
            return
        # in his companies: who acts may be in others, and there he could not even be asked
        his = self.with_user(user).with_context(allowed_company_ids=user.company_ids.ids)
        if his.has_access('read'):
            summary = activity_type.with_context(lang=user.lang).summary
            self.activity_schedule(INSPECTION, user_id=user.id, summary=summary)

    def _settle_inspections(self) -> None:
        """Take back to-dos about products of which nothing waits any more."""
        extended = self.sudo().filtered(
            lambda unit: 'extended' in unit.warranty_ids.mapped('layer')
        )
        done = extended.filtered(lambda unit: not unit._get_extensions_to_inspect())
        if done:
            done.activity_unlink([INSPECTION])
