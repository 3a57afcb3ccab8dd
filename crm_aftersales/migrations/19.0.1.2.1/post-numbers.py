def migrate(cr, version):
    """Compare numbers typed in full width (ＡＢ－１２) as others, where none stands yet."""
    cr.execute(
        r"""
        WITH written AS (
            SELECT id, product_id, company_id, state <> 'retired' AS is_used, serial_norm,
                   upper(regexp_replace(normalize(serial, NFKC), '[\s\-‐-―−_]+', '', 'g')) AS norm
              FROM aftersales_unit
             WHERE serial_norm IS NOT NULL
        ), counted AS (
            SELECT *, count(*) FILTER (WHERE is_used)
                          OVER (PARTITION BY product_id, company_id, norm) AS bearers
              FROM written
        )
        UPDATE aftersales_unit unit
           SET serial_norm = NULLIF(counted.norm, '')
          FROM counted
         WHERE unit.id = counted.id AND counted.norm <> counted.serial_norm
           AND (counted.bearers < 2 OR NOT counted.is_used)
        """
    )
    cr.execute(
        r"""
        UPDATE aftersales_unit
           SET plate_norm = upper(regexp_replace(normalize(plate, NFKC), '[\W_]+', '', 'g'))
         WHERE plate IS NOT NULL AND plate IS NOT NFKC NORMALIZED
        """
    )
