from __future__ import annotations

from decimal import Decimal

from odoo import api, models
from odoo.tools import SQL


class LoyaltyRule(models.Model):
    """The earning rules as SQL, for many orders at once.

    Says the same as ``sale.order._program_check_compute_points`` of sale_loyalty 19.0, with one
    difference: amounts in a foreign currency are converted to the program's.
    """

    _inherit = 'loyalty.rule'

    @api.model
    def _get_order_line_sql(self) -> SQL:
        """Return the CTE ``line``: the lines of the orders in ``batch`` that rules look at.

        A combo has no price of its own; its items, which are no lines here, make its price.
        """
        return SQL(
            """line AS (
                SELECT line.order_id, line.product_id, line.reward_id,
                       line.product_uom_qty AS quantity,
                       CASE WHEN template.type = 'combo' THEN COALESCE(combo.subtotal, 0)
                            ELSE line.price_subtotal END AS subtotal,
                       CASE WHEN template.type = 'combo' THEN COALESCE(combo.total, 0)
                            ELSE line.price_total END AS total,
                       %(no_effect)s AS no_effect,
                       COALESCE(reward.reward_type = 'discount', FALSE) AS is_discount,
                       program.id AS program_id,
                       COALESCE(program.program_type, '') AS program_type,
                       COALESCE(program.trigger, '') AS program_trigger
                  FROM sale_order_line line
                  JOIN batch ON batch.order_id = line.order_id
                  JOIN product_product product ON product.id = line.product_id
                  JOIN product_template template ON template.id = product.product_tmpl_id
             LEFT JOIN loyalty_reward reward ON reward.id = line.reward_id
             LEFT JOIN loyalty_program program ON program.id = reward.program_id
             LEFT JOIN LATERAL (
                           SELECT sum(item.price_subtotal) AS subtotal,
                                  sum(item.price_total) AS total
                             FROM sale_order_line item
                            WHERE template.type = 'combo'
                              AND item.linked_line_id = line.id
                              AND item.combo_item_id IS NOT NULL
                       ) combo ON TRUE
                 WHERE line.combo_item_id IS NULL
            )""",
            no_effect=self._get_no_effect_line_sql(),
        )

    @api.model
    def _get_no_effect_line_sql(self) -> SQL:
        """Return the condition of lines that count for no rule (see
        ``sale.order._get_no_effect_on_threshold_lines``): deliveries, where there are any.
        """
        if 'is_delivery' not in self.env['sale.order.line']._fields:
            return SQL('FALSE')
        return SQL(
            "(COALESCE(line.is_delivery, FALSE)"
            " OR COALESCE(reward.reward_type = 'shipping', FALSE))"
        )

    def _get_earned_sql(self) -> SQL:
        """Return a SELECT of ``order_id, points`` this rule gives to the orders in ``batch``."""
        self.ensure_one()
        return SQL(
            """SELECT order_id, %(points)s AS points
                 FROM (%(totals)s) total
                WHERE has_product
                  AND quantity >= %(minimum_qty)s
                  AND %(threshold)s >= round(%(minimum)s * to_order, decimals)""",
            points=self._get_points_sql(),
            totals=self._get_order_totals_sql(),
            minimum_qty=self.minimum_qty,
            threshold=SQL(
                'threshold_incl' if self._is_minimum_tax_included() else 'threshold_excl'
            ),
            minimum=Decimal(str(self.minimum_amount)),
        )

    def _is_minimum_tax_included(self) -> bool:
        return self.minimum_amount_tax_mode == 'incl'

    def _get_order_totals_sql(self) -> SQL:
        """Return what the rule's products come to in each order."""
        program = self.program_id
        return SQL(
            """SELECT batch.order_id, batch.to_program, batch.to_order, batch.decimals,
                      bool_or(reward_id IS NULL AND NOT no_effect) AS has_product,
                      COALESCE(sum(quantity) FILTER (
                          WHERE reward_id IS NULL AND NOT no_effect), 0) AS quantity,
                      COALESCE(sum(total) FILTER (WHERE %(counts)s), 0) AS threshold_incl,
                      COALESCE(sum(subtotal) FILTER (WHERE %(counts)s), 0) AS threshold_excl,
                      COALESCE(sum(%(amount)s) FILTER (
                          WHERE NOT no_effect AND program_type NOT IN %(not_paid)s
                      ), 0) AS amount
                 FROM batch
                 JOIN line ON line.order_id = batch.order_id
                WHERE %(products)s
             GROUP BY batch.order_id, batch.to_program, batch.to_order, batch.decimals""",
            # discounts given by themselves or by this program do not lower the amount to reach
            counts=SQL(
                "NOT no_effect"
                " AND NOT (is_discount AND (program_trigger = 'auto' OR program_id = %s))",
                program.id,
            ),
            amount=SQL('total' if program.earn_base == 'incl' else 'subtotal'),
            not_paid=('ewallet', 'gift_card', program.program_type),
            products=self._get_product_sql(),
        )

    def _get_product_sql(self) -> SQL:
        """Return the condition of lines with a product of this rule."""
        domain = self._get_valid_product_domain()
        if domain.is_true():
            return SQL('TRUE')
        products = self.env['product.product'].sudo().with_context(active_test=False)
        return SQL('line.product_id IN %s', products._search(domain).subselect())

    def _get_points_sql(self) -> SQL:
        """Return the points of an order, cut to two decimals where core does."""
        amount = Decimal(str(self.reward_point_amount))
        if self.reward_point_mode == 'money':
            return SQL('trunc(%s * amount * to_program, 2)', amount)
        if self.reward_point_mode == 'unit':
            return SQL('%s * quantity', amount)
        return SQL('%s::numeric', amount)
