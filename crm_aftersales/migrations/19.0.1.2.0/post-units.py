def migrate(cr, version):
    """Enter on which day pieces of orders were invoiced, as posted invoices do from now on."""
    cr.execute(
        """
        UPDATE aftersales_unit unit
           SET date_invoiced = piece.day
          FROM (SELECT rel.order_line_id AS line_id, move.invoice_date AS day,
                       row_number() OVER (PARTITION BY rel.order_line_id
                                          ORDER BY move.invoice_date, line.id) AS number
                  FROM sale_order_line_invoice_rel rel
                  JOIN account_move_line line ON line.id = rel.invoice_line_id
                  JOIN account_move move ON move.id = line.move_id
                  JOIN product_product product ON product.id = line.product_id
                  JOIN product_template template ON template.id = product.product_tmpl_id
                  JOIN uom_uom own ON own.id = template.uom_id
                  JOIN uom_uom uom ON uom.id = COALESCE(line.product_uom_id, own.id)
                 CROSS JOIN LATERAL generate_series(
                       1, round((line.quantity * uom.factor / own.factor)::numeric)::int)
                 WHERE move.state = 'posted' AND move.move_type = 'out_invoice'
                   AND move.invoice_date IS NOT NULL
                   AND EXISTS (SELECT FROM aftersales_unit registered
                                WHERE registered.sale_line_id = rel.order_line_id)) AS piece
         WHERE unit.sale_line_id = piece.line_id AND unit.sale_line_position = piece.number
           AND unit.date_invoiced IS NULL
        """
    )
