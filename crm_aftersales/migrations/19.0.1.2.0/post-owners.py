def migrate(cr, version):
    """Begin the history of owners with those of today; who owned a product before is not known."""
    cr.execute(
        """
        INSERT INTO aftersales_unit_owner
                    (unit_id, partner_id, date_from, create_uid, create_date, write_uid, write_date)
        SELECT unit.id, unit.partner_id, COALESCE(unit.date_delivered, unit.create_date::date),
               unit.create_uid, unit.create_date, unit.create_uid, unit.create_date
          FROM aftersales_unit unit
         WHERE NOT EXISTS (SELECT FROM aftersales_unit_owner owner WHERE owner.unit_id = unit.id)
        """
    )
