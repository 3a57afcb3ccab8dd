from odoo import models
from odoo.tools import SQL

from odoo.addons.crm_customer.selfcheck import SelfCheck

from ..warranty import UNIT_LAYERS

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
                name=self.env._("Products are in warranty as long as their certificates say"),
                method='_check_aftersales_warranty',
            ),
            SelfCheck(
                code='aftersales.owners',
                name=self.env._("The history of owners has no gap and ends with the present one"),
                method='_check_aftersales_owners',
            ),
        ]

    def _check_aftersales_deadlines(self) -> tuple[bool, str, int]:
        """Compute running clocks again from their events and compare, without writing anything.

        Working hours edited since are a finding as well: "Recompute Clocks" brings the running
        clocks in line.
        """
        Request = self.env['aftersales.request'].sudo()
        running = Request.search(Request._get_open_domain(), order='id desc', limit=DEADLINE_SAMPLE)
        is_right, numbers, count = self._to_result(running._get_wrong_clocks().mapped('number'))
        if is_right:
            return is_right, numbers, count
        message = self.env._(
            "Working hours or policies were edited since: *Recompute Clocks* in the list of"
            " requests applies them. %(numbers)s",
            numbers=numbers,
        )
        return is_right, message, count

    def _check_aftersales_warranty(self) -> tuple[bool, str, int]:
        """Compare what products show with their certificates, and these with their months."""
        fields_of_unit = ['ref', 'warranty_start', 'warranty_months', 'warranty_end']
        self.env['aftersales.unit'].flush_model(fields_of_unit)
        self.env['aftersales.warranty'].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT unit.ref
                  FROM aftersales_unit unit
                  LEFT JOIN aftersales_warranty warranty
                         ON warranty.unit_id = unit.id AND warranty.state = 'active'
                        AND warranty.layer IN %s
                 GROUP BY unit.id
                HAVING max(warranty.date_end) IS DISTINCT FROM unit.warranty_end
                    OR min(warranty.date_start) <> unit.warranty_start
                    OR bool_or(warranty.start_event <> 'replacement'
                               AND warranty.date_end IS DISTINCT FROM
                                   (warranty.date_start
                                    + make_interval(months => warranty.months) - interval '1 day'
                                    + make_interval(days => COALESCE(warranty.repair_days, 0)))
                                   ::date)
                 ORDER BY unit.id
                """,
                UNIT_LAYERS,
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
