from odoo import api, models
from odoo.tools import SQL


class AftersalesUnit(models.Model):
    """Repair orders count as repairs, in the place of the request they belong to."""

    _inherit = 'aftersales.unit'

    @api.model
    def _get_repairs_sql(self):
        return SQL(
            """
            SELECT unit_id, fault_code_id, moment, request_id FROM (%s) AS solved
             WHERE NOT EXISTS (SELECT FROM repair_order done
                                WHERE done.aftersales_request_id = solved.request_id
                                  AND done.state = 'done')
             UNION ALL
            SELECT done.aftersales_unit_id, done.aftersales_fault_code_id,
                   COALESCE(request.date_received, done.create_date), request.id
              FROM repair_order done
              LEFT JOIN aftersales_request request ON request.id = done.aftersales_request_id
             WHERE done.state = 'done' AND done.aftersales_unit_id IS NOT NULL
               AND done.aftersales_fault_code_id IS NOT NULL
            """,
            super()._get_repairs_sql(),
        )

    @api.model
    def _get_counted_models(self):
        return [*super()._get_counted_models(), 'repair.order']
