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
            SelfCheck(
                code='aftersales.owners',
                name=self.env._("The history of owners has no gap and ends with the present one"),
                method='_check_aftersales_owners',
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

    def _check_aftersales_owners(self) -> tuple[bool, str, int]:
        """Compare each product's owners with the one before, and the last with the product's."""
        self.env['aftersales.unit'].flush_model(['ref', 'partner_id'])
        self.env['aftersales.unit.owner'].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT unit.ref
                  FROM aftersales_unit unit
                  LEFT JOIN (SELECT owner.*,
                                    lead(date_from) OVER (PARTITION BY unit_id
                                                              ORDER BY date_from) AS next_from
                               FROM aftersales_unit_owner owner) owner ON owner.unit_id = unit.id
                 GROUP BY unit.id
                HAVING bool_or(owner.date_to IS DISTINCT FROM owner.next_from)
                    OR count(*) FILTER (WHERE owner.partner_id = unit.partner_id
                                          AND owner.date_to IS NULL) <> 1
                 ORDER BY unit.id
                """
            )
        )
        return self._to_result([ref for (ref,) in rows])
