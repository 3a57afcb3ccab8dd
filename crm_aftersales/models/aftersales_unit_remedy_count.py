from __future__ import annotations

from odoo import api, fields, models
from odoo.tools import SQL

from .aftersales_remedy_rule import COUNTERS


class AftersalesUnit(models.Model):
    """Counts days in repair, repairs and replacements of products, in one statement for many.

    Nothing is stored: what is counted follows from stays, requests and components, so that a
    correction there is a correction here.
    """

    _inherit = 'aftersales.unit'

    # ------------------------------------------------------------
    # WHAT IS COUNTED
    # ------------------------------------------------------------

    @api.model
    def _get_stays_sql(self) -> SQL:
        """Return the select of the times in service: product, first day, day given back."""
        return SQL(
            """
            SELECT unit_id, date_from, date_to FROM aftersales_unit_stay
             UNION ALL
            SELECT id, date_in_service, %s FROM aftersales_unit
             WHERE date_in_service IS NOT NULL AND state = 'in_service'
            """,
            fields.Date.context_today(self),
        )

    @api.model
    def _get_repairs_sql(self) -> SQL:
        """Return the select of repairs: product, fault, when it was reported, request.

        A request that was resolved is one repair, unless its solution says that it is none.
        """
        return SQL(
            """
            SELECT request.unit_id, request.fault_code_id, request.date_received AS moment,
                   request.id AS request_id
              FROM aftersales_request request
              LEFT JOIN aftersales_code solution ON solution.id = request.solution_code_id
             WHERE request.unit_id IS NOT NULL AND request.fault_code_id IS NOT NULL
               AND request.state IN ('resolved', 'closed') AND request.active
               AND request.merged_into_id IS NULL AND solution.is_repair IS NOT FALSE
            """
        )

    @api.model
    def _get_swaps_sql(self) -> SQL:
        """Return the select of main parts replaced: product, part, day."""
        return SQL(
            """
            SELECT component.unit_id, part.product_tmpl_id AS part_id, component.date_to AS day
              FROM aftersales_unit_component component
              JOIN product_product part ON part.id = component.product_id
              JOIN product_template template ON template.id = part.product_tmpl_id
             WHERE template.aftersales_main_part AND component.date_to IS NOT NULL
               AND component.replaced_by_id IS NOT NULL
            """
        )

    @api.model
    def _get_touched_sql(self) -> SQL:
        """Return the select of the products of which there is anything to count."""
        return SQL(
            'SELECT unit_id FROM (%s) stay UNION SELECT unit_id FROM (%s) repair'
            ' UNION SELECT unit_id FROM (%s) swap',
            self._get_stays_sql(),
            self._get_repairs_sql(),
            self._get_swaps_sql(),
        )

    # ------------------------------------------------------------
    # IN WHICH TIME
    # ------------------------------------------------------------

    @api.model
    def _get_counter_windows_sql(self, units: SQL) -> SQL:
        """Return the select of what is counted in the whole life of products.

        :param units: select of their ids
        """
        return SQL(
            """
            SELECT unit.id AS unit_id, 0 AS rule_id, counter, NULL::date AS date_from,
                   NULL::date AS date_to
              FROM aftersales_unit unit, unnest(%s) AS counter
             WHERE unit.id IN (%s)
            """,
            [counter for counter, _label in COUNTERS],
            units,
        )

    @api.model
    def _get_rule_windows_sql(self, units: SQL) -> SQL:
        """Return the select of what rules count of products, from which day until before which.

        :param units: select of their ids
        """
        return SQL(
            """
            SELECT unit.id AS unit_id, rule.id AS rule_id, rule.counter,
                   COALESCE(unit.date_delivered, unit.date_invoiced) AS date_from,
                   LEAST(
                       CASE WHEN rule.months > 0
                            THEN COALESCE(unit.date_delivered, unit.date_invoiced)
                                 + make_interval(months => rule.months)
                       END,
                       CASE WHEN rule.meter_limit > 0
                            THEN (SELECT MIN(reading.date) FROM aftersales_meter_reading reading
                                   WHERE reading.unit_id = unit.id AND reading.state = 'ok'
                                     AND reading.total > rule.meter_limit)
                       END
                   )::date AS date_to
              FROM aftersales_unit unit
              JOIN product_product product ON product.id = unit.product_id
              JOIN product_template template ON template.id = product.product_tmpl_id
              LEFT JOIN product_category category ON category.id = template.categ_id
              JOIN aftersales_remedy_rule rule
                ON rule.active
               AND (rule.company_id IS NULL OR rule.company_id = unit.company_id)
               AND (rule.categ_id IS NULL
                    OR category.parent_path LIKE CONCAT('%%/', rule.categ_id, '/%%')
                    OR category.parent_path LIKE CONCAT(rule.categ_id, '/%%'))
               AND (rule.months = 0
                    OR COALESCE(unit.date_delivered, unit.date_invoiced) IS NOT NULL)
             WHERE unit.state <> 'retired' AND unit.id IN (%s)
            """,
            units,
        )

    # ------------------------------------------------------------
    # HOW MUCH
    # ------------------------------------------------------------

    @api.model
    def _get_counts_sql(self, windows: SQL) -> SQL:
        """Return the select of counts: product, rule, counter, number, id of the fault or part.

        :param windows: select of what to count in which time
        """
        return SQL(
            """
            WITH counted AS MATERIALIZED (%(windows)s)
            SELECT unit_id, rule_id, counter, number, detail_id FROM (
                %(days)s UNION ALL %(repairs)s UNION ALL %(swaps)s
            ) AS result
            """,
            windows=windows,
            days=self._get_days_count_sql(),
            repairs=self._get_repairs_count_sql(),
            swaps=self._get_swaps_count_sql(),
        )

    @api.model
    def _get_in_window_sql(self, day: SQL) -> SQL:
        return SQL(
            '(counted.date_from IS NULL OR %(day)s >= counted.date_from)'
            ' AND (counted.date_to IS NULL OR %(day)s < counted.date_to)',
            day=day,
        )

    @api.model
    def _get_days_count_sql(self) -> SQL:
        """Count the days between handing in and giving back; a day of two stays is one."""
        return SQL(
            """
            SELECT counted.unit_id, counted.rule_id, counted.counter,
                   COUNT(DISTINCT day)::int AS number, NULL::int AS detail_id
              FROM counted
              JOIN (%s) AS stay ON stay.unit_id = counted.unit_id
             CROSS JOIN LATERAL generate_series(
                       stay.date_from, stay.date_to - 1, interval '1 day') AS day
             WHERE counted.counter = 'repair_days_total' AND %s
             GROUP BY counted.unit_id, counted.rule_id, counted.counter
            """,
            self._get_stays_sql(),
            self._get_in_window_sql(SQL('day')),
        )

    @api.model
    def _get_repairs_count_sql(self) -> SQL:
        """Count repairs by fault; those of safety faults all together."""
        day = SQL(
            "(repair.moment AT TIME ZONE 'UTC' AT TIME ZONE %s)::date",
            self.env['res.partner']._get_customer_tz_sql('partner', 'company'),
        )
        return SQL(
            """
            SELECT counted.unit_id, counted.rule_id, counted.counter, COUNT(*)::int AS number,
                   CASE WHEN counted.counter = 'same_fault_max'
                        THEN repair.fault_code_id END AS detail_id
              FROM counted
              JOIN (%(repairs)s) AS repair ON repair.unit_id = counted.unit_id
              JOIN aftersales_code fault ON fault.id = repair.fault_code_id
              JOIN aftersales_unit unit ON unit.id = counted.unit_id
              JOIN res_partner partner ON partner.id = unit.partner_id
              JOIN res_company company ON company.id = unit.company_id
             WHERE (counted.counter = 'same_fault_max'
                    OR counted.counter = 'safety_fault_repairs' AND fault.is_safety)
               AND %(in_window)s
             GROUP BY counted.unit_id, counted.rule_id, counted.counter, 5
            """,
            repairs=self._get_repairs_sql(),
            in_window=self._get_in_window_sql(day),
        )

    @api.model
    def _get_swaps_count_sql(self) -> SQL:
        """Count replacements by part."""
        return SQL(
            """
            SELECT counted.unit_id, counted.rule_id, counted.counter, COUNT(*)::int AS number,
                   swap.part_id AS detail_id
              FROM counted
              JOIN (%s) AS swap ON swap.unit_id = counted.unit_id
             WHERE counted.counter = 'main_part_swaps' AND %s
             GROUP BY counted.unit_id, counted.rule_id, counted.counter, swap.part_id
            """,
            self._get_swaps_sql(),
            self._get_in_window_sql(SQL('swap.day')),
        )
