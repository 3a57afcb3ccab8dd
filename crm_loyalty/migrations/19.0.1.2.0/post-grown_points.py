"""Orders that grew above what they were granted within limits keep what they have."""


def migrate(cr, version):
    cr.execute(
        """UPDATE sale_order_coupon_points entry
              SET grown_points = given.qty
             FROM (SELECT moved.order_id, COALESCE(card.merged_into_id, card.id) AS card_id,
                          sum(moved.qty) AS qty
                     FROM (SELECT order_model, order_id, card_id, qty FROM loyalty_history
                            WHERE kind IN ('earn', 'unearn')
                            UNION ALL
                           SELECT order_model, order_id, card_id, qty FROM loyalty_pending
                            WHERE state = 'pending') moved
                     JOIN loyalty_card card ON card.id = moved.card_id
                    WHERE moved.order_model = 'sale.order'
                 GROUP BY 1, 2) given
            WHERE entry.is_limited AND entry.order_id = given.order_id
              AND entry.coupon_id = given.card_id
              AND given.qty > LEAST(entry.frozen_points, entry.frozen_limit)"""
    )
