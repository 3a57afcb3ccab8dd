from odoo import models
from odoo.tools import SQL

from odoo.addons.crm_customer.selfcheck import SelfCheck


class CrmSelfcheck(models.Model):
    """Whether the totals of meters are what their readings say."""

    _inherit = 'crm.selfcheck'

    def _get_checks(self) -> list[SelfCheck]:
        return [
            *super()._get_checks(),
            SelfCheck(
                code='aftersales.meters',
                name=self.env._("Totals of meters follow from their readings"),
                method='_check_aftersales_meters',
            ),
        ]

    def _check_aftersales_meters(self) -> tuple[bool, str, int]:
        """Compute the total of each reading that counts from the one before, in the database."""
        self.env['aftersales.meter.reading'].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT unit.ref
                  FROM (SELECT reading.*,
                               lag(value) OVER by_day AS value_last,
                               lag(total) OVER by_day AS total_last
                          FROM aftersales_meter_reading reading
                         WHERE state = 'ok'
                        WINDOW by_day AS (PARTITION BY unit_id ORDER BY date)) AS reading
                  JOIN aftersales_unit unit ON unit.id = reading.unit_id
                  JOIN aftersales_meter_type meter ON meter.id = unit.meter_type_id
                 WHERE abs(reading.total - CASE
                           WHEN NOT meter.counts_upward OR total_last IS NULL THEN value
                           WHEN kind = 'replaced'
                           THEN total_last + greatest(COALESCE(value_before, 0) - value_last, 0)
                           ELSE total_last + value - value_last
                       END) >= 0.5 * 10 ^ (-meter.decimals)
                 ORDER BY unit.ref
                """
            )
        )
        return self._to_result([ref for (ref,) in rows])
