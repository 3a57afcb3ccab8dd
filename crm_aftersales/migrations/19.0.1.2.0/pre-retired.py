def migrate(cr, version):
    """Take the last change for the day on which products were retired: nothing else is known."""
    cr.execute('ALTER TABLE aftersales_unit ADD COLUMN IF NOT EXISTS date_retired date')
    cr.execute(
        "UPDATE aftersales_unit SET date_retired = write_date::date"
        " WHERE state = 'retired' AND date_retired IS NULL"
    )
