from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Compare numbers typed in full width (ＡＢ－１２) as others, where none stands yet."""
    Unit = api.Environment(cr, SUPERUSER_ID, {})['aftersales.unit']
    cr.execute(
        """
        SELECT id, serial, plate
          FROM aftersales_unit
         WHERE serial IS NOT NFKC NORMALIZED OR serial LIKE '%−%' OR plate IS NOT NFKC NORMALIZED
         ORDER BY id
        """
    )
    for unit_id, serial, plate in cr.fetchall():
        cr.execute(
            'UPDATE aftersales_unit SET plate_norm = %s WHERE id = %s',
            (Unit._normalise_plate(plate) or None, unit_id),
        )
        cr.execute(
            """
            UPDATE aftersales_unit unit
               SET serial_norm = %(norm)s
             WHERE id = %(id)s
               AND (state = 'retired'
                    OR NOT EXISTS (SELECT FROM aftersales_unit other
                                    WHERE other.product_id = unit.product_id
                                      AND other.company_id = unit.company_id
                                      AND other.serial_norm = %(norm)s
                                      AND other.state <> 'retired' AND other.id <> unit.id))
            """,
            {'norm': Unit._normalise_serial(serial) or None, 'id': unit_id},
        )
