def migrate(cr, version):
    """Add columns that are empty for products registered so far, so that nothing is computed."""
    cr.execute(
        'ALTER TABLE aftersales_unit'
        ' ADD COLUMN IF NOT EXISTS meter_type_id int4,'
        ' ADD COLUMN IF NOT EXISTS plate_norm varchar'
    )
