from odoo import models
from odoo.tools import SQL

from odoo.addons.crm_customer.selfcheck import SelfCheck

DEADLINE_SAMPLE = 500


class CrmSelfcheck(models.Model):
    _inherit = 'crm.selfcheck'

    def _get_checks(self) -> list[SelfCheck]:
        return [
            *super()._get_checks(),
            SelfCheck(
                code='aftersales.deadlines',
                name=self.env._("Stored deadlines equal recomputed deadlines"),
                method='_check_aftersales_deadlines',
            ),
            SelfCheck(
                code='aftersales.warranty',
                name=self.env._("Warranties end when start and period say"),
                method='_check_aftersales_warranty',
            ),
        ]

    def _check_aftersales_deadlines(self) -> tuple[bool, str, int]:
        """Compute the running deadlines again and compare, without writing anything.

        A policy or calendar edited since is a finding as well: "Recompute Deadlines" brings the
        running clocks in line.
        """
        Request = self.env['aftersales.request'].sudo()
        running = Request.search(Request._get_open_domain(), order='id desc', limit=DEADLINE_SAMPLE)
        wrong = Request.union(*running._prepare_sla_values().values())
        return self._to_result(wrong.mapped('number'))

    def _check_aftersales_warranty(self) -> tuple[bool, str, int]:
        """Compute all ends of warranty in the database: months there end like ours."""
        Unit = self.env['aftersales.unit']
        Unit.flush_model(['ref', 'warranty_start', 'warranty_months', 'warranty_end'])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT ref
                  FROM aftersales_unit
                 WHERE warranty_end IS DISTINCT FROM
                       CASE WHEN warranty_months > 0
                            THEN (warranty_start + make_interval(months => warranty_months)
                                  - interval '1 day')::date
                       END
                 ORDER BY id
                """
            )
        )
        return self._to_result([ref for (ref,) in rows])
