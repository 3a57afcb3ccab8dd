from odoo import api
from odoo.tools import SQL


def pre_init_hook(env: api.Environment) -> None:
    """Add columns that are empty for products registered so far, so that nothing is computed."""
    env.cr.execute('ALTER TABLE aftersales_unit ADD COLUMN IF NOT EXISTS lot_is_serial boolean')


def post_init_hook(env: api.Environment) -> None:
    """Tell products that were delivered before by which transfer: customers have them.

    Where an order says which piece it was nobody can tell; those with the serial number are taken
    first, and then one after the other. What came back is left alone.
    """
    env.flush_all()
    _collect_pieces(env)
    _normalise_serials(env)
    _link_units(env, SQL("unit.serial_norm = piece.serial_norm"))
    _link_units(
        env, SQL("piece.number = unit.number AND (unit.serial_norm IS NULL OR NOT piece.is_serial)")
    )
    env.cr.execute('DROP TABLE aftersales_piece')
    env.invalidate_all()


def _collect_pieces(env: api.Environment) -> None:
    """Collect the pieces that customers got by orders whose products are registered."""
    locations = env['stock.location'].with_context(active_test=False).search([])
    outside = tuple(locations.filtered(lambda location: location._is_outgoing()).ids) or (0,)
    env.cr.execute(
        """
        CREATE TEMPORARY TABLE aftersales_piece AS
        WITH moved AS (
            SELECT move.id AS move_id, move.sale_line_id, move.product_id, line.lot_id, move.date,
                   line.id AS line_id, line.quantity_product_uom AS quantity,
                   move.location_dest_id IN %(outside)s AS is_delivery
              FROM stock_move move
              JOIN stock_move_line line ON line.move_id = move.id
             WHERE move.state = 'done'
               AND (move.location_dest_id IN %(outside)s) <> (move.location_id IN %(outside)s)
               AND EXISTS (SELECT FROM aftersales_unit unit
                            WHERE unit.sale_line_id = move.sale_line_id)
        ), piece AS (
            SELECT moved.*,
                   row_number() OVER (PARTITION BY sale_line_id, product_id, lot_id, is_delivery
                                      ORDER BY date, line_id, piece) AS number
              FROM moved CROSS JOIN generate_series(1, round(quantity)::int) AS piece
        )
        SELECT got.move_id, got.sale_line_id, got.product_id, got.lot_id, got.date, got.line_id,
               got.number AS of_lot, lot.name AS serial, NULL::varchar AS serial_norm,
               template.tracking = 'serial' AS is_serial
          FROM piece got
          JOIN product_product product ON product.id = got.product_id
          JOIN product_template template ON template.id = product.product_tmpl_id
          LEFT JOIN stock_lot lot ON lot.id = got.lot_id
         WHERE got.is_delivery
           AND NOT EXISTS (SELECT FROM piece back
                            WHERE NOT back.is_delivery AND back.number = got.number
                              AND back.sale_line_id = got.sale_line_id
                              AND back.product_id = got.product_id
                              AND back.lot_id IS NOT DISTINCT FROM got.lot_id)
        """,
        {'outside': outside},
    )
    # a serial number is where it was handed over last
    env.cr.execute(
        """
        DELETE FROM aftersales_piece piece
         USING aftersales_piece later
         WHERE piece.is_serial AND later.lot_id = piece.lot_id
           AND (later.date, later.line_id) > (piece.date, piece.line_id)
        """
    )


def _normalise_serials(env: api.Environment) -> None:
    """Compare serial numbers as products do: what a letter is, the database sees by its locale."""
    env.cr.execute('SELECT DISTINCT serial FROM aftersales_piece WHERE serial IS NOT NULL')
    serials = [serial for (serial,) in env.cr.fetchall()]
    normalise = env['aftersales.unit']._normalise_serial
    env.cr.execute(
        """
        UPDATE aftersales_piece piece
           SET serial_norm = known.serial_norm
          FROM unnest(%s::varchar[], %s::varchar[]) AS known(serial, serial_norm)
         WHERE known.serial = piece.serial
        """,
        (serials, [normalise(serial) or None for serial in serials]),
    )


def _link_units(env: api.Environment, condition: SQL) -> None:
    """Link products to the pieces left, each once.

    :param condition: by what a piece is the product; both have a number on their order line
    """
    env.cr.execute(
        SQL(
            """
            WITH unit AS (
                SELECT *, row_number() OVER (PARTITION BY sale_line_id, product_id
                                             ORDER BY serial_norm IS NOT NULL, sale_line_position,
                                                      id) AS number
                  FROM aftersales_unit
                 WHERE stock_move_id IS NULL AND state NOT IN ('draft', 'retired')
            ), piece AS (
                SELECT *, row_number() OVER (PARTITION BY sale_line_id, product_id
                                             ORDER BY date, line_id, of_lot) AS number
                  FROM aftersales_piece
            ), linked AS (
                UPDATE aftersales_unit target
                   SET stock_move_id = piece.move_id, lot_id = piece.lot_id,
                       lot_is_serial = piece.is_serial,
                       serial = CASE WHEN piece.is_serial
                                     THEN COALESCE(unit.serial, piece.serial)
                                     ELSE unit.serial END,
                       serial_norm = CASE WHEN piece.is_serial
                                          THEN COALESCE(unit.serial_norm, piece.serial_norm)
                                          ELSE unit.serial_norm END
                  FROM unit
                  JOIN piece ON piece.sale_line_id = unit.sale_line_id
                            AND piece.product_id = unit.product_id AND %(condition)s
                 WHERE target.id = unit.id
                   AND NOT EXISTS (SELECT FROM aftersales_unit other
                                    WHERE piece.is_serial AND other.id <> unit.id
                                      AND other.product_id = unit.product_id
                                      AND other.company_id = unit.company_id
                                      AND other.serial_norm = piece.serial_norm
                                      AND other.state <> 'retired')
             RETURNING piece.line_id, piece.of_lot
            )
            DELETE FROM aftersales_piece gone
             USING linked
             WHERE gone.line_id = linked.line_id AND gone.of_lot = linked.of_lot
            """,
            condition=condition,
        )
    )
