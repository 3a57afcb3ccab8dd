from odoo import models
from odoo.tools import SQL

from odoo.addons.crm_customer.selfcheck import SelfCheck


class CrmSelfcheck(models.Model):
    """Whether what is paid for services adds up to what they cost."""

    _inherit = 'crm.selfcheck'

    def _get_checks(self) -> list[SelfCheck]:
        return [
            *super()._get_checks(),
            SelfCheck(
                code='aftersales.shares',
                name=self.env._("Shares of service lines add up to their price"),
                method='_check_aftersales_shares',
            ),
        ]

    def _check_aftersales_shares(self) -> tuple[bool, str, int]:
        """Compute price and shares of all lines again, in the database."""
        self.env['aftersales.service.line'].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT DISTINCT request.number
                  FROM (SELECT line.request_id, line.amount_total, line.amount_customer,
                               line.amount_other, currency.rounding,
                               CASE WHEN line.display_type IS NULL
                                    THEN line.quantity::numeric * line.price_unit::numeric
                                         * (1 - line.discount::numeric / 100)
                                    ELSE 0 END AS price,
                               line.customer_percent::numeric / 100 AS share
                          FROM aftersales_service_line line
                          JOIN res_currency currency ON currency.id = line.currency_id) line
                  JOIN aftersales_request request ON request.id = line.request_id
                 WHERE amount_customer + amount_other <> amount_total
                    OR abs(amount_total - price) > rounding
                    OR abs(amount_customer - price * share) > rounding
                 ORDER BY request.number
                """
            )
        )
        return self._to_result([number for (number,) in rows])
