def migrate(cr, version):
    """Let statutory warranties name the event they have started with."""
    cr.execute(
        """
        UPDATE aftersales_warranty warranty
           SET start_event = 'delivery'
          FROM aftersales_unit unit
         WHERE unit.id = warranty.unit_id
           AND warranty.layer = 'statutory' AND warranty.start_event = 'installation'
           AND warranty.date_start = unit.date_delivered
           AND unit.date_installed IS DISTINCT FROM unit.date_delivered
        """
    )
